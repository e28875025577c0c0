"""The books of the scenarios find what they are there to find: a database as walletd would leave it is right, and each
thing that may be wrong with it, or with the chain, is told."""
import contextlib
import json
import os
import shutil
import sqlite3
import tempfile

import directives
import evm
import evm_books
import evm_gate
import rlp
from evm_bench import ACCOUNT, check, raises, same, test

# What the books read, without the constraints of the real tables: here they must be broken.
SCHEMA = """
CREATE TABLE outbox_nonce_space (space_id INTEGER PRIMARY KEY, chain_id, verifying_contract, signer, next_nonce,
	release_at);
CREATE TABLE directive_outbox (outbox_seq INTEGER PRIMARY KEY, directive_id, action_key, space_id, account, signer, nonce,
	payload, order_key, delivery_status, holds_order, blocked, reason_class, tx_id, result_tx_hash, result_block);
CREATE TABLE directive_nonce_history (outbox_seq, nonce);
CREATE TABLE directive_signature (space_id, nonce, outbox_seq, digest, signature);
CREATE TABLE outbox_lane (lane INTEGER PRIMARY KEY, chain_id, relayer, next_tx_nonce);
CREATE TABLE outbox_tx (tx_id INTEGER PRIMARY KEY, lane, tx_nonce, purpose, state, fill, mined_hash, mined_block,
	mined_block_hash);
CREATE TABLE outbox_tx_attempt (signed_seq INTEGER PRIMARY KEY, tx_hash, tx_id, fill, attempt, raw, max_fee,
	max_priority_fee, gas_limit);
CREATE TABLE outbox_tx_item (tx_id, fill, position, outbox_seq);
CREATE TABLE outbox_tally (space_id, delivery_status, n);
CREATE TABLE event (seq INTEGER PRIMARY KEY, kind, subject, data);
"""
FEE = 10 ** 10
NOTHING = {"tx_hash": None, "gas_used": None, "gas_price": None}


class Fleet:
    """Four directives of one account: 1 and 2 went in a batch, 3 alone in a slot that was replaced once, 4 is dead."""

    def __init__(self, world):
        self.node = world.node()
        self.contract, self.signer, self.relayer = world.contract(self.node)
        self.datadir = world.folder
        self.pairs = world.signed(self.contract, self.signer, 3)
        self.db = sqlite3.connect(os.path.join(world.folder, "wallet.db"), isolation_level=None)
        world.ends.append(self.db.close)
        self.db.executescript(SCHEMA)
        self.insert("outbox_nonce_space", 1, self.contract.chain_id, evm.raw(self.contract.address),
                    evm.raw(self.signer), 4, 2)
        self.insert("outbox_lane", 0, self.contract.chain_id, evm.raw(self.relayer), 2)
        for n, (directive, signature) in enumerate(self.pairs):
            self.insert("directive_signature", 1, n, n + 1, self.contract.digest(directive), signature)
        self.slot(1, [1, 2], directives.execute_batch_calldata(self.pairs[:2]))
        self.slot(2, [3], directives.execute_calldata(*self.pairs[2]), attempts=2)
        for n in range(3):
            mined = "SELECT mined_hash, mined_block FROM outbox_tx WHERE tx_id = ?"
            self.directive(n + 1, evm_books.CONFIRMED, n // 2 + 1, *self.db.execute(mined, (n // 2 + 1,)).fetchone())
            for status in ("submitted", "included", "confirmed"):
                self.tell(n, "directive.update", status=status)
        self.directive(4, evm_books.DEAD_LETTERED, None, None, None)
        self.tell(3, "directive.dead_lettered")
        self.tell(3, "directive.update", status="failed", **NOTHING)
        self.insert("outbox_tally", 1, evm_books.CONFIRMED, 3)
        self.insert("outbox_tally", 1, evm_books.DEAD_LETTERED, 1)

    def insert(self, table, *values):
        self.db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values)

    def directive(self, seq, status, tx_id, tx_hash, block):
        self.insert("directive_outbox", seq, f"directive-{seq - 1}", "system_withdraw_token", 1, evm.raw(ACCOUNT),
                    evm.raw(self.signer), seq - 1, b"\1\2\3", b"key", status, 0, 0, None, tx_id, tx_hash, block)

    def tell(self, n, kind, **data):
        known = self.db.execute("SELECT count(*) FROM event WHERE subject = ?", (f"directive-{n}",)).fetchone()[0]
        if not known:
            self.insert("event", None, "directive.accepted", f"directive-{n}", "{}")
        self.insert("event", None, kind, f"directive-{n}", json.dumps(data))

    def slot(self, tx_id, seqs, data, attempts=1):
        """A slot whose last attempt is mined; its raw transactions are the node's own of the relayer."""
        chain = self.node.chain
        for position, seq in enumerate(seqs):
            self.insert("outbox_tx_item", tx_id, 0, position, seq)
        chain.automine(False)
        for attempt in range(attempts):
            tx_hash = chain.send(self.relayer, self.contract.address, data, nonce=tx_id - 1, gas=900_000,
                                 maxFeePerGas=FEE * (attempt + 1), maxPriorityFeePerGas=10 ** 9 * (attempt + 1))
            raw = evm.raw(chain.ask("eth_getRawTransactionByHash", tx_hash))
            tx = rlp.transaction(raw)
            self.insert("outbox_tx_attempt", None, evm.raw(tx_hash), tx_id, 0, attempt, raw, tx.max_fee,
                        tx.max_priority_fee, tx.gas)
        chain.mine()
        chain.automine(True)
        receipt = chain.mined(tx_hash)
        self.insert("outbox_tx", tx_id, 0, tx_id - 1, evm_books.FOR_DIRECTIVES, evm_books.SLOT_CONFIRMED, 0,
                    evm.raw(tx_hash), evm.number(receipt["blockNumber"]), evm.raw(receipt["blockHash"]))

    def audit(self, **others):
        return evm_books.audit(self.datadir, self.contract, **others)

    def wrong_if(self, complaint, *statements):
        """With these changes made to a copy of the database, the books complain, in these words."""
        with tempfile.TemporaryDirectory(dir=self.datadir) as copy:
            shutil.copy(os.path.join(self.datadir, "wallet.db"), copy)
            with contextlib.closing(sqlite3.connect(os.path.join(copy, "wallet.db"), isolation_level=None)) as db:
                for statement in statements:
                    check(db.execute(statement).rowcount > 0, f"nothing changed: {statement}")
            why = raises(evm_books.Mismatch, evm_books.audit, copy, self.contract)
            check(complaint in str(why), f"not {complaint!r}, but {why}")


def update(table, changes, where="1"):
    return f"UPDATE {table} SET {changes} WHERE {where}"


@test("books: of an honest wallet they find nothing")
def _(world):
    fleet = Fleet(world)
    same(fleet.audit().statuses(), {**{f"directive-{n}": evm_books.CONFIRMED for n in range(3)},
                                    "directive-3": evm_books.DEAD_LETTERED}, "what they read")
    check(evm_books.at_rest(fleet.datadir), "not at rest")


@test("books: nonces and order")
def _(world):
    wrong_if = Fleet(world).wrong_if
    wrong_if("given twice", update("directive_outbox", "nonce = 1", "outbox_seq = 1"))
    wrong_if("given twice", "INSERT INTO directive_nonce_history VALUES (1, 3)")
    wrong_if("not behind the counter", update("outbox_nonce_space", "next_nonce = 3"))
    wrong_if("not behind the counter", "INSERT INTO directive_nonce_history VALUES (1, 9)")
    wrong_if("may go", update("directive_outbox", "holds_order = 1, blocked = 1", "outbox_seq = 4"))
    wrong_if("may go", update("directive_outbox", "holds_order = 1", "outbox_seq > 2"))
    wrong_if("holds no order", update("directive_outbox", "blocked = 1", "outbox_seq = 4"))
    wrong_if("went out before", update("outbox_tx_item", "position = 1 - position", "tx_id = 1"))


@test("books: what is claimed, on its way, and in which slot")
def _(world):
    wrong_if = Fleet(world).wrong_if
    row, slot = "outbox_seq = 3", "tx_id = 2"
    in_time = "DELETE FROM event WHERE data LIKE '%confirmed%' AND subject = 'directive-2'"
    tally = [update("outbox_tally", "n = 2", "delivery_status = 4"), "INSERT INTO outbox_tally VALUES (1, {}, 1)"]

    def moved(status):
        return [update("directive_outbox", f"delivery_status = {status}", row), in_time, tally[0],
                tally[1].format(status)]
    wrong_if("still on their way", *moved(evm_books.INCLUDED))
    wrong_if("times in its slot", *moved(evm_books.INCLUDED), "DELETE FROM outbox_tx_item WHERE tx_id = 2")
    wrong_if("times in its slot", *moved(evm_books.INCLUDED), update("outbox_tx", "fill = 1", slot))
    wrong_if("is in status 1 after included", *moved(evm_books.CLAIMED))
    wrong_if("waits, and is in the open slot", update("outbox_tx", "state = 1", slot), *moved(evm_books.RETRY))
    wrong_if("is in the open slots", update("outbox_tx", "state = 1"), "INSERT INTO outbox_tx_item VALUES (2, 0, 1, 1)")
    wrong_if("is before its counter", update("outbox_lane", "next_tx_nonce = 1"))
    wrong_if("the tally", update("outbox_tally", "n = 4", "delivery_status = 4"))


@test("books: the story that events tell")
def _(world):
    wrong_if = Fleet(world).wrong_if
    wrong_if("0 failed", "DELETE FROM event WHERE data LIKE '%failed%'")
    wrong_if("failed after failed",
             "INSERT INTO event SELECT NULL, kind, subject, data FROM event WHERE data LIKE '%failed%'")
    wrong_if("1 failed", update("directive_outbox", "action_key = 'rsm_hl_limit_order'", "outbox_seq = 4"))
    wrong_if("failed with", update("event", "data = replace(data, '\"gas_used\": null', '\"gas_used\": 1')",
                                   "data LIKE '%failed%'"))
    wrong_if("confirmed after confirmed",
             "INSERT INTO event SELECT NULL, kind, subject, data FROM event WHERE seq = 4")
    wrong_if("expired after", update("event", "data = '{\"status\": \"expired\"}'", "seq = 4"))
    wrong_if("is in status 6 after confirmed", update("directive_outbox", "delivery_status = 6", "outbox_seq = 1"))
    wrong_if("nothing was told", "DELETE FROM event WHERE subject = 'directive-0'")
    wrong_if("events of nobody", "INSERT INTO event VALUES (NULL, 'directive.accepted', 'ghost', '{}')")


@test("books: signatures and raw transactions")
def _(world):
    fleet = Fleet(world)
    wrong_if = fleet.wrong_if
    wrong_if("is not the contract's", update("directive_outbox", "payload = x'00'", "outbox_seq = 3"))
    other = fleet.contract.sign(fleet.relayer, fleet.pairs[2][0]).hex()
    wrong_if(f"is of {fleet.relayer}", update("directive_signature", f"signature = x'{other}'", "nonce = 2"))
    wrong_if("the hash is not that of its bytes", update("outbox_tx_attempt", "tx_hash = zeroblob(32)", "signed_seq = 1"))
    wrong_if("attempt 1:", update("outbox_tx_attempt", "max_fee = max_fee + 1", "signed_seq = 3"))
    wrong_if("attempt 0:", update("outbox_tx", "tx_nonce = 2", "tx_id = 1"), update("outbox_lane", "next_tx_nonce = 3"))
    wrong_if("its items", "DELETE FROM outbox_tx_item WHERE tx_id = 1 AND position = 1")
    wrong_if("does not outbid", update("outbox_tx_attempt", "attempt = 1 - attempt", "tx_id = 2"))
    wrong_if("is not its own", "DELETE FROM outbox_tx_attempt WHERE attempt = 1")
    wrong_if("is not in block", update("outbox_tx", "mined_block_hash = zeroblob(32)", "tx_id = 1"))
    evm_books.check_written_before_sent(evm_books.Books(fleet.datadir), [])
    strange = evm_gate.Sent("0x" + "12" * 32, b"", None)
    raises(evm_books.Mismatch, fleet.audit, sent=[strange])


@test("books: effects on the chain")
def _(world):
    fleet = Fleet(world)
    wrong_if = fleet.wrong_if
    wrong_if("that we did not sign", "DELETE FROM directive_signature WHERE nonce = 2")
    wrong_if("and it was executed", update("directive_outbox", "delivery_status = 8", "outbox_seq = 3"),
             update("event", "kind = 'directive.manual_reconciliation'", "seq = 12"),
             "DELETE FROM event WHERE subject = 'directive-2' AND data LIKE '%included%'",
             update("outbox_tally", "n = 2", "delivery_status = 4"), "INSERT INTO outbox_tally VALUES (1, 8, 1)")
    wrong_if("the chain knows nothing of it", update("directive_outbox", "delivery_status = 4", "outbox_seq = 4"),
             "DELETE FROM event WHERE subject = 'directive-3' AND kind <> 'directive.accepted'",
             *("INSERT INTO event SELECT NULL, kind, 'directive-3', data FROM event"
               f" WHERE subject = 'directive-2' AND data LIKE '%{word}%'"
               for word in ("submitted", "included", "confirmed")),
             update("outbox_tally", "n = 4", "delivery_status = 4"), "DELETE FROM outbox_tally WHERE delivery_status = 7")
    wrong_if("and it was", update("directive_outbox", "result_block = 1", "outbox_seq = 1"))
    wrong_if("no slot at [2]", update("outbox_lane", "next_tx_nonce = 3"))
    foreign = fleet.node.chain.send(fleet.relayer, fleet.relayer)
    fleet.node.chain.mined(foreign)
    fleet.db.execute(update("outbox_lane", "next_tx_nonce = 3"))
    check("used by nobody that we know" in str(raises(evm_books.Mismatch, fleet.audit)), "the foreign transaction")
    fleet.audit(foreign_txs=1)
    stranger = directives.Directive("elsewhere", ACCOUNT, "system_withdraw_token", 9, b"")
    fleet.node.chain.mined(fleet.contract.execute(list(fleet.node.accounts())[3], stranger,
                                                  fleet.contract.sign(fleet.signer, stranger)))
    check("did not sign" in str(raises(evm_books.Mismatch, fleet.audit, foreign_txs=1)), "the strange effect")
    fleet.audit(foreign_txs=1, strangers=[(fleet.signer, 9)])
    fleet.node.chain.reorg(3)
    check("the chain knows nothing of it" in str(raises(evm_books.Mismatch, fleet.audit)), "an effect that a reorg undid")


@test("books: an effect on the chain out of order")
def _(world):
    fleet = Fleet(world)
    fleet.wrong_if("had its effect after", update("directive_outbox", "order_key = x'01'"),
                   update("directive_outbox", "outbox_seq = 9", "outbox_seq = 1"),
                   update("directive_signature", "outbox_seq = 9", "outbox_seq = 1"),
                   "DELETE FROM outbox_tx_item WHERE outbox_seq = 1",
                   "INSERT INTO outbox_tx_item VALUES (2, 0, 1, 9)")
