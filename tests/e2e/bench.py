"""What the scenarios share: wallets that are driven as a user drives them, a mint between them, and the count of the money
afterwards, at the mint."""
import json
import os
import time

import lab

SETTLE_S = 150
SCENARIOS = []
UNITS = ("sat", "usd")
PAYING = ("cashu_melt", "cashu_transfer")
PAYS_MS = 500


def scenario(name, **where):
    """Registers one.  where: mints="fee", "free" or "both" (default)."""
    def register(function):
        SCENARIOS.append((name, function, where.get("mints", "both")))
        return function
    return register


class Skip(Exception):
    """This cannot be tried here; the text says why."""


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")


def outputs_are_fresh(bodies):
    """None of these requests has an output of another one.  The same request may be signed for its quote in two ways."""
    seen = {}
    for request in {json.dumps({**json.loads(body), "signature": None}) for body in bodies}:
        for output in json.loads(request)["outputs"] or []:
            if seen.setdefault(output["B_"], request) is not request:
                return False
    return True


def may_be_hurried(action):
    """It waits, and the mint is not just paying for it: nutshell, asked at that moment, books the payment twice and signs more change
    than it tells of, and is left alone for so long."""
    rested = time.time() * 1000 - action["updated_at_ms"] > PAYS_MS
    return action["status"] != "running" and (action["kind"] not in PAYING or rested)


class Wallet(lab.Daemon):
    """One walletd, asked over its unix socket."""

    def __init__(self, build, datadir, mint_url, *options, **more):
        super().__init__(build, datadir, "--allow_plaintext_seed=1", *options, **more)
        self.mint_url = mint_url

    def action(self, kind, wait="done", key=None, **params):
        more = {"idempotency_key": key} if key else {}
        return self.call("action.start", kind=kind, params=params, wait=wait, **more)

    def plan(self, kind, **params):
        answer = self.call("action.start", kind=kind, params=params, dry_run=True)
        check(answer["dry_run"], "a dry run that does not say so")
        return answer["plan"]

    def issue(self, amount, **params):
        done = self.action("cashu_issue", mint=self.mint_url, amount=amount, **params)
        same(done["status"], "done", f"status of issuing {amount}")
        return done

    def send(self, amount, **params):
        """The action, parked with its token."""
        sent = self.action("cashu_send", wait="park", amount=amount, **params)
        same((sent["status"], sent["state"]), ("parked", "token_created"), f"where sending {amount} stands")
        return sent

    def token(self, amount, **params):
        return self.send(amount, **params)["result"]["token"]

    def receive(self, token, **params):
        return self.action("cashu_receive", token=token, **params)

    def receive_well(self, token, **params):
        done = self.receive(token, **params)
        same((done["status"], done["error"]), ("done", None), "how the receive ended")
        return done

    def get(self, action, **params):
        return self.call("action.get", id=action["id"], **params)

    def cancel(self, action):
        self.call("action.cancel", id=action["id"])
        return self.get(action, wait="done")

    def bucket(self, name, unit="sat"):
        return self.call("balance")["balances"].get("ecash", {}).get(unit, {}).get(name, 0)

    def total(self, unit="sat"):
        return self.bucket("total", unit)

    def all_of(self, method, member, **params):
        """Every page of a listing."""
        rows, after = [], None
        while True:
            page = self.call(method, limit=1000, **params, **({"after": after} if after else {}))
            rows += page[member]
            after = page.get("next")
            if not after:
                return rows

    def proofs(self):
        return self.all_of("proof.list", "proofs")

    def history(self, unit="sat"):
        return [m for m in self.all_of("history", "movements") if m["unit"] == unit]

    def active(self):
        return self.all_of("action.list", "actions", status="active")

    def settle(self, within_s=SETTLE_S):
        """Goes on, without the waits between tries, until only tokens that nobody has claimed are left."""
        def settled():
            left = [a for a in self.active() if a["state"] != "token_created"]
            for a in left:
                if may_be_hurried(a):
                    self.wake(id=a["id"])
            return not left
        lab.wait_until(settled, "every action comes to an end", within_s, 0.1)

    def look_at_tokens(self):
        """Has anybody claimed them?  Asked now instead of in half a minute."""
        for a in self.active():
            if a["state"] == "token_created":
                version = a["version"]
                self.wake(id=a["id"])
                lab.wait_until(lambda a=a, v=version: self.get(a)["version"] > v, "the mint says who claimed a token")

    def all_of_events(self):
        rows, after = [], 0
        while True:
            page = self.call("events", after=after, limit=1000)
            rows += page["events"]
            if not page["events"]:
                return rows
            after = page["events"][-1]["seq"]

    def restart(self):
        self.stop()
        self.start()


class World:
    """A scenario's own wallets at one of the mints that all scenarios share."""

    def __init__(self, build, folder, mint, proxy):
        self.build, self.folder, self.mint, self.proxy = build, folder, mint, proxy
        self.wallets, self.twins = [], []
        self.other = None  # the proxy of another mint
        self.outside = {}  # ecash in nobody's wallet, per unit
        self.lightning = {}  # what payments cost beyond the mint's own fees, per unit
        self.owed_before, self.fees_before = {}, {}
        proxy.reset()

    def bare(self, name, url=None, options=(), network=None):
        """A daemon without a wallet."""
        if not self.wallets:
            self.owed_before = {unit: self.mint.owes(unit) for unit in UNITS}
            self.fees_before = {unit: self.mint.fees(unit) for unit in UNITS}
        w = Wallet(self.build, os.path.join(self.folder, name), url or self.proxy.url, *options)
        if network:
            w.options[0] = "--network=" + network
        self.wallets.append(w)
        w.start()
        return w

    def wallet(self, name, url=None, trust=True, options=(), network=None, **create):
        w = self.bare(name, url, options, network)
        if create.get("mnemonic"):
            w.call("wallet.restore", **create)
        else:
            w.words = w.call("wallet.create", **create)["mnemonic"]
        if trust:
            w.call("mint.add", url=w.mint_url)
        return w

    def shared(self, name, *options):
        """Two daemons over one database."""
        options = ["--shared_state=1", *options]
        first = self.wallet(name, options=options)
        second = Wallet(self.build, first.datadir, first.mint_url, *options, socket_name="second.sock")
        self.twins.append(second)
        second.start()
        return first, second

    def pair(self):
        return self.wallet("alice"), self.wallet("bob")

    def needs(self, unit):
        if unit not in self.mint.units:
            raise Skip(f"the mint has no {unit}")

    def fee(self, inputs):
        return self.mint.fee(inputs)

    def count(self):
        """Every wallet at rest; then what the wallets say is what the mint owes."""
        for w in self.wallets:
            if not w.alive():
                w.start()
            w.settle()
            w.look_at_tokens()
            self.count_wallet(w)
        for unit, before in self.owed_before.items():
            same(sum(w.total(unit) for w in self.wallets) + self.outside.get(unit, 0), self.mint.owes(unit) - before,
                 f"{unit} in the wallets, against what the mint owes")
            if unit not in self.outside:
                same(sum(m["fee"] for w in self.wallets for m in w.history(unit)), self.mint.fees(unit) - self.fees_before[unit]
                     + self.lightning.get(unit, 0), f"{unit} of fees in the wallets' histories, against what the mint kept")
        same(self.proxy.unused(), [], "hooks that nobody came by")

    def count_wallet(self, w):
        for unit in UNITS:
            same((w.bucket("locked", unit), w.bucket("pending", unit)), (0, 0), f"{unit} locked and pending")
        proofs = w.proofs()
        same(sum(p["amount"] for p in proofs if p["unit"] == "sat" and p["state"] in ("spendable", "sent")), w.total(),
             "the sum of the proofs")
        spent = self.mint.spent([p["y"] for p in proofs if p["state"] in ("spendable", "sent")])
        same(spent, set(), "proofs that count here and are spent at the mint")
        for unit in UNITS:
            movements = w.history(unit)
            same(sum(m["amount"] for m in movements), w.total(unit), f"the sum of the history in {unit}")
            if movements:
                same(movements[0]["balance"], w.total(unit), f"the running balance in {unit}")
        events = w.all_of_events()
        same([e["seq"] for e in events], list(range(1, len(events) + 1)), "the event numbers")
        for item in w.call("status")["attention"]:
            check(item["severity"] != "critical", f"attention: {item}")

    def end(self):
        for w in self.wallets + self.twins:
            if w.alive():
                w.kill()
