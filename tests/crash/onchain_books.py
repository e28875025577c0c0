"""Where the bitcoin is: walletd's database and the node's own set of coins, held against each other (spec/exit.md 7).

  books = onchain_books.audit(datadir, node, payees)     every invariant, when all is at rest; returns the Books

The database is read as a file, not by asking walletd: what is on the disk is what a crash leaves.
"""
import collections
import contextlib
import os
import sqlite3

from bitcoin_rpc import sat
from books import check

SPENDABLE, LOCKED, PENDING, IMMATURE, SPENT, ABSENT, WAITING = range(1, 8)
ACCOUNT_OF = {SPENDABLE: 1, LOCKED: 2, PENDING: 3, IMMATURE: 3, WAITING: 2}
FEES, ACCOUNTS_OF_COINS = 5, (1, 2, 3)
STORED, SEEN, CONFIRMED, OUT = range(1, 5)

Coin = collections.namedtuple("Coin", "txid vout sat script state holder place")
Tx = collections.namedtuple("Tx", "txid place action fee")


class Books:
    """One database, as it is now."""

    def __init__(self, datadir):
        path = os.path.join(datadir, "wallet.db")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
            db.execute("BEGIN")
            self.coins = [Coin(txid[::-1].hex(), vout, value, spk.hex(), *more) for txid, vout, value, spk, *more in
                          db.execute("SELECT t.txid, c.vout, c.value, s.spk, c.state, c.holder, t.place"
                                     " FROM onchain_coin c JOIN onchain_tx t ON t.id = c.tx_id"
                                     " JOIN onchain_script s ON s.id = c.script_id ORDER BY c.id")]
            self.txs = [Tx(txid[::-1].hex(), *more) for txid, *more in
                        db.execute("SELECT txid, place, action_id, fee FROM onchain_tx ORDER BY id")]
            self.scripts = [spk.hex() for (spk,) in db.execute("SELECT spk FROM onchain_script ORDER BY id")]
            self.held_scripts = db.execute("SELECT chain, idx, holder FROM onchain_script"
                                           " WHERE holder IS NOT NULL").fetchall()
            self.actions = db.execute("SELECT id, kind, state, status FROM action").fetchall()
            self.totals = dict(db.execute("SELECT account, total FROM account_total WHERE rail = 'onchain'"))
            self.entries = dict(db.execute("SELECT e.account, sum(e.delta) FROM ledger_entry e JOIN movement m"
                                           " ON m.id = e.movement_id WHERE m.rail = 'onchain' GROUP BY 1"))
            self.uneven = db.execute("SELECT movement_id FROM ledger_entry GROUP BY 1"
                                     " HAVING sum(delta) <> 0").fetchall()

    def balance(self):
        return sum(coin.sat for coin in self.coins if coin.state == SPENDABLE)


def check_at_rest(b):
    check(not b.actions, f"these go on: {b.actions}")
    check(not b.held_scripts, f"scripts for change are held: {b.held_scripts}")
    for coin in b.coins:
        check(coin.holder is None, f"{coin.txid}:{coin.vout} is held by {coin.holder}, which has ended")
        check(coin.state in (SPENDABLE, SPENT, ABSENT), f"{coin.txid}:{coin.vout} is in state {coin.state}")
    unsettled = [tx.txid for tx in b.txs if tx.place in (STORED, SEEN)]
    check(not unsettled, f"no block has {unsettled}, and they are not given up")


def check_ledger(b):
    check(not b.uneven, f"movements {b.uneven} do not add up to zero")
    check({k: v for k, v in b.totals.items() if v} == {k: v for k, v in b.entries.items() if v},
          f"the running totals {b.totals} are not the ledger's {b.entries}")
    for account in ACCOUNTS_OF_COINS:
        coins = sum(coin.sat for coin in b.coins if ACCOUNT_OF.get(coin.state) == account)
        check(coins == b.totals.get(account, 0),
              f"the coins of account {account} are worth {coins}, and the ledger says {b.totals.get(account, 0)}")


def check_chain(b, node):
    """To the satoshi, coin by coin."""
    ours = sorted((c.txid, c.vout, c.sat, c.script) for c in b.coins if c.state not in (SPENT, ABSENT))
    theirs = sorted((c.txid, c.vout, c.sat, c.script) for c in node.coins(*b.scripts))
    check(ours == theirs, f"the coins are {ours}, and the node says {theirs}")
    paid = [tx for tx in b.txs if tx.fee is not None and tx.place == CONFIRMED]
    told = node.rpc.ask_all([("getrawtransaction", tx.txid, 2) for tx in paid])
    for tx, found in zip(paid, told):
        check(found.get("confirmations", 0) > 0, f"{tx.txid} counts as confirmed, and is in no block")
        check(sat(found["fee"]) == tx.fee, f"{tx.txid} has paid {found['fee']} BTC and not {tx.fee} sat")
    fees = sum(tx.fee for tx in paid)
    check(b.totals.get(FEES, 0) == fees, f"{fees} sat of fees were paid, and {b.totals.get(FEES, 0)} are in the ledger")


def check_once(b):
    """No payment twice, and no address."""
    mined = collections.Counter(tx.action for tx in b.txs if tx.place == CONFIRMED and tx.action)
    check(max(mined.values(), default=1) == 1, f"an action has several transactions in the chain: {mined}")
    paid = collections.Counter(script for script, _ in {(c.script, c.txid) for c in b.coins if c.place == CONFIRMED})
    twice = [script for script, n in paid.items() if n > 1]
    check(not twice, f"these scripts were used twice: {twice}")


def audit(datadir, node, payees):
    """payees: what each of these addresses must have been paid, in the chain, in all."""
    b = Books(datadir)
    check_at_rest(b)
    check_ledger(b)
    check_chain(b, node)
    check_once(b)
    for address, amount in payees.items():
        found = sum(coin.sat for coin in node.coins(address))
        check(found == amount, f"{address} was paid {found}, not {amount}")
    return b
