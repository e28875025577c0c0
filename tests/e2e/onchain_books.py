"""What became of the coins: walletd's database and the node, held against each other (issue 4: ledger = node, at all
times).

  onchain_books.audit(wallet, node)          every invariant, of a wallet at rest: nothing is in a mempool

The database is read as a file, not by asking walletd: what is on the disk is what a crash leaves.  Which scripts are the
wallet's, the node works out by itself from the extended public key; what they hold is the node's own set of unspent
outputs; fees and payments are what the node says of the blocks.  No code of the daemon's has a part in that.
"""
import collections
import contextlib
import json
import os
import sqlite3
import time

import bitcoin
from bitcoin_rpc import sat

SPENDABLE, LOCKED, PENDING, IMMATURE, SPENT, ABSENT, WAITING = range(1, 8)  # states of a coin
STORED, POOLED, CONFIRMED, OUT = range(1, 5)                                # places of a transaction
IN_SPENDABLE, IN_LOCKED, IN_PENDING, _, IN_FEES = range(1, 6)               # accounts of the ledger
COUNTED_AS = {SPENDABLE: IN_SPENDABLE, LOCKED: IN_LOCKED, WAITING: IN_LOCKED, PENDING: IN_PENDING, IMMATURE: IN_PENDING}
DONE = 4
SCRIPTS = 1000  # of each chain of keys, as the node derives them

TABLES = {
    "coins": "SELECT t.txid, c.vout, c.value, c.state, c.holder, t.place, t.height, t.coinbase FROM onchain_coin c"
             " JOIN onchain_tx t ON t.id = c.tx_id",
    "txs": "SELECT t.id, t.txid, t.place, t.height, t.hash, t.own, t.action_id,"
           " (SELECT count(*) FROM onchain_input i WHERE i.tx_id = t.id) AS inputs,"
           " (SELECT count(*) FROM onchain_input i JOIN onchain_tx p ON p.txid = i.prev_txid JOIN onchain_coin c"
           "  ON c.tx_id = p.id AND c.vout = i.prev_vout WHERE i.tx_id = t.id) AS ours FROM onchain_tx t",
    "scripts": "SELECT id, spk, chain, idx, given FROM onchain_script",
    "paid_by_us": "SELECT c.script_id, t.txid FROM onchain_coin c JOIN onchain_tx t ON t.id = c.tx_id"
                  " WHERE t.own = 1 AND t.place = 3",
    "totals": "SELECT account, total FROM account_total WHERE rail = 'onchain'",
    "ended": "SELECT id, status, params, result, error_kind FROM action_archive WHERE kind = 'onchain_send'",
    "wallet": "SELECT xpub FROM onchain_wallet",
}


class Mismatch(AssertionError):
    pass


def check(true, what):
    if not true:
        raise Mismatch(what)


def same(found, wanted, what):
    if found != wanted:
        raise Mismatch(f"{what}: {found!r} instead of {wanted!r}")


def now_s():
    return int(time.time())


def opened(datadir):
    path = os.path.join(datadir, "wallet.db")
    return contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10))


def read(db, question):
    """The rows, their columns by name."""
    cursor = db.execute(question)
    row = collections.namedtuple("Row", [column[0] for column in cursor.description])
    return [row(*values) for values in cursor]


class Books:
    """One database, as it is now."""

    def __init__(self, datadir):
        with opened(datadir) as db:
            db.execute("BEGIN")
            for name, question in TABLES.items():
                setattr(self, name, read(db, question))


def unspent_at(node, xpub, unseen):
    """{(txid, vout): (satoshi, height, coinbase)} of the keys under the account's, by the node's own derivation."""
    beyond = {node.rpc.ask("validateaddress", address)["scriptPubKey"] for address in unseen}
    key = bitcoin.test_network_key(xpub)
    wanted = [{"desc": f"tr({key}/{chain}/*)", "range": SCRIPTS - 1} for chain in (0, 1)]
    found = node.rpc.ask("scantxoutset", "start", wanted)
    same(found["bestblock"], node.tip(), "the block of the node's look at its coins")
    return {(u["txid"], u["vout"]): (sat(u["amount"]), u["height"], u["coinbase"]) for u in found["unspents"]
            if u["scriptPubKey"] not in beyond}


def audit_coins(books, node, unseen):
    """Ledger = table of coins = the node's unspent outputs."""
    table = {}
    sums = collections.Counter()
    for coin in books.coins:
        at = (bitcoin.shown(coin.txid), coin.vout)
        if coin.state in COUNTED_AS:
            sums[COUNTED_AS[coin.state]] += coin.value
            same(coin.place, CONFIRMED, f"the place of {at}, of a wallet at rest")
            table[at] = (coin.value, coin.height, bool(coin.coinbase))
        check(coin.state != LOCKED or coin.holder is None, f"{at} is locked for ever, by {coin.holder}")
    same(table, unspent_at(node, books.wallet[0].xpub, unseen), "the coins, and the node's unspent outputs")
    for at in table:
        check(node.rpc.ask("gettxout", *at, True), f"{at} is spent in the mempool")
    totals = {row.account: row.total for row in books.totals}
    same({a: totals.get(a, 0) for a in (IN_SPENDABLE, IN_LOCKED, IN_PENDING)},
         {a: sums[a] for a in (IN_SPENDABLE, IN_LOCKED, IN_PENDING)}, "the ledger, and the coins")
    same(sum(totals.values()), 0, "the sum of all accounts")
    return totals


def audit_fees(books, node, totals):
    """What the node says that our transactions paid is what the ledger has as fees."""
    paid = 0
    for tx in books.txs:
        if tx.place == CONFIRMED and tx.inputs and tx.ours == tx.inputs:
            told = node.rpc.ask("getrawtransaction", bitcoin.shown(tx.txid), 2, bitcoin.shown(tx.hash))
            paid += sat(told["fee"])
    same(totals.get(IN_FEES, 0), paid, "fees in the ledger, and in the blocks")


def audit_places(books, node):
    """Each confirmed transaction is in the block that its row names, and no other says so of itself."""
    for tx in books.txs:
        if tx.place == CONFIRMED:
            same(node.hash_at(tx.height), bitcoin.shown(tx.hash), f"the block of {bitcoin.shown(tx.txid)}")
        check(tx.place not in (STORED, POOLED), f"{bitcoin.shown(tx.txid)} is on its way, of a wallet at rest")


def audit_payments(books, node):
    """An action is one payment at most, and whoever it paid has what it says."""
    mined = collections.Counter(tx.action_id for tx in books.txs if tx.place == CONFIRMED and tx.action_id)
    for action_id, times in mined.items():
        same(times, 1, f"confirmed transactions of {action_id}")
    for action in books.ended:
        params = json.loads(action.params)
        result = json.loads(action.result) if action.result else {}
        payees = [params["address"]] if "address" in params else [o["address"] for o in params["outputs"]]
        if not all(node.wallet.ask("getaddressinfo", payee)["ismine"] for payee in set(payees)):
            continue  # another walletd's, whose books tell
        got = sum(sat(node.wallet.ask("getreceivedbyaddress", payee, 1)) for payee in set(payees))
        wanted = result["amount_sat"] if action.status == DONE else 0
        same(got, wanted, f"what the payees of {action.id} have")


def audit_scripts(books):
    """No address twice: none that was given out gets change, and none gets change twice."""
    given = {row.id for row in books.scripts if row.given}
    for script_id, times in collections.Counter(row.script_id for row in books.paid_by_us).items():
        same(times, 1, f"payments of our own to script {script_id}")
        check(script_id not in given, f"script {script_id} was given out, and has our change")


def audit(wallet, node, shared_seed=False, unseen=()):
    """shared_seed: another daemon has the same words, and may give out what this one did.  unseen: addresses that are too
    far beyond the last one that anybody knows."""
    books = Books(wallet.datadir)
    totals = audit_coins(books, node, unseen)
    audit_fees(books, node, totals)
    audit_places(books, node)
    audit_payments(books, node)
    if not shared_seed:
        audit_scripts(books)
    events = wallet.events("*")
    same([e["seq"] for e in events], list(range(1, len(events) + 1)), "the numbers of the events")
