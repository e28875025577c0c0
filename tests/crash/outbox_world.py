"""Where directives are killed over: a real EVM node, a gate in front of it, and for each scene a contract and a wallet of
its own.

A scene is prepared in peace.  Its act() may be cut off anywhere and is then played again from the top, as a careful
caller's script would be: it names the same directives again, and what it has already done to the chain (which is never
killed) it does not do twice.
"""
import contextlib
import os
import re
import shutil

import directives
import evm
import evm_books
import evm_gate
import lab
import real_evm

SETTLE_S = 240
ACCOUNTS = ["0x" + digits * 20 for digits in ("a1", "a2", "a3")]
ACTIONS = ("system_withdraw_token", "rsm_hl_limit_order", "system_credit_option")
CHAIN = {"confirmations": 1, "lanes": 1, "batch": 1, "block_time_ms": 500, "log_range": 1000000}
SPACE = {"signer": "hd:0", "payload": "any"}
check = evm_books.check


def words(values):
    """Of the configuration."""
    return " ".join([str(real_evm.CHAIN_ID), *(f"{k}={v}" for k, v in values.items() if v is not None)])


class Worker:
    """A node with a gate in front of it; its rows run one after the other."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.count = 0
        self.open_scene = None
        self.node = real_evm.Anvil(folder)
        self.node.start()
        self.node.ready()
        self.chain = self.node.chain
        self.owner, self.stranger = list(self.node.accounts())[:2]
        self.gate = evm_gate.Gate(self.node.port)

    def scene(self, kind, *more):
        """One that is ready to be played; close() it when it has gone well."""
        self.count += 1
        self.open_scene = kind(self, os.path.join(self.folder, str(self.count)), *more)
        self.open_scene.open()
        return self.open_scene

    def end_scene(self):
        self.open_scene = None
        self.gate.reset()
        self.chain.automine(True)

    def abandon(self):
        kept = []
        if self.open_scene:
            kept.append(self.open_scene.datadir)
            for daemon in self.open_scene.daemons:
                if daemon.alive():
                    daemon.kill()
        self.close()
        return kept

    def close(self):
        self.gate.stop()
        self.node.stop()


class Scene:
    """One wallet with directives of three accounts, put to the test."""

    chain_words, space_words, options = {}, {}, ()
    count = 6          # directives
    attention = set()  # kinds of trouble that are told in the end, and should be
    points = ()        # failpoints that it passes, beside those that all pass
    others = {}        # for evm_books.audit

    def __init__(self, worker, datadir):
        self.worker, self.datadir = worker, datadir
        self.gate, self.chain = worker.gate, worker.chain
        self.contract = directives.Verifier.deploy_again(worker.chain, worker.owner)
        self.daemons = []
        self.wallet = self.daemon("rpc.sock")
        self.given = {}  # {directive_id: nonce}, of appends that were answered
        self.done = set()  # what has been done to the chain

    def daemon(self, socket_name):
        """One on the scene's database; it is not started."""
        space = {"contract": self.contract.address, **SPACE, **self.space_words}
        made = lab.Daemon(self.worker.build, self.datadir, "--allow_plaintext_seed=1", "--log_level=debug",
                          "--outbox_linger_ms=5", "--outbox_claim_lease_s=10",
                          "--evm_chain=" + words({"rpc": self.gate.url, **CHAIN, **self.chain_words}),
                          "--outbox_space=" + words(space), *self.options, socket_name=socket_name)
        self.daemons.append(made)
        return made

    # In peace.

    def open(self):
        self.wallet.start()
        self.wallet.call("wallet.create")
        known = lab.wait_until(self.accounts, "signer and relayers are known")
        self.signer, self.relayers = known
        self.contract.set_signer(self.signer, True)
        for relayer in self.relayers:
            self.chain.fund(relayer)
        self.chain.mine()  # what was set is in a block, and outlasts a reorganisation of later ones
        self.prepare()
        self.sleep()

    def accounts(self):
        spaces, lanes = self.wallet.call("outbox.spaces")["spaces"], self.wallet.call("outbox.lanes")["lanes"]
        if not all(s["signer"] for s in spaces) or not all(one["relayer"] for one in lanes):
            return None
        return spaces[0]["signer"].lower(), [one["relayer"].lower() for one in lanes]

    def prepare(self):
        pass

    def sleep(self):
        """Dead, until somebody starts it."""
        if self.wallet.alive():
            self.wallet.kill()

    # What is played.

    def ids(self):
        return [f"d-{n}" for n in range(self.count)]

    def directive(self, n):
        return {"directive_id": f"d-{n}", "account": self.account(n), "action_key": self.action(n),
                "payload": evm.text(self.payload(n))}

    def offer(self, n, daemon=None):
        """Appends the n-th, whether it was before or not."""
        self.answered(f"d-{n}", (daemon or self.wallet).call("directive.append", **self.directive(n)))

    def offer_all(self, count=None):
        """Appends all, or the first so many, in one request."""
        answers = self.wallet.call_all([("directive.append", self.directive(n)) for n in range(count or self.count)])
        for directive_id, answer in zip(self.ids(), answers):
            self.answered(directive_id, answer)

    def answered(self, directive_id, answer):
        """What was answered once stays true."""
        if directive_id in self.given:
            check((answer["outcome"], answer["nonce"]) == ("existing", self.given[directive_id]),
                  f"{directive_id} was accepted with nonce {self.given[directive_id]}, and now: {answer}")
        self.given[directive_id] = answer["nonce"]

    def account(self, n):
        return ACCOUNTS[n % len(ACCOUNTS)]

    def action(self, n):
        return ACTIONS[n % len(ACTIONS)]

    def payload(self, n):
        return n.to_bytes(3, "big")

    def act(self):
        for n in range(self.count):
            self.offer(n)
        self.rest()

    def once(self, what, function, *values):
        """Something that is done to the chain, however often the scene is played."""
        if what not in self.done:
            function(*values)
            self.done.add(what)

    def alive(self):
        if not self.wallet.alive():
            raise lab.Died("while it was waited for")

    def rest(self, meanwhile=None):
        """Until every directive has come to an end; meanwhile: what else goes on, several times a second."""
        def ended():
            self.alive()
            if meanwhile:
                meanwhile()
            return evm_books.at_rest(self.datadir)
        lab.wait_until(ended, "every directive comes to rest", SETTLE_S, 0.1 if meanwhile else 0.01)

    def status(self):
        """{directive_id: status} on the disk."""
        self.alive()
        return evm_books.Books(self.datadir).statuses()

    def failed(self, point):
        """Did this failpoint make something fail in the life that goes on?"""
        if point == "outbox.sign":  # not worth a line of the log
            return re.search(r'attempts_total\{result="signing_failed"\} [1-9]', self.metrics())
        return "failpoint " + point in self.wallet.log()

    def metrics(self):
        with contextlib.closing(lab.UnixConnection(self.wallet.socket, lab.START_S)) as connection:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()

    # Afterwards.

    def expected(self):
        """How each ends: {directive_id: status}."""
        return dict.fromkeys(self.ids(), evm_books.CONFIRMED)

    def start(self, **env):
        """Returns when it has read the chain once."""
        self.wallet.start(**env)
        lab.wait_until(lambda: all(lane["latest"] is not None for lane in self.wallet.call("outbox.lanes")["lanes"]),
                       "the chain is read", every_s=0.005)

    def close(self):
        """After one more crash everything is at rest and adds up."""
        self.sleep()
        self.start()
        self.rest()
        found = {item["kind"] for item in self.wallet.call("status")["attention"] if item["severity"] == "critical"}
        check(found == self.attention, f"status wants attention for {found}")
        books = evm_books.audit(self.datadir, self.contract, sent=self.gate.sent(), **self.others)
        check(books.statuses() == self.expected(), f"they ended in {books.statuses()}, not {self.expected()}")
        self.check(books)
        code = self.wallet.stop()
        check(code == 0, f"walletd ended with {code} when it was asked to stop")
        check(not self.gate.unused(), f"nobody came by these rules: {self.gate.unused()}")
        shutil.rmtree(self.datadir)
        self.worker.end_scene()

    def check(self, books):
        """What this scene wants to see beside."""
