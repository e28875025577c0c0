"""Where the money is: the wallets' databases and the mint's books, held against each other (spec/cashu.md 8.1).

The databases are read as files, not by asking walletd: what is on the disk is what a crash leaves.
"""
import os
import sqlite3

SPENDABLE, LOCKED, PENDING, SENT, SPENT, INVALID = range(1, 7)
OURS = (SPENDABLE, LOCKED, SENT)
ACCOUNT_OF = {SPENDABLE: 1, LOCKED: 2, PENDING: 3, SENT: 4, INVALID: 7}
OUTPUT_OPEN = 1
SEND_TOKEN_CREATED = 2
PARKED = 2


class Mismatch(AssertionError):
    pass


def check(true, what):
    if not true:
        raise Mismatch(what)


class Wallet:
    """One database, as it is now."""

    def __init__(self, datadir):
        path = os.path.join(datadir, "wallet.db")
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            db.execute("BEGIN")
            self.mints = dict(db.execute("SELECT id, url FROM mint"))
            self.notes = [(bytes(y), self.mints[m], unit, amount, state, holder) for y, m, unit, amount, state, holder
                          in db.execute("SELECT y, mint_id, unit, amount, state, holder FROM proof ORDER BY y")]
            self.actions = {i: (kind, state, status) for i, kind, state, status
                            in db.execute("SELECT id, kind, state, status FROM action")}
            self.open_outputs = [row[0] for row in
                                 db.execute("SELECT action_id FROM output WHERE status = ?", (OUTPUT_OPEN,))]
            self.totals = {(self.mints[m], unit, account): total for m, unit, account, total
                           in db.execute("SELECT mint_id, unit, account, total FROM account_total")}
            self.entries = {(self.mints[m], unit, account): total for m, unit, account, total in db.execute(
                "SELECT m.mint_id, m.unit, e.account, sum(e.delta) FROM ledger_entry e JOIN movement m"
                " ON m.id = e.movement_id GROUP BY 1, 2, 3")}
            self.uneven = db.execute("SELECT movement_id FROM ledger_entry GROUP BY 1"
                                     " HAVING sum(delta) <> 0").fetchall()
            self.behind = db.execute("SELECT o.keyset_id FROM output o LEFT JOIN keyset_counter c USING (keyset_id)"
                                     " WHERE o.counter >= coalesce(c.next, 0)").fetchall()
        finally:
            db.close()

    def sum(self, mint, states, unit="sat"):
        return sum(amount for _, url, u, amount, state, _ in self.notes
                   if url == mint and u == unit and state in states)

    def at(self, mint):
        return {y: (unit, amount, state) for y, url, unit, amount, state, _ in self.notes if url == mint}


def check_wallet(w):
    """What must hold inside one database when everything is at rest."""
    for i, (kind, state, status) in w.actions.items():
        waiting = kind == "cashu_send" and state == SEND_TOKEN_CREATED and status == PARKED
        check(waiting, f"{kind} {i} is still there, in state {state}, status {status}")
    for _, _, _, amount, state, holder in w.notes:
        check(holder is None or holder in w.actions, f"a note of {amount} is held by {holder}, which has ended")
        check(state != PENDING, f"a foreign note of {amount} was left behind")
        check(state != INVALID, f"an own note of {amount} is marked invalid")
    for action in w.open_outputs:
        check(action in w.actions, f"{action} has ended and its outputs are open")
    check(not w.uneven, f"movements {w.uneven} do not add up to zero")
    check(not w.behind, f"the counter of {w.behind} is behind outputs that were drawn")
    check({k: v for k, v in w.totals.items() if v} == {k: v for k, v in w.entries.items() if v},
          f"the running totals {w.totals} are not the ledger's {w.entries}")
    coins = {}
    for _, url, unit, amount, state, _ in w.notes:
        if state in ACCOUNT_OF:
            coins[url, unit, ACCOUNT_OF[state]] = coins.get((url, unit, ACCOUNT_OF[state]), 0) + amount
    ledger = {k: v for k, v in w.totals.items() if v and k[2] in ACCOUNT_OF.values()}
    check(coins == ledger, f"the coins {coins} are not the ledger's {ledger}")


def check_states(w, mint):
    """I1: each note is at the mint what it is here.  Returns those that the mint would still pay for."""
    notes = w.at(mint.url)
    good = {}
    for (y, (unit, amount, state)), seen in zip(notes.items(), mint.states([y.hex() for y in notes])):
        if state in (SPENDABLE, LOCKED):
            check(seen == "UNSPENT", f"a note of {amount} that we count on is {seen} at the mint")
        if state == SPENT:
            check(seen == "SPENT", f"a note of {amount} given up as spent is {seen} at the mint")
        if seen == "UNSPENT" and state in OURS + (PENDING,):
            good[y] = (unit, amount)
    return good


def check_nothing_freed(datadir, mint):
    """While it is unknown what the mint did, nothing that it may have spent counts as spendable."""
    spendable = [y for y, (_, _, state) in Wallet(datadir).at(mint.url).items() if state == SPENDABLE]
    check(set(mint.states([y.hex() for y in spendable])) <= {"UNSPENT"}, "a note that the mint has spent was set free")


def owed(mint, datadir):
    """The notes of a wallet that the mint would pay for: {y: (unit, amount)}."""
    notes = {y: (unit, amount) for y, (unit, amount, state) in Wallet(datadir).at(mint.url).items() if state in OURS}
    seen = mint.states([y.hex() for y in notes])
    return {y: note for (y, note), state in zip(notes.items(), seen) if state == "UNSPENT"}


def check_mint(mint):
    counters = mint.counters()
    for unit, sums in counters["units"].items():
        check(sums["outstanding"] == sums["minted"] - sums["fees"] - sums["paid"], f"the mint's own books, {unit}: {sums}")
    for name in ("outputs_reused", "secrets_reused", "dleq_leaked", "paid_again"):
        check(counters[name] == 0, f"the mint counts {name}: {counters[name]}")
    return counters["units"]


def audit(mint, datadir, others, retired):
    """Everything that the mint owes is in this wallet, in the others, or with those that retired (sat), and exactly
    once.  Returns what this wallet has of it."""
    w = Wallet(datadir)
    check_wallet(w)
    good = check_states(w, mint)
    elsewhere = {}
    for other in others:
        # A token that went from one to the other is in both, and is one note.
        elsewhere.update(owed(mint, other))
    own = sum(amount for y, (_, amount) in good.items() if y not in elsewhere)
    held = own + sum(amount for _, amount in elsewhere.values()) + retired
    sums = check_mint(mint)["sat"]
    check(held == sums["outstanding"], f"the wallets hold {held}, and the mint owes {sums['outstanding']}")
    return own
