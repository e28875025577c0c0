"""What the scenarios of the on-chain wallet share: a bitcoind of their own, an Esplora server in front of it where that is
how the wallets look at the chain, wallets that are driven as a user drives them, gates between, and the count of the coins
afterwards, at the node.

  @scenario("title", ...)                  registers one; what it may ask for is said at scenario()
  def one_of_them(world):
      alice = world.wallet("alice")        started, with a wallet, by the backend whose turn it is
      world.fund(alice, 100_000)           the node's miner pays, and a block has it
      paid = alice.pay(world.payee(), 40_000)
      world.finish(alice, paid)            blocks until it is done

World.count() follows each of them.  Amounts are satoshi; how a wallet stands is waited for, never slept for.
"""
import os
import shutil

import bitcoin_gate
import esplora
import lab
import onchain_books
import real_bitcoind

SCENARIOS = []
BITCOIND, ESPLORA = "bitcoind", "esplora"
BACKENDS = (BITCOIND, ESPLORA)
CONFIRMATIONS = 2
PASSPHRASE = "of no value"
WAIT_S = 60
# What broadcasts, by the name that a gate knows it by.
SEND = {BITCOIND: bitcoin_gate.SEND, ESPLORA: esplora.SEND}
# Chains that are made once, and of which each scenario has a copy: (blocks mined in the past, blocks mined now).
CHAINS = {"short": (0, 130), "long": (1_250, 130)}
LONG_AGO_S = 90 * 24 * 3600


def scenario(name, **options):
    """Registers one.  options: backends=("bitcoind",) where it makes no sense with the other; chain="long" begins with more
    blocks than are looked through one by one; node=("-txindex=0",) are options of the node's own; slow=True has it begin
    among the first."""
    def register(function):
        SCENARIOS.append((name, function, options))
        return function
    return register


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")


def refused(wanted, function, *args, field=None, **params):
    """The call must fail with an error of this kind, and move nothing; the error."""
    try:
        answer = function(*args, **params)
    except lab.RpcError as no:
        same((no.kind, no.data.get("field"), no.data["funds_moved"]), (wanted, field, "no"), f"the refusal ({no})")
        return no
    raise AssertionError(f"{wanted} was to be; the answer was {str(answer)[:300]}")


def until(question, what, now=None, within_s=WAIT_S):
    """The first true answer.  now: asked when it did not come, for whoever reads why."""
    try:
        return lab.wait_until(question, what, within_s, 0.05)
    except AssertionError as why:
        raise AssertionError(f"{why}; it is {now()!r:.1500}" if now else str(why)) from None


def make_chains(folder):
    """{name: folder of a node that has stopped}."""
    made = {}
    for name, (past, now) in CHAINS.items():
        node = real_bitcoind.Bitcoind(os.path.join(folder, "chain-" + name), "-fastprune")
        node.start()
        node.ready()
        if past:
            info = node.rpc.ask("getblockheader", node.tip())
            node.set_time(max(info["time"], onchain_books.now_s() - LONG_AGO_S))
            node.mine(past)
            node.set_time(0)
        node.mine(now)
        node.stop()
        made[name] = node.folder
    return made


class Wallet(lab.Daemon):
    """A walletd with an on-chain wallet."""

    def __init__(self, world, name, words, options):
        self.world, self.mnemonic = world, None
        super().__init__(world.build, os.path.join(world.folder, name), "--allow_plaintext_seed=1", "--chain_poll_s=1",
                         f"--onchain_confirmations={CONFIRMATIONS}", *words, *options)

    def again(self, **env):
        """Ends in peace, and starts."""
        same(self.stop(), 0, "exit code")
        self.start(**env)

    def create(self, **params):
        self.mnemonic = self.call("wallet.create", **params)["mnemonic"]

    def restore(self, mnemonic, **params):
        self.mnemonic = mnemonic
        return self.call("wallet.restore", mnemonic=mnemonic, **params)

    # Payments.

    def address(self, **params):
        return self.call("address.new", rail="onchain", **params)["address"]

    def order(self, wait="park", key=None, **params):
        more = {"idempotency_key": key} if key else {}
        return self.call("action.start", kind="onchain_send", params=params, wait=wait, **more)

    def pay(self, address, amount, **params):
        """The payment, once a node has it."""
        sent = self.order(address=address, amount_sat=amount, **params)
        same((sent["status"], sent["state"]), ("parked", "in_mempool"), "a payment that was sent")
        return sent

    def plan(self, **params):
        answer = self.call("action.start", kind="onchain_send", params=params, dry_run=True)
        check(answer["dry_run"], "a dry run that does not say so")
        return answer["plan"]

    def bump(self, action, **params):
        return self.call("onchain.bump", id=action["id"], wait="park", **params)

    def cancel(self, action):
        return self.call("action.cancel", id=action["id"])

    def get(self, action, **params):
        return self.call("action.get", id=action["id"], **params)

    def wait(self, action, *states, within_s=WAIT_S):
        """The action, once its state or status is one of these."""
        def there():
            row = self.get(action)
            return row if row["state"] in states or row["status"] in states else None
        return until(there, f"the payment is {' or '.join(states)}", lambda: self.get(action), within_s)

    def active(self):
        return self.call("action.list", status="active", limit=1000)["actions"]

    def wake_all(self):
        """Goes on without the waits between tries."""
        for action in self.active():
            if action["status"] != "running":
                self.wake(id=action["id"])

    # What there is.

    def sums(self):
        """(spendable, locked, pending)."""
        found = self.call("balance")["balances"].get("onchain", {}).get("sat", {})
        return tuple(found.get(name, 0) for name in ("spendable", "locked", "pending"))

    def wait_sums(self, *wanted, within_s=WAIT_S):
        until(lambda: self.sums() == wanted, f"the sums are {wanted}", self.sums, within_s)

    def coins(self, state=None):
        rows, after = [], {}
        while True:
            page = self.call("utxo.list", limit=1000, **({"state": state} if state else {}), **after)
            rows += page["utxos"]
            if not page["next"]:
                return rows
            after = {"after": page["next"]}

    def outpoints(self, state=None):
        """{outpoint: amount}."""
        return {coin["outpoint"]: coin["amount_sat"] for coin in self.coins(state)}

    def tx(self, txid):
        return self.call("tx.get", txid=txid)

    def wait_tx(self, txid, place, within_s=WAIT_S):
        """The transaction, once it is there."""
        def there():
            try:
                row = self.tx(txid)
            except lab.RpcError as no:
                check(no.kind == "not_found", str(no))
                return None
            return row if row["place"] == place else None
        return until(there, f"{txid} is {place}", self.coins, within_s)

    def chain(self):
        return self.call("status")["chain"]

    def has_followed(self, node):
        found = self.chain()
        return found["synced"] and found["tip"] and found["tip"]["block"] == node.tip()

    def follow(self, node=None, within_s=WAIT_S):
        """Waits until it knows what the node's blocks say."""
        node = node or self.world.node
        until(lambda: self.has_followed(node), "it has followed the node", self.chain, within_s)

    def attention(self):
        """{kind: item} of status; what a test's wallet always needs is left out."""
        return {item["kind"]: item for item in self.call("status")["attention"]
                if item["kind"] not in ("no_wallet", "plaintext_seed", "no_backup")}

    def wait_attention(self, kind, within_s=WAIT_S):
        return until(lambda: self.attention().get(kind), f"{kind} is in attention", self.attention, within_s)

    def wait_calm(self, within_s=WAIT_S):
        until(lambda: not self.attention(), "nothing needs attention", self.attention, within_s)

    def peer(self):
        return next(p for p in self.call("status")["peers"] if p["type"] == "chain")

    def events(self, kinds="onchain.*"):
        rows, after = [], 0
        while True:
            page = self.call("events", after=after, kinds=kinds, limit=1000)
            rows += page["events"]
            if page["next"] == after:
                return rows
            after = page["next"]

    def words_of(self, txid):
        """What was told of a transaction, in order."""
        return [e["kind"].split(".", 1)[1] for e in self.events() if e["subject"] == txid]


class World:
    """A scenario's node, gates and wallets."""

    def __init__(self, build, folder, backend, chains, chain="short", node=()):
        self.build, self.folder, self.backend = build, folder, backend
        self.wallets, self.gates, self.nodes = [], [], []
        self.shared_seed = False  # two wallets with the same words: each may give out what the other did
        self.calm = True          # nothing needs attention at the end
        self.unseen = set()       # addresses beyond the gap, which no wallet is to find
        place = os.path.join(folder, "node")
        shutil.copytree(chains[chain], place)
        self.node = self.new_node("node", "-fastprune", *node)
        self.esplora = self.door() if backend == ESPLORA else None

    def new_node(self, name, *options, **more):
        node = real_bitcoind.Bitcoind(os.path.join(self.folder, name), *options, **more)
        self.nodes.append(node)
        node.start()
        node.ready()
        return node

    # What stands between.

    def door(self, node=None):
        """A gate of the backend's kind, in front of the node."""
        node = node or self.node
        gate = bitcoin_gate.Gate(node.port) if self.backend == BITCOIND else esplora.Esplora(node.rpc)
        self.gates.append(gate)
        return gate

    @property
    def send(self):
        """What broadcasts, for a rule of a gate."""
        return SEND[self.backend]

    def words(self, url=None, cookie=None):
        """Options of a daemon that looks at the chain this way."""
        if self.backend == ESPLORA:
            return ["--esplora_url=" + (url or self.esplora.url)]
        return ["--bitcoind_url=" + (url or self.node.url), "--bitcoind_cookie=" + (cookie or self.node.cookie)]

    # Wallets.

    def wallet(self, name, url=None, words=None, options=(), create=True, mnemonic=None, start=True, **params):
        """A daemon, and in it a wallet: a new one, that of the mnemonic, or none."""
        wallet = Wallet(self, name, self.words(url) if words is None else words, options)
        self.wallets.append(wallet)
        if not start:
            return wallet
        wallet.start()
        if mnemonic:
            wallet.restore(mnemonic, **params)
        elif create:
            wallet.create(**params)
        return wallet

    def gated(self, name, **more):
        """A wallet behind a gate of its own: (wallet, gate)."""
        gate = self.door()
        return self.wallet(name, url=gate.url, **more), gate

    # What happens on the chain.

    def payee(self, kind="bech32m"):
        """Somebody to be paid: an address of the node's wallet that nobody else has."""
        return self.node.address(kind)

    def fund(self, wallet, *amounts):
        """The miner pays each, to an address of its own, and a block has them; the txid."""
        txid = self.node.pay_all([(wallet.address(), amount) for amount in amounts])
        self.node.mine()
        wallet.follow()
        wallet.wait_tx(txid, "confirmed")
        return txid

    def finish(self, wallet, action, status="done", error=None):
        """Blocks until it has ended like this; the action."""
        self.node.mine(CONFIRMATIONS)
        found = wallet.wait(action, "done", "failed", "cancelled")
        error = error or ("cancelled" if status == "cancelled" else None)
        same((found["status"], found["error"] and found["error"]["kind"]), (status, error), "how it ended")
        return found

    def pools(self, *txids, within_s=WAIT_S):
        """Waits until the node's mempool has these, and nothing else."""
        until(lambda: self.node.pooled() == set(txids), f"the mempool has {txids}", self.node.pooled, within_s)

    # The count.

    def count(self):
        """Everything at rest; then what the wallets say is what the node says."""
        for gate in self.gates:
            same(gate.unused(), [], "rules of a gate that nobody came by")
            gate.reset()
        for wallet in {w.datadir: w for w in self.wallets}.values():
            self.count_one(wallet)

    def come_to_rest(self, wallet):
        """Blocks until nothing is on its way any more."""
        def rest():
            wallet.wake_all()
            if self.node.pooled() or wallet.active():
                self.node.mine()
                wallet.follow()
            return not self.node.pooled() and not wallet.active()
        until(rest, "all payments end", wallet.active)
        wallet.follow()

    def count_one(self, wallet):
        if not wallet.alive():
            wallet.start()
        if wallet.call("status")["wallet"]["state"] == "none":
            return
        self.come_to_rest(wallet)
        if self.calm:
            wallet.wait_calm()
        onchain_books.audit(wallet, self.node, self.shared_seed, self.unseen)

    def end(self):
        for wallet in self.wallets:
            if wallet.alive():
                wallet.kill()
        for gate in self.gates:
            gate.stop()
        for node in self.nodes:
            if node.process:
                node.kill()
