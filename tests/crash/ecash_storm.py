"""A storm over ecash: two wallets at a real mint issue, send, receive, lock, swap, pay invoices, take back and
look for what they may have lost, in an order that chance chooses, while they are killed at failpoints and at moments that
chance chooses, too, and their requests are lost, doubled, or arrive when nobody waits for them any more, and the mint itself falls and stands up
again.  A storm is known by its seed, which decides all of this; what the clock decides is different each time.

Afterwards everybody comes to rest, every order is given again with its key, the hour passes after which the mint is asked for
what was given up, and the money is counted at the mint: what was paid in, less what was paid out and what it kept as fees,
is in the two wallets and in the tokens that nobody has claimed, to the last sat."""
import collections
import contextlib
import os
import random
import signal
import sqlite3
import threading
import time

import bench
import books
import invoice
import lab
import proxy

STEPS = 16
LIVES = 4         # of each wallet, that may end at a failpoint
PASSES = 40       # of any point, within which such a life is to end
FUNDS = 200
PAUSE_S = 0.15
SETTLE_S = 120
HOUR_MS = 3600 * 1000
SWAP, MINT, MELT = "/v1/swap", "/v1/mint/bolt11", "/v1/melt/bolt11"
ASKED = (SWAP, SWAP, SWAP, MINT, MELT, MELT, "/v1/mint/quote/bolt11", "/v1/melt/quote/bolt11", "/v1/checkstate", "/v1/restore")
ONCE = {"issue", "token", "send", "send_reclaimed", "receive", "swap", "melt", "melt_undone"}
# What was given up, and was there after all: its fee is not known by itself.
FOUND = {"sweep", "restore", "spent_elsewhere"}
# Of what comes at a wrong moment, or twice.
REFUSALS = {
    "insufficient_funds", "not_cancellable", "token_own", "token_spent", "proof_locked", "invoice_paid",
}
# Of actions that may end so, and why.
FAILURES = {
    "cashu_receive": {"token_spent", "token_dust"},
    "cashu_melt": {"insufficient_funds", "conflict", "invoice_paid", "peer_rejected"},
}

Order = collections.namedtuple("Order", "wallet kind key params")
Known = collections.namedtuple("Known", "url states")  # a mint, under the name by which the wallets know it


class Gate(proxy.Proxy):
    """Between the wallets and the mint; keeps copies of requests, to deliver them late."""

    def __init__(self, port):
        self.under_way, self.kept = 0, []
        self.between = threading.Condition()  # of the two below
        self.shutting = False
        super().__init__(port)

    def forward(self, method, path, headers, body):
        with self.between:
            self.between.wait_for(lambda: not self.shutting)
            self.under_way += 1
        try:
            return super().forward(method, path, headers, body)
        finally:
            with self.between:
                self.under_way -= 1
                self.between.notify_all()

    def when_quiet(self, act):
        """Does it when no request is at the mint: those that come meanwhile wait."""
        with self.between:
            self.between.wait_for(lambda: not self.shutting)
            self.shutting = True
            self.between.wait_for(lambda: self.under_way == 0)
        try:
            act()
        finally:
            with self.between:
                self.shutting = False
                self.between.notify_all()

    def keep_copy(self, path):
        """Of what passes next; the request itself is lost."""
        def keep():
            self.kept.append((path, self.bodies(path)[-1]))
            return proxy.LOST
        self.at(self.before, path, keep)

    def deliver_kept(self):
        """The mint answers, and nobody hears it."""
        copies, self.kept = self.kept, []
        for path, body in copies:
            self.forward("POST", path, {"Content-Type": "application/json"}, body)

    def calm(self):
        """No trouble any more."""
        with self.lock:
            self.before, self.after, self.twice = {}, {}, {}

    def quiet(self):
        """No request is at the mint."""
        with self.between:
            return self.under_way == 0 and not self.shutting


class Victim(bench.Wallet):
    """A wallet whose lives end at what was drawn for each of them, until it has had its share."""

    def __init__(self, build, datadir, url, chance, points):
        super().__init__(build, datadir, url)
        self.fates = [self.fate(chance, points) for _ in range(LIVES)]
        self.kills = 0

    @staticmethod
    def fate(chance, points):
        if chance.random() < 0.3:
            return {}
        point = "*" if chance.random() < 0.6 else chance.choice(points)
        nth = 1 + int(chance.random() * (PASSES if point == "*" else PASSES / 4))
        return {"WALLETD_FAILPOINTS": f"{point}:crash:{nth}"}

    def buried(self):
        """It is dead, then, and was killed."""
        code = self.ended()
        books.check(code == -signal.SIGKILL, f"walletd ended with {code}")
        self.kills += 1

    def up(self, in_peace=False):
        """Alive, in a next life if need be; in peace: in one that nothing was drawn for."""
        if in_peace:
            self.fates = []
            self.kill()
        while not self.alive():
            if self.process:
                self.buried()
            with contextlib.suppress(lab.Died):
                self.start(**(self.fates.pop(0) if self.fates else {}))

    def strike(self):
        if self.alive():
            self.kill()


class Storm:
    def __init__(self, build, folder, mint, seed, points):
        self.chance, self.mint = random.Random(seed), mint
        self.gate = Gate(mint.port)
        self.url = self.gate.url
        self.wallets = [Victim(build, os.path.join(folder, name), self.url, self.chance, points)
                        for name in ("alice", "bob")]
        self.orders, self.told = [], []
        self.ids = {}      # of the actions, by the order's key
        self.asked = {}    # what was asked for, by key, with what was only known then
        self.before = self.of_mint()
        self.falls, self.falling = 0, threading.Lock()
        self.plan = [self.step() for _ in range(STEPS)]

    def of_mint(self):
        """(owed, paid in, paid out, what Lightning took, fees) in sat.  What a payment cost is counted by what was taken for it
        and given back: the mint notes no fee for one of which it hears later that it was made.  Nor does it always note that it
        has signed for a quote."""
        taken = {quote: (amount, notes) for quote, amount, notes in self.mint.books(
            "SELECT melt_quote, SUM(amount), COUNT(*) FROM proofs_used WHERE melt_quote IS NOT NULL GROUP BY 1")}
        change = dict(self.mint.books("SELECT melt_quote, SUM(amount) FROM promises"
                                      " WHERE melt_quote IS NOT NULL AND c_ IS NOT NULL GROUP BY 1"))
        paid_out = lightning = 0
        for quote, amount in self.mint.books("SELECT quote, amount FROM melt_quotes WHERE state = 'PAID' AND unit = 'sat'"):
            inputs, notes = taken[quote]
            paid_out += amount
            lightning += inputs - change.get(quote, 0) - amount - self.mint.fee(notes)
        (paid_in,), = self.mint.books("SELECT COALESCE(SUM(amount), 0) FROM mint_quotes WHERE unit = 'sat' AND quote IN"
                                      " (SELECT mint_quote FROM promises WHERE c_ IS NOT NULL)")
        return self.mint.owes(), paid_in, paid_out, lightning, self.mint.fees()

    def play(self):
        """All of it; returns how often one of the wallets was killed."""
        try:
            self.prepare()
            for text, step in self.plan:
                self.told.append(text)
                self.attempt(step)
            self.calm()
            self.count()
        except Exception as why:
            raise AssertionError(f"{why}\n       after: " + "; ".join(self.told)) from why
        return sum(w.kills for w in self.wallets)

    def close(self):
        for w in self.wallets:
            w.strike()
        self.gate.stop()

    # What happens.

    def prepare(self):
        for w in self.wallets:
            w.launch()
        for w in self.wallets:
            w.ready()
            w.call("wallet.create")
            w.call("mint.add", url=self.url)
            w.call("action.start", kind="cashu_issue", params={"mint": self.url, "amount": FUNDS})
            w.lock_key = w.call("lock_key.new")["public_key"]
        for w in self.wallets:
            w.settle(SETTLE_S)
            bench.same(w.total(), FUNDS, "what it begins with")
            w.strike()  # the next life is as drawn

    def attempt(self, step):
        """What a wallet that dies does not do, and what it refuses, is not done."""
        try:
            step()
        except lab.Died:
            pass
        except lab.RpcError as no:
            books.check(no.kind in REFUSALS, f"refused: {no.kind}: {no}")
            self.told.append(no.kind)

    def step(self):
        """(what it is, in words; what to do), with all that chance has to say about it decided."""
        steps = {self.issue: 2, self.send: 5, self.receive: 5, self.swap: 1, self.melt: 3, self.cancel: 3, self.again: 2,
                 self.restore: 1, self.sweep: 0.5, self.kill: 2, self.trouble: 5, self.late: 0.5, self.pause: 1,
                 self.fall: 0.4 if self.mint.falls else 0}
        kind, = self.chance.choices(list(steps), list(steps.values()))
        return kind()

    def one(self):
        return self.chance.choice(self.wallets)

    def name(self, wallet):
        return os.path.basename(wallet.datadir)

    def order(self, wallet, kind, params):
        """A new order, given now.  params: a function, when they will be known only then; None: they never will."""
        number = len(self.orders)
        order = Order(wallet, kind, f"{kind}-{number}", params if callable(params) else lambda: params)
        self.orders.append(order)
        wait = self.chance.choice(("none", "none", "park"))
        return lambda: self.give(order, wait)

    def give(self, order, wait="none"):
        order.wallet.up()
        if order.key not in self.asked:
            params = order.params()
            if params is None:
                return None
            self.asked[order.key] = params
        action = order.wallet.action(order.kind, wait, order.key, **self.asked[order.key])
        bench.same(action["id"], self.ids.setdefault(order.key, action["id"]), f"the action of {order.key}")
        return action

    def find(self, order):
        """The action of an order, or None while there is none."""
        order.wallet.up()
        try:
            return order.wallet.call("action.get", idempotency_key=order.key)
        except lab.RpcError as no:
            books.check(no.kind == "not_found", f"{order.key}: {no}")
            return None

    def issue(self):
        w, amount = self.one(), self.chance.randrange(1, 200)
        return f"issue {self.name(w)} {amount}", self.order(w, "cashu_issue", {"mint": self.url, "amount": amount})

    def send(self):
        w, params = self.one(), {"amount": self.chance.randrange(1, 90), "mint": self.url}
        text = f"send {self.name(w)} {params['amount']}"
        if self.chance.random() < 0.2:
            params["include_fee"] = True
        locked = self.chance.random() < 0.2
        other, = (v for v in self.wallets if v is not w)
        if locked:
            return text + " locked", self.order(w, "cashu_send", lambda: {**params, "lock_to": [other.lock_key]})
        return text, self.order(w, "cashu_send", params)

    def orders_of(self, kind):
        return [o for o in self.orders if o.kind == kind]

    def receive(self):
        sends = self.orders_of("cashu_send")
        if not sends:
            return self.send()
        sent = self.chance.choice(sends)
        w = sent.wallet if self.chance.random() < 0.1 else next(v for v in self.wallets if v is not sent.wallet)
        return f"receive {self.name(w)} {sent.key}", self.order(w, "cashu_receive", lambda: self.token(sent))

    def token(self, sent):
        action = self.find(sent)
        token = action and (action["result"] or {}).get("token")
        return {"token": token} if token else None

    def swap(self):
        w = self.one()
        return f"swap {self.name(w)}", self.order(w, "cashu_swap", {"mint": self.url})

    def melt(self):
        w, old = self.one(), self.orders_of("cashu_melt")
        if old and self.chance.random() < 0.15:
            paid = self.chance.choice(old)
            return f"melt {self.name(w)} as {paid.key}", self.order(w, "cashu_melt", lambda: self.asked.get(paid.key))
        amount = self.chance.randrange(1, 60)
        return f"melt {self.name(w)} {amount}", self.order(w, "cashu_melt",
                                                           lambda: {"mint": self.url, "invoice": invoice.make(amount)})

    def restore(self):
        w = self.one()
        return f"restore {self.name(w)}", self.order(w, "cashu_restore", {"mint": self.url})

    def sweep(self):
        w = self.one()
        return f"sweep {self.name(w)}", self.order(w, "cashu_sweep", {"mint": self.url})

    def cancel(self):
        old = self.orders_of("cashu_send") + self.orders_of("cashu_melt") + self.orders_of("cashu_issue")
        if not old:
            return self.send()
        order = self.chance.choice(old)

        def act():
            action = self.find(order)
            if action and action["status"] not in ("done", "failed", "cancelled"):
                order.wallet.call("action.cancel", id=action["id"])
        return f"cancel {order.key}", act

    def again(self):
        """The same order once more: the same action.  Or its key for something else, which is refused."""
        if not self.orders:
            return self.issue()
        order, other = self.chance.choice(self.orders), self.chance.random() < 0.3

        def act():
            if order.key not in self.ids:
                return
            if not other:
                self.give(order)
                return
            order.wallet.up()
            try:
                order.wallet.action("cashu_issue", "none", order.key, mint=self.url, amount=FUNDS + 1)
            except lab.RpcError as no:
                bench.same(no.kind, "idempotency_mismatch", f"{order.key} for something else")
            else:
                books.check(False, f"{order.key} was taken for something else")
        return f"again {order.key}", act

    def kill(self):
        w = self.one()
        return f"kill {self.name(w)}", w.strike

    def trouble(self):
        """What passes by this path next is in for something."""
        path, victim = self.chance.choice(ASKED), self.one()

        def killing(when):
            def kill():
                victim.strike()
                return proxy.LOST
            self.gate.at(when, path, kill)
        what = self.chance.choice(("request lost", "reply lost", "twice", "late", "killed before", "killed after"))
        return f"{path}: {what}", {
            "request lost": lambda: self.gate.lose_request(path), "reply lost": lambda: self.gate.lose_reply(path),
            "twice": lambda: self.gate.deliver_twice(path), "late": lambda: self.gate.keep_copy(path),
            "killed before": lambda: killing(self.gate.before), "killed after": lambda: killing(self.gate.after)}[what]

    def late(self):
        return "late copies arrive", self.gate.deliver_kept

    def mint_falls(self):
        """It is killed between two requests, for what it loses in the middle of one is its own; what it does when it has
        answered, a payment above all, is cut off.  Then it is away until it stands again, and has only what is on its disk."""
        with self.falling:
            self.gate.when_quiet(self.mint.crash)
            self.falls += 1
            self.mint.stand_up()

    def fall(self):
        if self.chance.random() < 0.3:
            return "the mint falls", self.mint_falls
        path, when = self.chance.choice(ASKED), self.chance.choice(("before", "after"))

        def falls():
            self.mint_falls()
            return proxy.LOST
        return f"{path}: the mint falls {when}", lambda: self.gate.at(getattr(self.gate, when), path, falls)

    def pause(self):
        s = self.chance.random() * PAUSE_S
        return f"pause {s:.3f}", lambda: time.sleep(s)

    # Afterwards.

    def calm(self):
        """No trouble any more: each order is given again, and comes to its end; so does what was given up."""
        self.told.append("calm")
        self.gate.calm()
        with self.falling:
            if self.falls:
                for w in self.wallets:
                    w.strike()
                self.mint.think_over()
        for w in self.wallets:
            w.up(in_peace=True)
        self.rest()
        for order in [o for o in self.orders if o.key in self.asked]:
            self.attempt(lambda o=order: self.give(o))
        self.rest()
        self.gate.deliver_kept()
        self.look_for_what_was_given_up()

    def rest(self):
        for w in self.wallets:
            w.settle(SETTLE_S)
        lab.wait_until(self.gate.quiet, "no request is at the mint", SETTLE_S)
        for w in self.wallets:
            w.look_at_tokens()

    def look_for_what_was_given_up(self):
        """The mint would be asked an hour later; here that hour is taken from the outputs' dates."""
        for w in self.wallets:
            w.kill()
            with contextlib.closing(sqlite3.connect(os.path.join(w.datadir, "wallet.db"), timeout=30)) as db, db:
                due = db.execute("UPDATE output SET sweep_at_ms = sweep_at_ms - ?", (HOUR_MS,)).rowcount
            w.start()
            if due:
                w.action("cashu_sweep", mint=self.url)
        self.rest()

    def count(self):
        for w in self.wallets:
            w.stories = {o.key: w.call("action.get", idempotency_key=o.key) for o in self.orders
                         if o.wallet is w and o.key in self.ids}
            history = w.history()
            w.fees = sum(m["fee"] for m in history)
            w.found = [m["kind"] for m in history if m["kind"] in FOUND]
            bench.same(w.stop(), 0, "how it ended when it was asked to")
        self.count_money()
        self.count_effects()

    def count_money(self):
        good = {}
        for w in self.wallets:
            found = books.Wallet(w.datadir)
            books.check_wallet(found)
            good.update(books.check_states(found, Known(self.url, self.mint.states)))
        owed, paid_in, paid_out, lightning, fees = (now - then for now, then in zip(self.of_mint(), self.before))
        bench.same(owed, paid_in - paid_out - lightning - fees, "the mint's own books")
        bench.same(sum(amount for _, amount in good.values()), owed, "what the wallets hold, against what the mint owes")
        if not any(w.found for w in self.wallets):
            bench.same(sum(w.fees for w in self.wallets), lightning + fees, "fees in the histories, against the mint's books")

    def count_effects(self):
        """Each key had one effect or none, and no output was ever in two requests."""
        melted = 0
        for w in self.wallets:
            with contextlib.closing(sqlite3.connect(os.path.join(w.datadir, "wallet.db"))) as db:
                for action, kind, n in db.execute("SELECT action_id, kind, count(*) FROM movement GROUP BY 1, 2"):
                    books.check(n == 1 or kind not in ONCE, f"{action} has {n} movements {kind}")
                    melted += kind == "melt"
            for key, action in w.stories.items():
                if action["status"] == "failed":
                    books.check(action["error"]["kind"] in FAILURES.get(action["kind"], ()), f"{key} failed: {action['error']}")
                elif action["status"] not in ("done", "cancelled"):
                    books.check(action["state"] == "token_created", f"{key} is {action['status']} in {action['state']}")
        paid = dict(self.mint.books("SELECT request, COUNT(*) FROM melt_quotes WHERE state = 'PAID' GROUP BY 1"))
        ours = {params["invoice"] for params in self.asked.values() if params.get("invoice") in paid}
        bench.same(sum(paid[text] for text in ours), melted, "payments by the mint, against those that the wallets know of")
        books.check(len(ours) == melted, "an invoice was paid more than once")
        books.check(bench.outputs_are_fresh(b for path in (SWAP, MINT, MELT) for b in self.gate.bodies(path)),
                    "an output was in two different requests")
