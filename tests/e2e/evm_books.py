"""What became of the directives: walletd's database and the chain, held against each other (spec/outbox.md 7.3).

  evm_books.wait_at_rest(datadir)                     until no directive is on its way any more
  evm_books.audit(datadir, verifier, ...)             every invariant; returns the Books

The database is read as a file, not by asking walletd: what is on the disk is what a crash leaves.  The chain is read from
the contract's own events, by a node and code that have no part of walletd's.  Numbers in brackets name the invariant.
Number 12, the counters, is for whoever knows how often the daemon was started: their counts begin anew each time.

A scenario in which somebody else has a hand says so: strangers= names the (signer, nonce) that were executed with another
signature than ours, foreign_txs= how many account nonces of a relayer others have used, and unproven= the ids that are
left to a person although they had their effect, because the node would not show it.
"""
import collections
import contextlib
import json
import os
import sqlite3

import abi
import directives
import evm
import lab
import rlp
from directives import WITHDRAWALS

PENDING, CLAIMED, SUBMITTED, INCLUDED, CONFIRMED, RETRY, REVERTED, DEAD_LETTERED, MANUAL = range(9)
FINAL = (CONFIRMED, REVERTED, DEAD_LETTERED, MANUAL)
PREPARED, BROADCAST, MINED, SLOT_CONFIRMED, SLOT_FAILED, VACANT, LOST = range(7)
ON_THE_WAY = (PREPARED, BROADCAST, MINED)
FOR_DIRECTIVES = 0  # purpose of a slot
OPERATOR_DONE, OPERATOR_ABANDONED = "operator_done", "operator_abandoned"

TABLES = {
    "spaces": "SELECT space_id, chain_id, verifying_contract AS contract, signer, next_nonce, release_at"
              " FROM outbox_nonce_space",
    "rows": "SELECT outbox_seq AS seq, directive_id AS id, action_key, space_id, account, signer, nonce, payload,"
            " order_key, delivery_status AS status, holds_order, blocked, reason_class AS reason, tx_id,"
            " result_tx_hash AS result_tx, result_block FROM directive_outbox ORDER BY outbox_seq",
    "history": "SELECT h.outbox_seq AS seq, d.space_id, h.nonce FROM directive_nonce_history h"
               " JOIN directive_outbox d USING (outbox_seq)",
    "signatures": "SELECT space_id, nonce, outbox_seq AS seq, digest, signature FROM directive_signature",
    "lanes": "SELECT lane, chain_id, relayer, next_tx_nonce FROM outbox_lane",
    "slots": "SELECT tx_id, lane, tx_nonce, purpose, state, fill, mined_hash, mined_block, mined_block_hash"
             " FROM outbox_tx ORDER BY lane, tx_nonce",
    "attempts": "SELECT signed_seq, tx_hash, tx_id, fill, attempt, raw, max_fee, max_priority_fee, gas_limit"
                " FROM outbox_tx_attempt ORDER BY tx_id, fill, attempt",
    "items": "SELECT tx_id, fill, position, outbox_seq AS seq FROM outbox_tx_item ORDER BY tx_id, fill, position",
    "tally": "SELECT space_id, delivery_status AS status, n FROM outbox_tally WHERE n > 0",
    "events": "SELECT seq, kind, subject, data FROM event WHERE kind GLOB 'directive.*' ORDER BY seq",
}

# What an event may be followed by, of one directive.  Claims, retries and fresh slots leave no event of their own.
WORKED = {"submitted", "included", "dead_lettered", "manual_reconciliation"}
MOVED = {"replaced", "reverted", *WORKED}
STOPPED = {"reopened", "abandoned"}
FOLLOWS = {
    None: {"accepted"},
    "accepted": WORKED,
    "reopened": WORKED,
    "submitted": MOVED,
    "replaced": MOVED,
    "reorged": MOVED,
    "included": {"confirmed", "reorged"},
    "confirmed": {"reorged"},
    "reverted": STOPPED,
    "dead_lettered": {"failed", *STOPPED},
    "failed": STOPPED,
    "abandoned": STOPPED,
    "manual_reconciliation": {"included", "confirmed", *STOPPED},
}
# Where a directive stands after an event; no status is where it stands after "expired" [13].
WAITING = {PENDING, CLAIMED, RETRY}
STANDS = {
    "accepted": WAITING,
    "reopened": WAITING,
    "submitted": {SUBMITTED, *WAITING},
    "replaced": {SUBMITTED, *WAITING},
    "reorged": {SUBMITTED, *WAITING},
    "included": {INCLUDED},
    "confirmed": {CONFIRMED},
    "reverted": {REVERTED},
    "dead_lettered": {DEAD_LETTERED},
    "failed": {DEAD_LETTERED},
    "abandoned": {DEAD_LETTERED},
    "manual_reconciliation": {MANUAL},
}


class Mismatch(AssertionError):
    pass


def check(true, what):
    if not true:
        raise Mismatch(what)


def opened(datadir):
    path = os.path.join(datadir, "wallet.db")
    return contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10))


def read(db, question):
    """The rows, their columns by name."""
    cursor = db.execute(question)
    row = collections.namedtuple("Row", [column[0] for column in cursor.description])
    return [row(*values) for values in cursor]


def address(blob):
    return evm.text(blob)


class Books:
    """One database, as it is now."""

    def __init__(self, datadir, strangers=(), foreign_txs=0, unproven=()):
        self.strangers, self.foreign_txs, self.unproven = set(strangers), foreign_txs, set(unproven)
        with opened(datadir) as db:
            db.execute("BEGIN")
            found = {name: read(db, question) for name, question in TABLES.items()}
        self.rows, self.history, self.signatures = found["rows"], found["history"], found["signatures"]
        self.lanes, self.slots, self.attempts = found["lanes"], found["slots"], found["attempts"]
        self.items, self.tally, self.events = found["items"], found["tally"], found["events"]
        self.spaces = {s.space_id: s for s in found["spaces"]}
        self.by_seq = {r.seq: r for r in self.rows}
        self.by_id = {r.id: r for r in self.rows}
        self.slot = {s.tx_id: s for s in self.slots}
        self.signed = {(s.space_id, s.nonce): s for s in self.signatures}
        self.story = collections.defaultdict(list)
        for event in self.events:
            data = json.loads(event.data)
            word = data["status"] if event.kind == "directive.update" else event.kind.split(".", 1)[1]
            self.story[event.subject].append((word, data))

    def words(self, row):
        return [word for word, _ in self.story[row.id]]

    def of(self, contract):
        """The spaces of this contract."""
        return {i for i, s in self.spaces.items()
                if (s.chain_id, address(s.contract)) == (contract.chain_id, contract.address)}

    def lanes_to(self, contract):
        return [lane for lane in self.lanes if lane.chain_id == contract.chain_id]

    def statuses(self):
        """{directive_id: status}."""
        return {r.id: r.status for r in self.rows}


def at_rest(datadir):
    """True when every directive has come to an end, as far as the machine can bring it to one."""
    with opened(datadir) as db:
        marks = ",".join("?" * len(FINAL))
        (open_,), = db.execute(f"SELECT count(*) FROM directive_outbox WHERE delivery_status NOT IN ({marks})", FINAL)
    return open_ == 0


def wait_at_rest(datadir, within_s=60):
    lab.wait_until(lambda: at_rest(datadir), "every directive comes to rest", within_s)


# Inside the database.

def check_nonces(b):
    """[1] [2] A nonce is a directive's for ever, and the counter is ahead of all of them."""
    taken = [(r.space_id, r.nonce) for r in b.rows] + [(h.space_id, h.nonce) for h in b.history]
    twice = [nonce for nonce, n in collections.Counter(taken).items() if n > 1]
    check(not twice, f"nonces given twice: {twice}")
    for space, nonce in taken:
        check(nonce < b.spaces[space].next_nonce, f"nonce {nonce} is not behind the counter of space {space}")


def check_slots(b):
    """[4] [5] [6] A directive that is on its way is in one slot, once; a claimed one is in none that is its own."""
    current = collections.defaultdict(list)
    for item in b.items:
        if item.fill == b.slot[item.tx_id].fill:
            current[item.seq].append(b.slot[item.tx_id])
    for row in b.rows:
        mine = [s for s in current[row.seq] if s.tx_id == row.tx_id]
        if row.status == SUBMITTED or (row.status == INCLUDED and row.tx_id is not None):
            check(len(mine) == 1, f"{row.id} is {len(mine)} times in its slot {row.tx_id}")
        going = [s.tx_id for s in current[row.seq] if s.state in ON_THE_WAY]
        check(len(going) <= 1, f"{row.id} is in the open slots {going}")
        if row.status in WAITING:
            check(not [s for s in mine if s.state in ON_THE_WAY], f"{row.id} waits, and is in the open slot {row.tx_id}")
    for slot in b.slots:
        lane, = [lane for lane in b.lanes if lane.lane == slot.lane]
        check(slot.tx_nonce < lane.next_tx_nonce, f"slot {slot.tx_nonce} of lane {slot.lane} is before its counter")


def check_order_keys(b):
    """[11] Of each key the oldest alone may go."""
    holders = collections.defaultdict(list)
    for row in b.rows:
        if row.order_key is not None and row.holds_order:
            holders[row.order_key].append(row)
        check(row.holds_order or not row.blocked, f"{row.id} is blocked and holds no order")
    for rows in holders.values():
        if CLAIMED in [r.status for r in rows]:
            continue  # a burst: the followers go with their head
        free = [r.id for r in rows if not r.blocked]
        check(free == [rows[0].id], f"of {[r.id for r in rows]}, {free} may go")


def check_stories(b):
    """[9] [10] [13] The events of each directive tell a way that exists, and it ends where the row is."""
    for row in b.rows:
        before = None
        for word in b.words(row):
            check(word in FOLLOWS.get(before, ()), f"{row.id}: {word} after {before}")
            before = word
        check(before is not None, f"{row.id}: nothing was told of it")
        check(row.status in STANDS[before], f"{row.id} is in status {row.status} after {before}")
        dead = b.words(row).count("dead_lettered")
        failed = [data for word, data in b.story[row.id] if word == "failed"]
        wanted = dead if row.action_key in WITHDRAWALS else 0
        check(len(failed) == wanted, f"{row.id} ({row.action_key}): {len(failed)} failed, dead-lettered {dead} times")
        for data in failed:
            check([data[k] for k in ("tx_hash", "gas_used", "gas_price")] == [None] * 3, f"{row.id}: failed with {data}")
    check(set(b.story) <= set(b.by_id), f"events of nobody: {set(b.story) - set(b.by_id)}")


def check_tally(b):
    counted = collections.Counter((r.space_id, r.status) for r in b.rows)
    told = {(t.space_id, t.status): t.n for t in b.tally}
    check(told == counted, f"the tally {told} is not {dict(counted)}")


def first_sent(b):
    """{seq: where it first stood in what was signed}."""
    signed = {}
    for attempt in b.attempts:
        at = (attempt.tx_id, attempt.fill)
        signed[at] = min(signed.get(at, attempt.signed_seq), attempt.signed_seq)
    found = {}
    for item in b.items:
        place = (signed[item.tx_id, item.fill], item.position)
        found[item.seq] = min(found.get(item.seq, place), place)
    return found


def check_sent_in_order(b):
    """G6: of each key they went out as they came.  One that an operator reopened comes when it comes."""
    sent, last = first_sent(b), {}
    for row in b.rows:
        if row.order_key is None or row.seq not in sent or "reopened" in b.words(row):
            continue
        before = last.get(row.order_key)
        check(before is None or sent[before.seq] < sent[row.seq], f"{row.id} went out before {before and before.id}")
        last[row.order_key] = row


def check_database(b):
    check_nonces(b)
    check_slots(b)
    check_order_keys(b)
    check_stories(b)
    check_tally(b)
    check_sent_in_order(b)


def check_at_rest(b):
    """[4] Nothing is claimed, and nothing is on its way."""
    left = {r.id: r.status for r in b.rows if r.status not in FINAL}
    check(not left, f"still on their way: {left}")


# Against the chain.

def check_signatures(b, contract):
    """[3] What was signed is what the contract wants signed, by the signer of the row."""
    mine = [s for s in b.signatures if s.space_id in b.of(contract)]
    rows = [b.by_seq[s.seq] for s in mine]
    wanted = contract.digests([directives.Directive(r.id, address(r.account), r.action_key, s.nonce, r.payload)
                               for r, s in zip(rows, mine)])
    signers = directives.recover_all(contract.chain, [(s.digest, s.signature) for s in mine])
    for row, s, digest, signer in zip(rows, mine, wanted, signers):
        check(s.digest == digest, f"{row.id}: the digest under nonce {s.nonce} is not the contract's")
        check(signer == address(row.signer), f"{row.id}: the signature under nonce {s.nonce} is of {signer}")


def our_effects(b, contract):
    """[7] The contract's events that are ours: [(log, signature)], in order of the chain."""
    logs = contract.executed()
    twice = [k for k, n in collections.Counter((e.signer, e.nonce) for e in logs).items() if n > 1]
    check(not twice, f"executed twice: {twice}")
    spaces = {address(b.spaces[i].signer): i for i in b.of(contract)}
    found = []
    for log in logs:
        if log.signer not in spaces or (log.signer, log.nonce) in b.strangers:
            continue
        ours = b.signed.get((spaces[log.signer], log.nonce))
        check(ours and ours.digest == log.digest, f"nonce {log.nonce} was executed with a digest that we did not sign")
        found.append((log, ours))
    return found


def check_exactly_once(b, contract):
    """[7] [8] Every directive had its effect at most once, under whatever nonce; every one that we call done had it; at
    rest no other had it.  The contract's own counters say the same."""
    effects = our_effects(b, contract)
    logs = {}
    for log, signature in effects:
        row = b.by_seq[signature.seq]
        check(row.seq not in logs, f"{row.id} had its effect twice")
        check(log.id_hash == directives.id_hash(row.id), f"{row.id} was executed under another id")
        check(log.account == address(row.account), f"{row.id} was executed for another account")
        logs[row.seq] = log
    for row in b.rows:
        if row.space_id not in b.of(contract):
            continue
        log = logs.get(row.seq)
        if row.status == CONFIRMED and row.reason == OPERATOR_DONE:
            continue
        if row.status in (INCLUDED, CONFIRMED):
            check(log, f"{row.id} is in status {row.status}, and the chain knows nothing of it")
            check((evm.text(row.result_tx), row.result_block) == (log.tx, log.place[0]),
                  f"{row.id} names {evm.text(row.result_tx)} in {row.result_block}, and it was {log}")
        elif row.status in FINAL and row.id not in b.unproven:
            check(not log, f"{row.id} is in status {row.status}, and it was executed")
    accounts = collections.Counter(log.account for log in contract.executed())
    for account, n in accounts.items():
        check(contract.effects(account) == n, f"{account}: {n} events, {contract.effects(account)} effects")


def check_order_on_chain(b, contract):
    """Of each key the effects are in order, but for rows that had to go out again, or that an operator reopened."""
    slots = collections.Counter(seq for seq, _ in {(i.seq, (i.tx_id, i.fill)) for i in b.items})
    last = {}
    for _, signature in our_effects(b, contract):
        row = b.by_seq[signature.seq]
        if row.order_key is None or slots[row.seq] != 1 or "reopened" in b.words(row):
            continue
        before = last.get(row.order_key)
        check(before is None or before.seq < row.seq, f"{row.id} had its effect after {before and before.id}")
        last[row.order_key] = row


def check_lanes(b, contract):
    """[6] A lane has no hole that would hold up what is behind it."""
    for lane in b.lanes_to(contract):
        nonces = {s.tx_nonce for s in b.slots if s.lane == lane.lane}
        mined = contract.chain.count(address(lane.relayer))
        holes = [n for n in range(mined, lane.next_tx_nonce) if n not in nonces]
        check(not holes, f"lane {lane.lane}: no slot at {holes}, the chain is at {mined}")
        behind = [n for n in range(min(nonces, default=0), mined) if n not in nonces]
        check(len(behind) <= b.foreign_txs, f"lane {lane.lane}: {behind} were used by nobody that we know")


def carried(data):
    """[(id hash, signature)] of the calldata of a delivery."""
    if data[:4] == abi.selector(directives.EXECUTE):
        struct, signature = abi.decode(f"{directives.STRUCT},bytes", data[4:])
        return [(struct[0], signature)]
    check(data[:4] == abi.selector(directives.EXECUTE_BATCH), f"calldata {data[:4].hex()}")
    structs, signatures = abi.decode(f"{directives.STRUCT}[],bytes[]", data[4:])
    return [(struct[0], signature) for struct, signature in zip(structs, signatures)]


def check_attempts(b, contract):
    """G8, 5.6: each raw transaction is what its columns say, carries what its items say, and outbids the one before."""
    lanes = {lane.lane for lane in b.lanes_to(contract)}
    attempts = [a for a in b.attempts if b.slot[a.tx_id].lane in lanes]
    items = collections.defaultdict(list)
    for item in b.items:
        items[item.tx_id, item.fill].append(item.seq)
    signatures = {(directives.id_hash(b.by_seq[s.seq].id), s.signature) for s in b.signatures}
    before = None
    for attempt, hash_ in zip(attempts, contract.chain.hashes([a.raw for a in attempts])):
        slot, tx = b.slot[attempt.tx_id], rlp.transaction(attempt.raw)
        name = f"slot {slot.tx_nonce} of lane {slot.lane}, fill {attempt.fill}, attempt {attempt.attempt}"
        check(hash_ == attempt.tx_hash, f"{name}: the hash is not that of its bytes")
        check((tx.chain_id, tx.nonce) == (contract.chain_id, slot.tx_nonce), f"{name}: {tx}")
        check((tx.max_fee, tx.max_priority_fee, tx.gas) ==
              (attempt.max_fee, attempt.max_priority_fee, attempt.gas_limit), f"{name}: {tx}")
        if before and (before[0].tx_id, before[0].fill) == (attempt.tx_id, attempt.fill):
            old = before[1]
            check(tx.max_fee * 10 >= old.max_fee * 11 and tx.max_priority_fee * 10 >= old.max_priority_fee * 11,
                  f"{name} does not outbid the one before")
            check(tx.gas >= old.gas or tx.to != old.to, f"{name} has less gas than the one before")
        before = (attempt, tx)
        if slot.purpose == FOR_DIRECTIVES and tx.to == contract.address:
            held = carried(tx.data)
            check([i for i, _ in held] == [directives.id_hash(b.by_seq[seq].id)
                                           for seq in items[attempt.tx_id, attempt.fill]], f"{name}: its items")
            check(signatures.issuperset(held), f"{name} carries a signature that was not written down")


def check_confirmed_slots(b, contract):
    """What we call mined for good is on the chain where we say, and is one of our attempts."""
    known = {a.tx_hash: a.tx_id for a in b.attempts}
    lanes = {lane.lane for lane in b.lanes_to(contract)}
    for slot in b.slots:
        if slot.lane not in lanes or slot.state not in (SLOT_CONFIRMED, SLOT_FAILED):
            continue
        check(known.get(slot.mined_hash) == slot.tx_id, f"slot {slot.tx_nonce}: its transaction is not its own")
        receipt = contract.chain.receipt(evm.text(slot.mined_hash))
        check(receipt and receipt["blockHash"] == evm.text(slot.mined_block_hash),
              f"slot {slot.tx_nonce}: its transaction is not in block {slot.mined_block}")


def check_written_before_sent(b, sent):
    """G8: every raw transaction that came by a gate (Gate.sent) is written down."""
    known = {evm.text(a.tx_hash) for a in b.attempts}
    strange = {s.hash for s in sent} - known
    check(not strange, f"sent, and not written down: {strange}")


def check_chain(b, contract):
    check_signatures(b, contract)
    check_exactly_once(b, contract)
    check_order_on_chain(b, contract)
    check_lanes(b, contract)
    check_attempts(b, contract)
    check_confirmed_slots(b, contract)


def audit(datadir, *contracts, sent=(), **others):
    """Everything, at rest; others: strangers, foreign_txs, unproven.  Returns the books, for what a scenario wants to
    know beside that."""
    b = Books(datadir, **others)
    check_database(b)
    check_at_rest(b)
    for contract in contracts:
        check_chain(b, contract)
    check_written_before_sent(b, sent)
    return b
