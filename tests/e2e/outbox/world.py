"""What the scenarios of the outbox share: a chain of their own with the contract on it, daemons that are driven as an
operator drives them, gates between the two, and the count of the effects afterwards, at the chain.

  @scenario("title", ...)                  registers one; what it may ask for is said at scenario()
  def one_of_them(world):
      walletd = world.daemon()             started, with a signer and a relayer from key files: both are accounts of the
                                           node, so that a test can play them, too
      walletd.append("w-1")
      walletd.wait("w-1", "confirmed")

World.count() follows each of them; what others did on the chain is noted in world.others for it (evm_books.audit).
"""
import contextlib
import http.client
import os
import re
import sqlite3

import abi
import directives
import evm
import evm_books
import evm_gate
import keystore
import lab
import real_evm

SCENARIOS = []
CHAIN = real_evm.CHAIN_ID
WITHDRAW, CREDIT, ORDER = "system_withdraw_token", "system_credit_option", "rsm_hl_limit_order"
TOKEN = "0x" + "70" * 20
GWEI = 10 ** 9
PASSWORD = "of no value"
QUIET_S = 60
# Of the configuration: what a scenario leaves unsaid.  Half a second of block time makes the daemon look twice a second.
CHAIN_WORDS = {"confirmations": 1, "block_time_ms": 500, "batch": 1, "relayer": "file:relayer"}
SPACE_WORDS = {"contract": directives.ADDRESS, "signer": "file:signer"}


def scenario(name, **options):
    """Registers one.  options: deployed=False leaves the contract to the scenario; keep=True lets the node keep its chain
    when it ends; node=("--block-time", "1") are options of the node's own; runs=("batch", "single") runs it once with
    each word, which it gets as its second argument."""
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


def words(chain_id, values):
    """The text of evm_chain and outbox_space; a list makes a word for each of its members."""
    found = [str(chain_id)]
    for name, value in values.items():
        found += [f"{name}={v}" for v in (value if isinstance(value, (list, tuple)) else [value]) if v is not None]
    return " ".join(found)


def withdrawal(account, amount=10 ** 6):
    """The payload of WITHDRAW, as "0x" text."""
    return evm.text(abi.encode("address,address,uint256", TOKEN, account, amount))


def order(number=1):
    """The payload of ORDER."""
    return evm.text(abi.encode("uint32,bool,uint64,uint64,bool,uint8,uint128", 7, True, 10 ** 8, number, False, 2, number))


def payload_of(action, account):
    if action == ORDER:
        return order()
    if action == CREDIT:
        return evm.text(abi.encode("bytes32,address,uint256", b"\7" * 32, account, 3))
    return withdrawal(account)


class Walletd(lab.Daemon):
    """A daemon with an outbox."""

    def __init__(self, world, datadir, urls, chain, space, options, **names):
        self.world = world
        self.starts = 0
        self.chain_id = chain.pop("chain_id", CHAIN)
        chosen = [f"--evm_chain={words(self.chain_id, {'rpc': urls, **CHAIN_WORDS, **chain})}"]
        if space is not None:
            chosen.append(f"--outbox_space={words(self.chain_id, {**SPACE_WORDS, **space})}")
        super().__init__(world.build, datadir, "--allow_plaintext_seed=1", *chosen, *options, **names)

    def launch(self, **env):
        self.starts += 1
        super().launch(**env)

    def again(self, **env):
        """Ends in peace, and starts."""
        same(self.stop(), 0, "exit code")
        self.start(**env)

    def key_file(self, name, account, private_key, **more):
        folder = os.path.join(self.datadir, "keys")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        path = os.path.join(folder, name + ".json")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        keystore.write(path, account, private_key, PASSWORD, **more)
        with open(os.open(os.path.join(folder, name + ".password"), os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="ascii") as f:
            f.write(PASSWORD + "\n")

    # Directives.

    def append(self, directive_id, account=None, action=WITHDRAW, payload=None, **more):
        account = account or self.world.users[0]
        return self.call("directive.append", directive_id=directive_id, action_key=action, account=account,
                         payload=payload or payload_of(action, account), **more)

    def nonce_of(self, directive_id):
        return int(self.get(directive_id)["nonce"])

    def append_all(self, ids, account_of=None):
        """Many, in batches of calls."""
        for at in range(0, len(ids), 100):
            calls = []
            for i, directive_id in enumerate(ids[at:at + 100], at):
                account = account_of(i) if account_of else self.world.users[0]
                calls.append(("directive.append", {"directive_id": directive_id, "action_key": WITHDRAW,
                                                   "account": account, "payload": withdrawal(account)}))
            self.call_all(calls)

    def get(self, directive_id):
        return self.call("directive.get", directive_id=directive_id)

    def status_of(self, directive_id):
        return self.get(directive_id)["delivery_status"]

    def wait(self, directive_id, *statuses, within_s=QUIET_S):
        """The directive, once it is in one of these."""
        def there():
            row = self.get(directive_id)
            return row if row["delivery_status"] in statuses else None
        return lab.wait_until(there, f"{directive_id} is {' or '.join(statuses)}", within_s, 0.05)

    def wait_all(self, status, ids, within_s=QUIET_S):
        def there():
            return all(self.status_of(directive_id) == status for directive_id in ids)
        lab.wait_until(there, f"all of {len(ids)} are {status}", within_s, 0.1)

    def rows_by_status(self):
        """Of directive.stats, those that are not 0."""
        return {k: n for k, n in self.call("directive.stats")["rows_by_status"].items() if n}

    def resolve(self, directive_id, action, reason="a test", **more):
        return self.call("directive.resolve", directive_id=directive_id, action=action, reason=reason, **more)

    # What is said of it all.

    def lane(self, which=0):
        return self.call("outbox.lanes")["lanes"][which]

    def space(self, which=0):
        return self.call("outbox.spaces")["spaces"][which]

    def wait_trouble(self, kind, of="lane", within_s=QUIET_S):
        """The lane or space, once the doctor finds this (None: nothing)."""
        def there():
            found = self.lane() if of == "lane" else self.space()
            return found if found["trouble"] == kind else None
        return lab.wait_until(there, f"the trouble of the {of} is {kind}", within_s, 0.05)

    def attention(self):
        """{kind: item} of status; what a test's wallet always needs is left out."""
        return {item["kind"]: item for item in self.call("status")["attention"]
                if item["kind"] not in ("no_wallet", "plaintext_seed", "no_backup")}

    def events(self, kinds="directive.*"):
        rows, after = [], 0
        while True:
            page = self.call("events", after=after, kinds=kinds, limit=1000)
            rows += page["events"]
            if page["next"] == after:
                return rows
            after = page["next"]

    def story(self, directive_id):
        """What was told of one: the words, in order."""
        return [word for word, _ in self.told(directive_id)]

    def told(self, directive_id):
        """The same with the data of each."""
        return [(e["data"]["status"] if e["kind"] == "directive.update" else e["kind"].split(".", 1)[1], e["data"])
                for e in self.events() if e["subject"] == directive_id]

    def page(self, path):
        """The status and the text of a GET."""
        connection = lab.UnixConnection(self.socket, lab.START_S)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        except (OSError, http.client.HTTPException) as gone:
            raise lab.Died(f"{path}: {gone!r}") from gone
        finally:
            connection.close()

    def samples(self, name):
        """[(labels, value)] of a metric."""
        found = []
        for line in self.page("/metrics")[1].splitlines():
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if match and match[1] == name:
                found.append((dict(re.findall(r'(\w+)="([^"]*)"', match[2] or "")), int(match[3])))
        return found

    def metric(self, name, **labels):
        """The sum of the samples that have these labels."""
        return sum(n for found, n in self.samples(name) if labels.items() <= found.items())

    def cpu_ticks(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def query(self, sql, *values):
        """Of the database as it is on the disk."""
        with evm_books.opened(self.datadir) as db:
            return db.execute(sql, values).fetchall()

    def change(self, sql, *values):
        """What no daemon does.  It must not run."""
        check(not self.alive(), "the daemon does not run while its database is changed")
        with contextlib.closing(sqlite3.connect(os.path.join(self.datadir, "wallet.db"))) as db, db:
            same(db.execute(sql, values).rowcount, 1, "rows changed by " + sql)

    def raw_of(self, directive_id):
        """The raw transactions that hold it, in the order of their signing."""
        return [evm.text(raw) for raw, in self.query(
            "SELECT a.raw FROM outbox_tx_attempt a JOIN outbox_tx_item i USING (tx_id, fill)"
            " JOIN directive_outbox d USING (outbox_seq) WHERE d.directive_id = ? ORDER BY a.signed_seq", directive_id)]

    def signed(self, directive_id):
        """The directive and the signature over it, as they are written down."""
        (account, action, nonce, payload, signature), = self.query(
            "SELECT d.account, d.action_key, d.nonce, d.payload, s.signature FROM directive_outbox d"
            " JOIN directive_signature s USING (space_id, nonce) WHERE d.directive_id = ?", directive_id)
        return directives.Directive(directive_id, evm.text(account), action, nonce, payload), signature


class World:
    """A scenario's node, contract, gates and daemons."""

    def __init__(self, build, folder, deployed=True, keep=False, node=()):
        self.build, self.folder = build, folder
        self.daemons, self.gates, self.nodes = [], [], []
        self.others = {}  # for evm_books.audit
        self.contract = None
        self.node = self.new_node("node", *node, keep=keep)
        self.chain = self.node.chain
        self.keys = {account.lower(): key for account, key in self.node.accounts().items()}
        accounts = list(self.keys)
        self.owner, self.signer, self.relayer, self.relayer2, self.stranger = accounts[:5]
        self.users = accounts[5:]
        if deployed:
            self.deploy()

    def new_node(self, name, *options, **more):
        node = real_evm.Anvil(os.path.join(self.folder, name), *options, **more)
        self.nodes.append(node)
        node.start()
        node.ready()
        return node

    def deploy(self, signer=None):
        self.contract = directives.Verifier.deploy(self.chain, signer or self.signer)
        return self.contract

    def gate(self, node=None):
        """One more, in front of the node."""
        gate = evm_gate.Gate((node or self.node).port)
        self.gates.append(gate)
        return gate

    def daemon(self, name="walletd", urls=None, chain=None, space=None, options=(), keys=None, start=True, **names):
        """chain, space: words of the configuration.  keys: {name of a key file: account}."""
        chain, space = dict(chain or {}), dict(space or {})
        walletd = Walletd(self, os.path.join(self.folder, name), urls or [self.node.url], chain, space, options, **names)
        files = {"signer": self.signer, "relayer": self.relayer, "relayer2": self.relayer2, "owner": self.owner}
        for file, account in {**files, **(keys or {})}.items():
            walletd.key_file(file, account, self.keys[account])
        self.daemons.append(walletd)
        if start:
            walletd.start()
        return walletd

    def gated(self, **more):
        """A daemon behind a gate: (daemon, gate)."""
        gate = self.gate()
        return self.daemon(urls=[gate.url], **more), gate

    # What others do.

    def ahead(self, sender, data, to=None):
        """A transaction to the contract that the next block has before whatever waits in the pool; its hash."""
        price = 500 * GWEI
        return self.chain.send(sender, to or self.contract.address, data, gas=1_000_000, maxFeePerGas=price,
                               maxPriorityFeePerGas=price)

    def mined(self, tx_hash):
        """Its receipt, in a block of its own where the node does not make one by itself."""
        if not self.chain.ask("anvil_getAutomine"):
            self.chain.mine()
        return self.chain.mined(tx_hash)

    def before_all(self, sender, data, to=None):
        """The same, mined; its receipt."""
        return self.mined(self.ahead(sender, data, to))

    def use_nonce(self, nonce, directive_id="somebody else's", mine=True):
        """The signer's owner signs something else with it, elsewhere, and delivers that; the transaction's hash."""
        other = directives.Directive(directive_id, self.users[-1], WITHDRAW, nonce, evm.raw(withdrawal(self.users[-1])))
        tx_hash = self.ahead(self.stranger, directives.execute_calldata(other, self.contract.sign(self.signer, other)))
        if mine:
            same(self.mined(tx_hash)["status"], "0x1", "what the signer's owner did")
        self.others.setdefault("strangers", set()).add((self.signer, nonce))
        return tx_hash

    def refused(self, sender, directive, signature, name):
        """Delivering this reverts with this error of the contract."""
        data = directives.execute_calldata(directive, signature)
        try:
            self.chain.ask("eth_call", {"from": sender, "to": self.contract.address, "data": evm.text(data)}, "latest")
        except evm.EvmError as no:
            same((no.data or "")[:10], evm.text(abi.selector(name)), f"what {directive.id} was refused with")
        else:
            raise AssertionError(f"{directive.id} would be executed")

    # The count.

    def count(self):
        """Everything at rest; then what the daemons say is what the chain says."""
        for gate in self.gates:
            same(gate.unused(), [], "rules of a gate that nobody came by")
        for walletd in {w.datadir: w for w in self.daemons}.values():
            self.count_one(walletd)

    def count_one(self, walletd):
        if not walletd.alive():
            walletd.start()
        evm_books.wait_at_rest(walletd.datadir, QUIET_S)
        sent = [s for gate in self.gates for s in gate.sent()]
        books = evm_books.audit(walletd.datadir, *([self.contract] if self.contract else []), sent=sent, **self.others)
        events = walletd.events("*")
        same([e["seq"] for e in events], list(range(1, len(events) + 1)), "the numbers of the events")
        alone = [w.datadir for w in self.daemons].count(walletd.datadir) == 1
        if alone and walletd.starts == 1:
            count_transitions(walletd, books)

    def end(self):
        for walletd in self.daemons:
            if walletd.alive():
                walletd.kill()
        for gate in self.gates:
            gate.stop()
        for node in self.nodes:
            node.stop()


# Which events tell of which changes of the delivery status, by what it changes to.
TELLS = {"accepted": "pending", "submitted": "submitted", "included": "included", "confirmed": "confirmed",
         "reverted": "reverted", "dead_lettered": "dead_lettered", "manual_reconciliation": "manual_reconciliation"}


def count_transitions(walletd, books):
    """Invariant 12: the counters are the committed changes.  For a daemon that was started once."""
    told = {}
    for row in books.rows:
        for word in books.words(row):
            told[word] = told.get(word, 0) + 1
    counted = "walletd_directive_outbox_transitions_total"
    same(walletd.metric(counted, **{"from": "none", "to": "pending"}), told.get("accepted", 0), "accepted, as counted")
    for word, status in TELLS.items():
        if word == "accepted":
            continue
        n = walletd.metric(counted, to=status)
        if status == "submitted":  # a reorganisation leads there, too, and tells of itself with another word
            n -= walletd.metric(counted, **{"from": "included", "to": status})
            n -= walletd.metric(counted, **{"from": "confirmed", "to": status})
        if status == "dead_lettered":  # what is abandoned goes there, too
            n -= told.get("abandoned", 0)
        same(n, told.get(word, 0), f"{counted} to {status}, as counted, against the events")
    for status in ("dead_lettered", "manual_reconciliation"):
        name = "walletd_directive_outbox_" + {"dead_lettered": "dead_lettered_total"}.get(
            status, "manual_reconciliation_required_total")
        same(walletd.metric(name), told.get(status, 0), f"{name}, against the events")
    same(walletd.metric("walletd_directive_outbox_attempts_total", result="submitted"), told.get("submitted", 0),
         "attempts submitted, against the events")
    tally = {}
    for row in books.tally:
        tally[row.status] = tally.get(row.status, 0) + row.n
    names = ("pending", "claimed", "submitted", "included", "confirmed", "failed_retryable", "reverted",
             "dead_lettered", "manual_reconciliation")
    for status, name in enumerate(names):
        same(walletd.metric("walletd_directive_outbox_rows", delivery_status=name), tally.get(status, 0),
             f"walletd_directive_outbox_rows of {name}")
