"""Where the on-chain wallet is killed over: a real bitcoind, a gate in front of it, and for each scene a wallet of its own.

A scene is prepared in peace.  Its act() may be cut off anywhere and is then played again from the top, as a careful
caller's script would be: every call names the same idempotency keys, and what it has already done to the chain (which is
never killed) it does not do twice.
"""
import os
import random
import shutil
import time

import bitcoin
import bitcoin_gate
import lab
import onchain_books
import real_bitcoind

SETTLE_S = 150     # longer than walletd waits for a node, twice
EVERY_S = 0.03
SCENES_OF_A_NODE = 40  # then its chain is long enough
OLD_S = 12 * 3600  # so old is the chain when a scene begins: a new wallet looks for nothing in it
FINAL = ("done", "failed", "cancelled")
check = onchain_books.check


def stranger(chance=random):
    """An address that nobody has the key of: what it was paid stays there."""
    return bitcoin.segwit_address("bcrt", 0, chance.randbytes(20))


class Worker:
    """A node with a gate in front of it; its rows run one after the other."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.count = 0
        self.open_scene = None
        self.node = self.gate = None
        self.new_node()

    def new_node(self):
        if self.node:
            self.gate.stop()
            self.node.stop()
        self.node = real_bitcoind.Bitcoind(os.path.join(self.folder, f"node{self.count}"))
        self.node.start()
        self.node.ready()
        self.node.set_time(int(time.time()) - OLD_S)
        self.node.prepare(coins=SCENES_OF_A_NODE)
        self.node.set_time(0)
        self.gate = bitcoin_gate.Gate(self.node.port)

    def scene(self, kind, *more):
        """One that is ready to be played; close() it when it has gone well."""
        self.count += 1
        if self.count % SCENES_OF_A_NODE == 0:
            self.new_node()
        self.open_scene = kind(self, os.path.join(self.folder, str(self.count)), *more)
        self.open_scene.open()
        return self.open_scene

    def end_scene(self):
        self.open_scene = None
        self.gate.reset()

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
    """One wallet with money, put to the test."""

    funds = (100_000,)  # coins that it has from the start
    confirmations = 2
    points = ()         # failpoints that it passes, beside those that all pass
    long = False        # passes the same ones very often

    def __init__(self, worker, datadir):
        self.worker, self.datadir = worker, datadir
        self.node, self.gate = worker.node, worker.gate
        self.daemons = []
        self.wallet = self.daemon(datadir)
        self.done = set()  # what has been done to the chain
        self.payees = {}   # what each address must have been paid in the end
        self.payee = stranger()

    def eyes(self):
        """The options that say whom it asks."""
        return ["--bitcoind_url=" + self.gate.url, "--bitcoind_cookie=" + self.node.cookie]

    def daemon(self, datadir):
        """It is not started."""
        made = lab.Daemon(self.worker.build, datadir, "--allow_plaintext_seed=1", "--log_level=debug", "--chain_poll_s=1",
                          f"--onchain_confirmations={self.confirmations}", *self.eyes())
        self.daemons.append(made)
        return made

    # In peace.

    def open(self):
        self.wallet.start()
        self.words = self.wallet.call("wallet.create")["mnemonic"]
        self.fund(self.wallet, self.funds)
        self.prepare()
        self.sleep()

    def fund(self, wallet, amounts):
        if not amounts:
            return
        addresses = [self.address(wallet) for _ in amounts]
        self.node.pay_all(list(zip(addresses, amounts)))
        self.node.mine()
        self.balance(sum(amounts), wallet)

    def prepare(self):
        pass

    def sleep(self):
        """Dead, until somebody starts it."""
        if self.wallet.alive():
            self.wallet.kill()

    # What is played.

    def address(self, wallet=None, **key):
        return (wallet or self.wallet).call("address.new", rail="onchain", **key)["address"]

    def once(self, what, function, *values):
        """Something that is done to the chain, however often the scene is played."""
        if what not in self.done:
            function(*values)
            self.done.add(what)

    def until(self, question, what, within_s=SETTLE_S):
        """The first true answer, as long as the wallet lives."""
        def asked():
            if not self.wallet.alive():
                raise lab.Died("while it was waited for")
            return question()
        return lab.wait_until(asked, what, within_s, EVERY_S)

    def pay(self, key, amount, address=None, **params):
        """Starts a payment, or finds it."""
        params = {"address": address or self.payee, "amount_sat": amount, "feerate": "2", **params}
        return self.wallet.call("action.start", kind="onchain_send", params=params, idempotency_key=key)

    def action(self, key):
        return self.wallet.call("action.get", idempotency_key=key)

    def txid(self, key):
        """Of what is to be mined now."""
        return (self.action(key)["result"] or {}).get("txid")

    def sent(self, key):
        """Waits until the node has what is to be mined."""
        def is_there():
            action, pooled = self.action(key), self.node.pooled()
            txid = (action["result"] or {}).get("txid")
            if action["status"] in FINAL or txid in pooled:
                return txid or "nothing"
            self.wake(key)
            return None
        return self.until(is_there, f"the node has {key}")

    def wake(self, key):
        self.wallet.wake(idempotency_key=key)

    def state(self, key, *states):
        """Waits until it is in one of these states, or has come to its end."""
        def is_there():
            action = self.action(key)
            return action["status"] in FINAL or action["state"] in states
        return self.until(is_there, f"{key} is {' or '.join(states)}")

    def ended(self, key, status="done"):
        def has():
            action = self.action(key)
            return action if action["status"] in FINAL else self.wake(key)
        action = self.until(has, f"{key} ends")
        check(action["status"] == status, f"{key} ended {action['status']}, not {status}: {action['error']}")
        return action

    def balances(self, wallet=None):
        found = (wallet or self.wallet).call("balance")["balances"].get("onchain")
        return found["sat"] if found else {"spendable": 0, "locked": 0, "pending": 0}

    def balance(self, amount, wallet=None):
        """Waits until so much can be spent."""
        seen = {}

        def is_so():
            seen.update(self.balances(wallet))
            return seen["spendable"] == amount
        try:
            self.until(is_so, f"{amount} sat are spendable")
        except AssertionError as why:
            raise AssertionError(f"{why}: {seen}") from why

    def failed(self, point):
        """Did this failpoint make something fail in the life that goes on?"""
        return "failpoint " + point in self.wallet.log()

    # Afterwards.

    def here(self):
        """Waits until it knows the node's tip."""
        def is_so():
            chain = self.wallet.call("status")["chain"]
            return chain["tip"] and chain["tip"]["block"] == self.node.tip() and chain["blocks_to_scan"] == 0
        self.until(is_so, "the wallet is at the node's tip")

    def at_rest(self):
        return not self.wallet.call("action.list", status="active")["actions"]

    def close(self):
        """After one more crash everything is at rest and adds up."""
        self.sleep()
        self.wallet.start()
        self.here()
        self.until(self.at_rest, "all actions end")
        critical = [item for item in self.wallet.call("status")["attention"] if item["severity"] == "critical"]
        check(not critical, f"status wants attention: {critical}")
        self.check(onchain_books.audit(self.datadir, self.node, self.payees))
        code = self.wallet.stop()
        check(code == 0, f"walletd ended with {code} when it was asked to stop")
        check(not self.gate.unused(), f"nobody came by these rules: {self.gate.unused()}")
        for daemon in self.daemons:
            shutil.rmtree(daemon.datadir)
        self.worker.end_scene()

    def check(self, books):
        """What this scene wants to see beside."""
