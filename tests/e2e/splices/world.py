"""What the scenarios of splices share: a bitcoind, a Lightning node with a channel upon it, a walletd that splices it, and the
count of the money afterwards.

  @scenario                                both suites run it: with the scripted node, and with a real pair
  @scripted                                only with the scripted node: world.ln.stub is it, world.ln.model its channel
  @whole                                   only with the scripted ldk-server, the same
  @real                                    only with a real pair
  @real_whole                              only with a real pair of ldk-servers: world.ln.gate is in front of ours
  def one_of_them(world):
      d = world.daemon()
      done = world.out(d, 50_000)          an action that was started
      world.locked(d, done)                blocks until it is done

world.ln is a Duo (tests/peers/lightning_hazards.py).  World.books() follows each of them: what was there at the beginning is
in the channel, in the node's wallet, in walletd's, or was paid as fees and to others, to the satoshi.  Amounts are satoshi."""
import os
import tempfile

import bitcoin
import lab
import plays
from bitcoin_rpc import sat
from lab import RpcError, wait_until
from peer_bench import check, same  # noqa: F401

AT_ONCE = int(os.environ.get("AT_ONCE", "4"))
SCRIPTED, REAL, WHOLE, REAL_WHOLE = "scripted", "real", "whole", "real-whole"
SCENARIOS = []
FINAL = ("done", "failed", "cancelled")
GRADUATED = 6


def register(*kinds):
    def add(function):
        SCENARIOS.append((function.__name__.replace("_", " "), function, kinds))
        return function
    return add


scenario, scripted, whole, real = register(SCRIPTED, REAL), register(SCRIPTED), register(WHOLE), register(REAL)
real_whole = register(REAL_WHOLE)


def alone(title, function):
    """A scenario of real nodes without a walletd: a function of a Duo."""
    SCENARIOS.insert(0, (title, lambda world: function(world.ln), (REAL,)))


def asked(w, wanted):
    same(w.ln.asked(), wanted, "submissions, whatever came of them")


def refused(kind, call, field=None):
    """The error, which must be of this kind, and must have moved nothing."""
    try:
        answer = call()
    except RpcError as no:
        same((no.kind, no.data.get("field"), no.data.get("funds_moved")), (kind, field, "no"), f"the refusal ({no})")
        return no
    raise AssertionError(f"{kind} was to be; the answer was {str(answer)[:300]}")


class World:
    def __init__(self, build, folder, duo):
        self.build, self.folder, self.daemons = build, folder, []
        self.ln = duo(os.path.join(folder, "lightning"))
        self.node, self.channel_id = self.ln.node, self.ln.channel_id
        self.wealth = self.ln.wealth()

    def daemon(self, *options, **env):
        d = self.bare_daemon(*self.ln.options, *options, **env)
        self.knows(d)
        return d

    def bare_daemon(self, *options, **env):
        """One that knows nothing of the node yet, whichever that is."""
        d = lab.Daemon(self.build, os.path.join(self.folder, f"wallet-{len(self.daemons)}"), "--allow_plaintext_seed=1",
                       "--bitcoind_url=" + self.node.url, "--bitcoind_cookie=" + self.node.cookie, "--chain_poll_s=1", *options)
        self.daemons.append(d)
        d.start(**env)
        d.call("wallet.create")
        return d

    def knows(self, d):
        """Until walletd has heard of the channel, and seen the tip."""
        wait_until(lambda: self.row(d), "walletd to hear of the channel", within_s=60)
        self.caught_up(d)

    def caught_up(self, d):
        def at_tip():
            chain = d.call("status")["chain"] or {}
            return chain.get("synced") and chain["tip"]["height"] == self.node.height()
        wait_until(at_tip, "walletd to see the tip", within_s=60)

    def row(self, d, channel_id=None, **more):
        """The channel as channel.list has it, or None."""
        found = d.call("channel.list", **more)["channels"]
        return next((c for c in found if c["channel"] == (channel_id or self.channel_id)), None)

    # Splices.

    def start(self, d, kind, key=None, **params):
        more = {"idempotency_key": key} if key else {}
        return d.call("action.start", kind=kind, params={"channel": self.channel_id, **params}, wait="none", **more)

    def out(self, d, amount, **params):
        return self.start(d, "splice_out", amount_sat=amount, **params)

    def into(self, d, amount, **params):
        return self.start(d, "splice_in", amount_sat=amount, **params)

    def bump(self, d, **params):
        return self.start(d, "splice_bump", **params)

    def get(self, d, action):
        return d.call("action.get", id=action["id"])

    def splice(self, d):
        """What is told of the one that lives."""
        return self.row(d)["splice"]

    def until(self, d, action, question, what, within_s=60):
        """The action, once question(action) is true."""
        last = {}

        def there():
            d.wake(id=action["id"])
            last.update(self.get(d, action))
            return question(last)
        try:
            wait_until(there, what, within_s, 0.1)
        except AssertionError as why:
            splice = (self.row(d) or {}).get("splice")
            raise AssertionError(f"{why}; it is {last!r:.1500}; {splice!r:.1500}") from None
        return last

    def state(self, d, action, *states, within_s=60):
        return self.until(d, action, lambda a: a["state"] in states or a["status"] in states, f"it to be {states}", within_s)

    def pending(self, d, action):
        """Until a candidate is signed; its txid, which is in the mempool."""
        self.until(d, action, lambda a: a["state"] == "awaiting_lock" and self.candidates(d), "a candidate")
        txid = self.candidates(d)[-1]["txid"]
        wait_until(lambda: txid in self.node.pooled(), "the splice to be in the mempool")
        return txid

    def pending_at_last(self, d, action):
        """The same after trouble, and as long as that takes; nothing of ours may have failed."""
        self.until(d, action, lambda a: a["state"] == "awaiting_lock" or a["status"] in FINAL, "it to be signed", within_s=150)
        return self.pending(d, action)

    def submissions(self, wanted):
        """How many rounds were begun at the node, by walletd."""
        same(self.ln.submissions(), wanted, "submissions")

    def knows_funding(self, d, txid):
        wait_until(lambda: self.row(d)["funding"].startswith(txid), "walletd to know the channel's new funding", within_s=60)
        self.caught_up(d)

    def locked(self, d, action):
        """Blocks until it is; the action."""
        self.ln.mine(self.ln.DEPTH)
        done = self.state(d, action, *FINAL, within_s=90)
        same(done["status"], "done", f"how it ended ({done['error']}, {done['result']})")
        return done

    def candidates(self, d):
        return self.splice(d)["candidates"]

    def waits_for(self, d, action, what):
        return self.until(d, action, lambda _: (self.splice(d) or {}).get("waits_for") == what, f"it to wait for {what}")

    def failed(self, d, action, code):
        """It is given up, with one event that says so."""
        done = self.state(d, action, *FINAL)
        same((done["status"], done["error"]["kind"]), ("failed", code), f"how it ended ({done['error']})")
        same(len(self.events(d, "splice.negotiation_failed")), 1, "events of it")
        return done

    def events(self, d, kind):
        return d.call("events", after=0, kinds=kind, limit=1000)["events"]

    # The count.

    def fee_of(self, txid):
        told = self.node.rpc.ask("getrawtransaction", txid, 2)
        return sat(told["fee"])

    def channel_total(self, txid):
        """What the output of this splice that is the channel's has, in msat."""
        told = self.ln.channel()
        same(told["funding_txid"], txid, "the channel's funding")
        return bitcoin.Tx.parse(self.node.raw(txid)).outputs[told["funding_outnum"]].amount * 1000

    def books(self, *txids, given=0):
        """txids: the splices of ours that are locked; given: what went to others."""
        for d in self.daemons:
            self.caught_up(d)
        fees = sum(self.fee_of(txid) for txid in txids)

        def balance():
            onchain = [d.call("balance")["balances"].get("onchain", {}).get("sat", {}) for d in self.daemons]
            ours = sum(one.get(k, 0) for one in onchain for k in ("spendable", "pending"))
            return self.ln.wealth() + ours + fees + given - self.wealth
        wait_until(lambda: balance() == 0, f"the books to balance; they are off by {balance()}")

    def end(self):
        for d in self.daemons:
            if d.alive():
                d.stop()
        self.ln.end()


def run(job):
    build, folder, number, duo = job
    title, function, _ = SCENARIOS[number]
    return plays.one(title, lambda: World(build, folder, duo), function, lambda world: world.daemons)


def main(kind, duo, build, patterns):
    """Runs those of this kind whose title has one of the patterns."""
    folder = tempfile.mkdtemp(prefix=f"walletd-splices-{kind}-")
    jobs = [(build, os.path.join(folder, str(n)), n, duo) for n, (title, _, kinds) in enumerate(SCENARIOS)
            if kind in kinds and (not patterns or any(p in title for p in patterns))]
    return plays.all_of(run, jobs, AT_ONCE, folder)


def had(install):
    """None, or why a peer cannot be had."""
    try:
        install()
    except lab.CannotBeHad as why:
        return str(why)
    return None
