"""Where splices are killed over: a real bitcoind, and for each scene a scripted Lightning node upon it with a channel, and a
wallet that splices that.

Node and chain are never killed.  What is done at the node is in its journal, and what must never be done in `unlawful`."""
import contextlib
import os
import sqlite3

import bitcoin_rpc
import lightningd_stub
import onchain_world
from lab import RpcError
from onchain_world import check

CAPACITY, OURS = 1_000_000, 600_000
# A kill between the node's reservation and our row of it leaves a coin reserved until the node's own time for that is over
# (spec/splice.md 4.4): there are enough for some.
COINS = (300_000, 250_000, 220_000, 200_000, 180_000, 170_000)
FEES = 5


class Worker(onchain_world.Worker):
    """The gate before the node is not used: what a bitcoind does to a wallet is the other scenes' affair."""


class Scene(onchain_world.Scene):
    """A wallet beside a node with one channel."""

    funds = ()
    rounds = 1  # that are signed

    def __init__(self, worker, datadir):
        self.stub = lightningd_stub.Stub(os.path.join(datadir + "-node"), worker.node, seed=worker.count)
        self.stub.coins.fund(*COINS)
        self.channel = self.stub.open_channel("a", CAPACITY, OURS)
        self.stub.start()
        self.wealth = self.stub.wealth()
        super().__init__(worker, datadir)

    def eyes(self):
        return ["--bitcoind_url=" + self.node.url, "--bitcoind_cookie=" + self.node.cookie,
                "--lightning_rpc=" + self.stub.socket]

    def prepare(self):
        self.until(lambda: self.wallet.call("channel.list")["channels"], "walletd knows the channel")
        self.here()

    def sleep(self):
        super().sleep()
        check(not self.stub.unlawful, f"what must never be done at the node: {self.stub.unlawful}")

    # What is played.

    def splice(self, key, kind, **params):
        """Starts it, or finds it; when walletd has heard of the node in this life."""
        params = {"channel": self.channel.id, **params}

        def started():
            try:
                return self.wallet.call("action.start", kind=kind, params=params, idempotency_key=key, wait="none")
            except RpcError as no:
                if no.kind != "peer_unavailable":
                    raise
                return None
        return self.until(started, f"{key} can be started")

    def ended(self, key, status="done"):
        self.here()  # what the node knows of the chain, walletd has to know
        return super().ended(key, status)

    def on_its_way(self, key):
        """Waits until a candidate is signed, and nobody works on it."""
        def is_there():
            action = self.action(key)
            if action["state"] == "awaiting_lock" or action["status"] in onchain_world.FINAL:
                return True
            return self.wake(key)
        self.until(is_there, f"{key} is signed")

    def mine_it(self):
        newest = self.stub.journal[-1 - [n.what for n in reversed(self.stub.journal)].index("signatures")].more["txid"]
        self.until(lambda: newest in self.node.pooled(), "the mempool has what is to be mined")
        self.node.mine(self.confirmations)

    # Afterwards.

    def count(self, event):
        return len(self.wallet.call("events", after=0, kinds=event, limit=1000)["events"])

    def check(self, books):
        """Once each, whatever was cut off: a lock, its event, the fee in the ledger; and all the money is there."""
        signed = {n.more["txid"] for n in self.stub.journal if n.what == "signatures"}
        locked = [n.more["txid"] for n in self.stub.journal if n.what == "lock"]
        check(len(signed) == self.rounds, f"{len(signed)} transactions were signed: {self.stub.journal}")
        check(len(locked) == 1, f"{len(locked)} splices were locked: {self.stub.journal}")
        for event, wanted in (("splice.locked", 1), ("splice.pending", self.rounds), ("splice.accepted", self.rounds),
                              ("splice.negotiation_failed", 0), ("splice.cancelled", 0)):
            check(self.count(event) == wanted, f"{self.count(event)} events {event}, not {wanted}")
        fee = bitcoin_rpc.sat(self.node.rpc.ask("getrawtransaction", locked[0], 2)["fee"])
        have = self.stub.wealth() + books.balance() + fee
        check(have == self.wealth, f"{have - self.wealth} sat too much: {self.stub.wealth()} at the node, {books.balance()} in "
                                   f"the wallet, {fee} in fees, and {self.wealth} before")
        check_rows(self.datadir, locked[0], signed, fee)
        self.stub.stop()


def check_rows(datadir, locked, signed, fee):
    """What is on the disk of it."""
    path = os.path.join(datadir, "wallet.db")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        living = db.execute("SELECT count(*) FROM splice_intent").fetchone()[0]
        held = db.execute("SELECT count(*) FROM splice_input WHERE released = 0").fetchone()[0]
        past = [(outcome, txid[::-1].hex()) for outcome, txid in db.execute("SELECT outcome, final_txid FROM splice_history")]
        payments = [txid[::-1].hex() for (txid,) in db.execute("SELECT txid FROM funding_payment")]
        candidates = {txid[::-1].hex() for (txid,) in db.execute("SELECT txid FROM funding_candidate")}
        fees = db.execute("SELECT coalesce(sum(e.delta), 0) FROM ledger_entry e JOIN movement m ON m.id = e.movement_id"
                          " WHERE m.rail = 'lightning' AND e.account = ?", (FEES,)).fetchone()[0]
    check((living, held) == (0, 0), f"{living} splices live, and {held} inputs are held")
    check(past == [(1, locked)], f"how splices ended: {past}")
    check(payments == [locked], f"payments: {payments}")
    check(signed <= candidates, f"{signed - candidates} were signed and are not known")
    check(fees == fee, f"{fee} sat of fees were paid, and {fees} are in the ledger")
