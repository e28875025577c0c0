"""A storm: a wallet that pays, bumps, cancels and is paid, again and again, is killed at a failpoint or a moment that chance
chooses, while the chain is reorganised, the mempool forgets, and the node fails in ways that chance chooses, too.  A storm
is known by its seed, which decides all of this; what the clock decides is different each time.

Afterwards each payment is in the chain once or not at all, as its action says, and the coins are the node's."""
import random
import signal
import threading
import time

import bitcoin_acts
import lab
from bitcoin_gate import ANY, SEND
from bitcoin_rpc import BitcoinError
from onchain_books import SEEN, STORED, Books
from onchain_world import FINAL, SETTLE_S, Scene, check, stranger

KILLS = 10
ANY_POINT = "*"
PASSES = 60      # of any point, within which a life is to end
SHORT_S = 1.0    # a life that is ended at some moment
LONG_S = 2.5     # one that was to end at a failpoint, and did not come by
FUNDS = (90_000, 60_000, 40_000, 40_000, 25_000)
REORG_MAX = 6
BURIED = REORG_MAX + 1  # blocks on top of what the storm is not to undo: what it begins with
ASKED = (SEND, SEND, "getblock", "getrawmempool", "getrawtransaction", "getblockheader", ANY)
ANSWERS = ((-26, "min relay fee not met"), (-26, "insufficient fee, rejecting replacement"), (-25, "bad-txns-inputs-missingorspent"),
           (-28, "Loading block index…"), (-1, "the node is on holiday"))
# Of payments, bumps and cancels that come at a wrong moment.
REFUSALS = ("insufficient_funds", "not_cancellable", "illegal_state", "fee_out_of_range", "dust",
            "not_found")


class Storm(Scene):
    funds, confirmations = FUNDS, 3

    def __init__(self, worker, datadir, seed, points):
        self.chance, self.points = random.Random(seed), points
        super().__init__(worker, datadir)
        self.orders = []   # (key, address, amount) of payments that were asked for
        self.received = 0  # how often it was paid
        self.refused = set()

    def prepare(self):
        self.node.mine(BURIED)
        self.here()

    def play(self):
        """All of it; returns how often it was killed."""
        for _ in range(KILLS):
            self.life()
        self.calm()
        self.count_payments()
        return KILLS

    # One life.

    def life(self):
        """It ends by SIGKILL, one way or the other."""
        env, moment_s = self.fate()
        self.trouble()
        deeds = [self.deed() for _ in range(self.chance.randint(2, 5))]
        strike = threading.Timer(moment_s, self.strike)
        self.wallet.launch(**env)
        strike.start()
        try:
            self.wallet.ready()
            for deed, pause_s in deeds:
                deed()
                time.sleep(pause_s)
            self.wallet.ended()
        except lab.Died:
            pass
        except BitcoinError as no:  # bad weather is more than the node itself can always do
            self.refused.add(str(no))
        strike.join()
        code = self.wallet.ended()
        check(code == -signal.SIGKILL, f"walletd ended with {code}")

    def strike(self):
        if self.wallet.alive():
            self.wallet.kill()

    def fate(self):
        """(environment, after how many seconds)"""
        kind, moment = self.chance.random(), self.chance.random()
        if kind < 0.3:
            return {}, moment * SHORT_S
        point = ANY_POINT if kind < 0.6 else self.chance.choice(self.points)
        nth = 1 + int(moment * (PASSES if point == ANY_POINT else 6))
        return {"WALLETD_FAILPOINTS": f"{point}:crash:{nth}"}, LONG_S

    def trouble(self):
        """What the node, or the way to it, will do wrong."""
        for _ in range(self.chance.randrange(3)):
            nth = self.chance.randrange(1, 4)
            if self.chance.random() < 0.5:
                code, words = self.chance.choice(ANSWERS)
                # A no that is none is a lie by which a payment that is cancelled at once may be lost from sight: not here.
                self.gate.at(SEND, bitcoin_acts.error(words, code), nth)
            else:
                act = self.chance.choice((bitcoin_acts.lose_reply(), bitcoin_acts.lose_request(), bitcoin_acts.busy(),
                                          bitcoin_acts.warming_up(), bitcoin_acts.truncate(20), bitcoin_acts.delay(0.3)))
                self.gate.at(self.chance.choice(ASKED), act, nth)

    # What is done meanwhile.

    def deed(self):
        """Something to do, with all that chance has to say about it decided; and a pause after it."""
        kind = self.chance.random()
        if kind < 0.35:
            return self.order(), self.pause()
        if kind < 0.5:
            return self.amend(self.bump), self.pause()
        if kind < 0.6:
            return self.amend(self.cancel), self.pause()
        if kind < 0.68:
            return self.receive(), self.pause()
        if kind < 0.85:
            return self.mine(), self.pause()
        if kind < 0.97:
            return self.reorganise(), self.pause()
        return self.evict, self.pause()

    def pause(self):
        return self.chance.random() * 0.4

    def asked(self, what, function):
        """What may be refused, and is then not done."""
        try:
            function()
        except lab.RpcError as no:
            check(no.kind in REFUSALS, f"{what} was refused: {no.kind}: {no}")
            self.refused.add(no.kind)

    def order(self):
        """A new payment, or one that was asked for before, with its key."""
        if self.orders and self.chance.random() < 0.3:
            order = self.chance.choice(self.orders)
        else:
            order = (f"pay-{len(self.orders)}", stranger(self.chance), self.chance.randrange(1_000, 45_000))
            self.orders.append(order)
        key, address, amount = order
        return lambda: self.asked(key, lambda: self.pay(key, amount, address))

    def amend(self, how):
        if not self.orders:
            return lambda: None
        key = self.chance.choice(self.orders)[0]
        rate = self.chance.choice(("4", "9", "20"))
        return lambda: self.asked(f"{how.__name__} {key}", lambda: how(key, rate))

    def bump(self, key, rate):
        self.wallet.call("onchain.bump", id=self.action(key)["id"], feerate=rate)

    def cancel(self, key, _):
        self.wallet.call("action.cancel", id=self.action(key)["id"])

    def receive(self):
        self.received += 1
        n, amount = self.received, self.chance.randrange(5_000, 50_000)
        return lambda: self.node.pay(self.address(idempotency_key=f"address-{n}"), amount)

    def mine(self):
        blocks, empty = self.chance.randint(1, 2), self.chance.random() < 0.2
        return lambda: self.node.mine(blocks, txs=[] if empty else None)

    def reorganise(self):
        """What was in the blocks comes again in one of the new ones, or waits, or some of it is forgotten."""
        depth, again = self.chance.choice((1, 1, 2, 3, REORG_MAX)), self.chance.random() < 0.4

        def replace():
            if self.node.height() > self.start_height + depth:
                self.node.reorg(depth)
                if again:
                    self.node.mine()
        return replace

    def evict(self):
        """The node forgets what no block has; and it is away for a moment."""
        self.node.restart("-persistmempool=0")

    def open(self):
        super().open()
        self.start_height = self.node.height()

    # Afterwards.

    def calm(self):
        """No trouble any more, and blocks until everything has come to its end."""
        for rule in list(self.gate.rules):
            self.gate.lift(rule)
        self.wallet.start()
        self.until(self.settled, "everything comes to its end", 2 * SETTLE_S)

    def settled(self):
        """Looks, and helps: early calls must be harmless."""
        self.here()
        active, pooled = self.active(), self.node.pooled()
        if not active and not pooled and not [tx for tx in Books(self.datadir).txs if tx.place in (STORED, SEEN)]:
            return True
        for action in active:
            self.nudge(action["id"])
        if pooled or any(action["state"] == "confirming" for action in active):
            self.node.mine()
        time.sleep(0.3)
        return False

    def active(self):
        return self.wallet.call("action.list", status="active")["actions"]

    def nudge(self, action_id):
        self.wallet.wake(id=action_id)

    def count_payments(self):
        """As each action says: done, and the payee has it; or not, and he has nothing."""
        for key, address, amount in self.orders:
            try:
                action = self.action(key)
            except lab.RpcError as no:
                check(no.kind == "not_found", f"{key}: {no}")
                self.payees[address] = 0  # it was never accepted
                continue
            check(action["status"] in FINAL, f"{key} is {action['status']}")
            self.payees[address] = amount if action["status"] == "done" else 0
