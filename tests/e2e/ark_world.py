"""A node, and wallets with VTXOs on it: the world of the suites run_vtxo and run_exit, and how their scenarios are run.

VTXOs are made with both parties' keys and funded on the chain.  The wallets look at that through the node itself, or
through an Esplora server in front of it; a scenario's title says which.  Most of a scenario is waiting, so several run at
a time: AT_ONCE says how many."""
import json
import os
import subprocess
import sys
import tempfile

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder) for folder in ("support", "peers")]
import bitcoin_gate  # noqa: E402
import esplora  # noqa: E402
import lab  # noqa: E402
import plays  # noqa: E402
import real_bitcoind  # noqa: E402
from lab import RpcError, wait_until  # noqa: E402

VECTORS = os.path.join(lab.ROOT, "tests", "vectors", "ark-flows", "keys_mailbox.json")
SERVER = "a1" * 32
STRANGER = "b7" * 32
DELTA = 12
AT_ONCE = int(os.environ.get("AT_ONCE", "12"))
BITCOIND, ESPLORA = "bitcoind", "esplora"
ALL = "--all"
SCENARIOS = []


def scenario(function=None, *, backends=(BITCOIND,), by_hand=(ESPLORA,), slow=False, node=()):
    """Registers one.  backends: what its wallets look at the chain through; with --all, also those of by_hand.  slow: it
    begins among the first.  node: options of the node's own."""
    def register(found):
        SCENARIOS.append((found.__name__.replace("_", " "), found, backends, by_hand, slow, node))
        return found
    return register(function) if function else register


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

    def __init__(self, build, folder, backend=BITCOIND, node=()):
        self.build, self.folder, self.backend, self.daemons, self.gates = build, folder, backend, [], []
        with open(VECTORS, encoding="utf-8") as f:
            vectors = json.load(f)
        self.words = vectors["mnemonic"]
        self.keys = {int(i): pair["sec"] for i, pair in vectors["vtxo_keys"].items()}
        self.node = real_bitcoind.Bitcoind(os.path.join(folder, "node"), *node)
        self.nodes = [self.node]
        self.node.start()
        self.node.ready()
        self.node.prepare()
        self.began = self.node.height()

    def elsewhere(self):
        """A node with the same blocks that hears of nothing else: what wallets send by it stays there."""
        other = real_bitcoind.Bitcoind(os.path.join(self.folder, f"node-{len(self.nodes)}"))
        self.nodes.append(other)
        other.start()
        other.ready()
        self.tell_blocks(other)
        return other

    def tell_blocks(self, other):
        for height in range(other.height() + 1, self.node.height() + 1):
            other.rpc.ask("submitblock", self.node.rpc.ask("getblock", self.node.hash_at(height), 0))

    def gate(self):
        """Something of the backend's kind, in front of the node."""
        made = esplora.Esplora(self.node.rpc) if self.backend == ESPLORA else bitcoin_gate.Gate(self.node.port)
        self.gates.append(made)
        return made

    def way(self, gate, node):
        """The options of a daemon that looks at the chain through this gate, or at this node; None: as the others do."""
        if node:
            return ["--bitcoind_url=" + node.url, "--bitcoind_cookie=" + node.cookie]
        if self.backend == ESPLORA:
            return ["--esplora_url=" + (gate or (self.gates[0] if self.gates else self.gate())).url]
        return ["--bitcoind_url=" + (gate or self.node).url, "--bitcoind_cookie=" + self.node.cookie]

    def daemon(self, *options, restore=True, gate=None, node=None):
        d = lab.Daemon(self.build, os.path.join(self.folder, f"wallet-{len(self.daemons)}"), "--allow_plaintext_seed=1",
                       *self.way(gate, node), "--chain_poll_s=1", *options)
        self.daemons.append(d)
        d.start()
        if restore:
            d.call("wallet.restore", mnemonic=self.words)
        return d

    def end(self):
        for d in self.daemons:
            if d.alive():
                d.stop()
        for gate in self.gates:
            gate.stop()
        for node in self.nodes:
            node.stop()

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
        def is_there():
            chain = daemon.call("status")["chain"]
            return chain and chain["synced"] and chain["tip"]["block"] == self.node.tip()
        wait_until(is_there, "the daemon to see the tip", 120, 0.1)


def run(job):
    build, folder, title, number, backend = job
    _, function, *_, node = SCENARIOS[number]
    return plays.one(title, lambda: World(build, folder, backend, node), function, lambda world: world.daemons)


def jobs(build, folder, patterns):
    everything, patterns = ALL in patterns, [p for p in patterns if p != ALL]
    found = []
    for number, (name, _, backends, by_hand, slow, _) in enumerate(SCENARIOS):
        for backend in (*backends, *(by_hand if everything else ())):
            title = f"[{backend}] {name}"
            if not patterns or any(p in title for p in patterns):
                found.append((not slow, (build, os.path.join(folder, f"{number}-{backend}"), title, number, backend)))
    return [job for _, job in sorted(found, key=lambda one: one[0])]


def main(build, patterns):
    try:
        real_bitcoind.install()
    except lab.CannotBeHad as why:
        return plays.none(f"bitcoind cannot be had: {why}")
    folder = tempfile.mkdtemp(prefix="walletd-vtxo-")
    return plays.all_of(run, jobs(build, folder, patterns), AT_ONCE, folder)
