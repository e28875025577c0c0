"""A node, and wallets with VTXOs on it: the world of the suites run_vtxo and run_exit, and how their scenarios are run.

VTXOs are made with both parties' keys and funded on the chain.  Most of a scenario is waiting, so several run at a time:
AT_ONCE says how many."""
import contextlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder) for folder in ("support", "peers")]
import lab  # noqa: E402
import real_bitcoind  # noqa: E402
from lab import RpcError, wait_until  # noqa: E402

VECTORS = os.path.join(lab.ROOT, "tests", "vectors", "ark-flows", "keys_mailbox.json")
SERVER = "a1" * 32
STRANGER = "b7" * 32
DELTA = 12
AT_ONCE = int(os.environ.get("AT_ONCE", "4"))
SCENARIOS = []


def scenario(function):
    SCENARIOS.append((function.__name__.replace("_", " "), function))
    return function


def same(seen, expected, what):
    if seen != expected:
        raise AssertionError(f"{what}: {seen!r}, not {expected!r}")


def refused(call, kind, what):
    try:
        answer = call()
    except RpcError as why:
        same(why.kind, kind, f"{what} ({why})")
        same(why.data.get("funds_moved"), "no", what)
        return why
    raise AssertionError(f"{what} was taken: {answer}")


class World:
    """A node with money, and daemons whose words are those of the vectors: their keys are known."""

    def __init__(self, build, folder):
        self.build, self.folder, self.daemons = build, folder, []
        with open(VECTORS, encoding="utf-8") as f:
            vectors = json.load(f)
        self.words = vectors["mnemonic"]
        self.keys = {int(i): pair["sec"] for i, pair in vectors["vtxo_keys"].items()}
        self.node = real_bitcoind.Bitcoind(os.path.join(folder, "node"))
        self.node.start()
        self.node.ready()
        self.node.prepare()

    def daemon(self, *options, restore=True):
        d = lab.Daemon(self.build, os.path.join(self.folder, f"wallet-{len(self.daemons)}"), "--allow_plaintext_seed=1",
                       "--bitcoind_url=" + self.node.url, "--bitcoind_cookie=" + self.node.cookie,
                       "--chain_poll_s=1", *options)
        self.daemons.append(d)
        d.start()
        if restore:
            d.call("wallet.restore", mnemonic=self.words)
        return d

    def end_daemons(self):
        for d in self.daemons:
            if d.alive():
                d.stop()

    def maker(self, plan):
        done = subprocess.run([os.path.join(self.build, "walletd-vtxo-maker")], input=json.dumps(plan).encode(),
                              stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def fund(self, first):
        """The plan with its funding in the mempool."""
        wanted = self.maker(first)
        address = self.node.rpc.ask("decodescript", wanted["script"])["address"]
        txid = self.node.pay(address, wanted["amount_sat"])
        outputs = self.node.rpc.ask("getrawtransaction", txid, True)["vout"]
        vout = next(o["n"] for o in outputs if o["scriptPubKey"]["hex"] == wanted["script"])
        return {**first, "utxo": f"{txid}:{vout}"}

    def make(self, first, hops=(), mine=True):
        """The VTXOs of a plan, whose funding a block has."""
        plan = self.fund({"server": SERVER, "expiry_height": self.node.height() + 2000, "exit_delta": DELTA, **first})
        if mine:
            self.node.mine()
        return self.maker({**plan, "hops": list(hops)})["vtxos"]

    def board(self, user, amount, mine=True, **more):
        return self.make({"board": {"user": user, "amount_sat": amount, "fee_sat": 0}, **more}, mine=mine)[0]

    def caught_up(self, daemon):
        wait_until(lambda: (daemon.call("status")["chain"] or {}).get("synced") and
                   daemon.call("status")["chain"]["tip"]["height"] == self.node.height(), "the daemon to see the tip", within_s=120)


def run(job):
    """One scenario.  Returns its title, whether it passed, how long it took, and what it has to say."""
    build, folder, number = job
    title, function = SCENARIOS[number]
    said, world, passed = io.StringIO(), None, True
    began = time.monotonic()
    with contextlib.redirect_stdout(said):
        try:
            world = World(build, folder)
            function(world)
        except Exception:  # whatever it was, the others still run
            passed = False
            traceback.print_exc(file=sys.stdout)
            for daemon in world.daemons if world else ():
                print(f"--- the last of {daemon.log_path}")
                print("".join(daemon.log().splitlines(True)[-20:]))
        finally:
            if world:
                world.end_daemons()
                world.node.stop()
    return title, passed, time.monotonic() - began, said.getvalue()


def main(build, patterns):
    try:
        real_bitcoind.install()
    except lab.CannotBeHad as why:
        print(f"SKIPPED: bitcoind cannot be had: {why}")
        print("0 passed, 0 failed, 1 skipped")
        return 77
    folder = tempfile.mkdtemp(prefix="walletd-vtxo-")
    counts = {True: 0, False: 0}
    jobs = [(build, os.path.join(folder, str(number)), number) for number, (title, _) in enumerate(SCENARIOS)
            if not patterns or any(p in title for p in patterns)]
    with multiprocessing.Pool(AT_ONCE, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        for title, passed, seconds, said in pool.imap_unordered(run, jobs):
            counts[passed] += 1
            print(f"{'ok' if passed else 'FAILED':8}{title} ({seconds:.1f} s)")
            print(said, end="", flush=True)
    if counts[False]:
        print("what the daemons left is in " + folder)
    else:
        shutil.rmtree(folder)
    print(f"{counts[True]} passed, {counts[False]} failed, 0 skipped")
    return 0 if counts[True] and not counts[False] else 1
