"""What the on-chain wallet does while it is killed: every way that a payment can go, and what the chain does to it."""
import json
import os
import subprocess
import time

import bitcoin_acts
import esplora
from bitcoin_gate import SEND
from lab import RpcError
from onchain_books import CONFIRMED
from onchain_world import FINAL, Scene, check

AMOUNT = 40_000


class Paid(Scene):
    """The plain way."""

    points = ("onchain.start", "onchain.sent", "onchain.end", "chain.block", "chain.seen")

    def act(self):
        self.pay("pay", AMOUNT)
        self.once("mined", self.mine_it, "pay")
        self.ended("pay")
        self.payees = {self.payee: AMOUNT}

    def mine_it(self, key):
        self.sent(key)
        self.node.mine(self.confirmations)


class Bumped(Paid):
    points = ("onchain.replace", "onchain.sent")

    def act(self):
        payment = self.pay("pay", AMOUNT)
        self.once("pooled", self.sent, "pay")
        self.wallet.call("onchain.bump", id=payment["id"], feerate="9", idempotency_key="bump")
        self.once("mined", self.mine_it, "pay")
        self.ended("pay")
        self.payees = {self.payee: AMOUNT}


class BumpRefused(Bumped):
    """The node does not take the replacement, which is taken back; or, when a try at it was cut off, is offered again for as
    long as no block has the first."""

    points = ("onchain.take_back",)

    def prepare(self):
        self.first = None
        self.gate.at(SEND, bitcoin_acts.error("insufficient fee, rejecting replacement", code=-26), times=None,
                     when=self.is_other)

    def is_other(self, call):
        self.first = self.first or call.params[0]
        return call.params[0] != self.first

    def mine_it(self, key):
        def refused():
            action = self.action(key)
            return action["error"] or action["state"] == "in_mempool"
        self.until(refused, "the replacement is refused")
        self.node.mine(self.confirmations)


class Cancelled(Paid):
    """Paid back by a replacement, which the chain takes."""

    points = ("onchain.replace", "onchain.end")

    def act(self):
        payment = self.pay("pay", AMOUNT)
        self.once("pooled", self.sent, "pay")
        self.cancel(payment["id"])
        self.once("mined", self.mine_it, "pay")
        self.ended("pay", "cancelled")
        self.payees = {self.payee: 0}

    def cancel(self, action_id):
        try:
            self.wallet.call("action.cancel", id=action_id)
        except RpcError as no:
            if no.kind != "not_cancellable":  # it is on its way already
                raise


class GivenUp(Cancelled):
    """No node has had it: then nothing needs to be paid back.  Of a try that was cut off nobody knows that, and what may
    have been sent is paid back by what the node takes."""

    points = ("onchain.give_up",)

    def prepare(self):
        self.rule = self.gate.at(SEND, bitcoin_acts.error("min relay fee not met", code=-26), times=None)

    def act(self):
        payment = self.pay("pay", AMOUNT)
        self.until(lambda: self.action("pay")["error"] or self.at_rest(), "the node has refused it")
        self.cancel(payment["id"])
        if self.action("pay")["status"] not in FINAL or "lifted" in self.done:
            self.once("lifted", self.gate.lift, self.rule)
            self.cancel(payment["id"])  # what the node refused to pay back was taken back
            self.once("mined", self.mine_it, "pay")
            self.payees = {self.payee: AMOUNT if self.has_ended("pay") == "done" else 0}
            return
        self.ended("pay", "cancelled")
        self.payees = {self.payee: 0}

    def has_ended(self, key):
        """How: cancelled, or done when the payment was quicker than its cancel."""
        self.state(key)  # no state is waited for but the end
        return self.action(key)["status"]


class SignedElsewhere(Paid):
    points = ("onchain.import",)

    def act(self):
        draft = self.wallet.call("psbt.create", address=self.payee, amount_sat=AMOUNT, feerate="2", idempotency_key="draft")
        self.action_id = draft["action_id"]
        signed = self.wallet.call("psbt.sign", psbt=draft["psbt"], idempotency_key="sign")["psbt"]
        self.wallet.call("psbt.broadcast", psbt=signed, idempotency_key="send")
        self.once("mined", self.mine_it, "draft")
        self.ended("draft")
        self.payees = {self.payee: AMOUNT}

    def action(self, key):
        return self.wallet.call("action.get", id=self.action_id)

    def wake(self, key):
        self.wallet.wake(id=self.action_id)


class Received(Scene):
    """Money comes, goes with its block, and comes again."""

    funds = ()
    points = ("chain.seen", "chain.block", "chain.reorg")

    def act(self):
        address = self.address(idempotency_key="address")
        self.once("paid", self.node.pay, address, AMOUNT)
        self.until(lambda: self.pending() == AMOUNT or "mined" in self.done, "it is seen")
        self.once("mined", self.node.mine)
        if "gone" not in self.done:
            self.balance(AMOUNT)
        self.once("gone", self.node.reorg, 1)
        if "back" not in self.done:
            self.until(lambda: self.pending() == AMOUNT, "it is pending again")
        self.once("back", self.node.mine)
        self.balance(AMOUNT)

    def pending(self):
        return self.balances()["pending"]


class Reorganised(Paid):
    """The payment's block goes, with as many on top of it as there are, and another takes it in."""

    depth = 1
    points = ("chain.reorg", "chain.block")

    def act(self):
        self.pay("pay", AMOUNT)
        self.once("mined", self.mine_some)
        if "gone" not in self.done:
            self.state("pay", "confirming")
            self.here()
        self.once("gone", self.node.reorg, self.depth)
        self.once("again", self.mine_it, "pay")
        self.ended("pay")
        self.payees = {self.payee: AMOUNT}

    def mine_some(self):
        self.sent("pay")
        self.node.mine(self.depth)


class ReorganisedDeep(Reorganised):
    depth, confirmations, long = 6, 8, True


class DoubleSpent(Paid):
    """Another wallet with the same words has spent its coins, and the chain takes that one."""

    points = ("onchain.sent",)

    def open(self):
        self.wallet.start()
        words = self.wallet.call("wallet.create")["mnemonic"]
        self.fund(self.wallet, self.funds)
        self.rival = self.spend_elsewhere(words)
        self.sleep()

    def spend_elsewhere(self, words):
        """All of it, as hex that nobody has been given."""
        other = self.daemon(self.datadir + "-other")
        other.start()
        other.call("wallet.restore", mnemonic=words, birthday_s=int(time.time()))
        self.balance(sum(self.funds), other)
        draft = other.call("psbt.create", address=self.node.address(), all=True, feerate="30")
        signed = other.call("psbt.sign", psbt=draft["psbt"])["psbt"]
        other.kill()
        return self.wallet.call("psbt.finalize", psbt=signed)["hex"]

    def act(self):
        self.pay("pay", AMOUNT)
        self.once("taken", self.take_it)
        action = self.ended("pay", "failed")
        check((action["error"]["kind"], action["funds_moved"]) == ("double_spent", "no"),
              f"ended with {action['error']}, funds moved: {action['funds_moved']}")
        self.payees = {self.payee: 0}

    def take_it(self):
        self.sent("pay")
        self.node.mine(txs=[self.rival])
        self.node.mine(self.confirmations)

    def check(self, books):
        check(books.balance() == 0, f"{books.balance()} sat are left of what was spent elsewhere")


class Restored(Scene):
    """Another wallet's words bring back what that one had."""

    funds, long = (), True
    points = ("chain.block",)

    def open(self):
        before = self.daemon(self.datadir + "-before")
        before.start()
        self.words = before.call("wallet.create")["mnemonic"]
        self.wallet, restored = before, self.wallet
        self.fund(before, (100_000, 30_000))
        self.pay("pay", AMOUNT)
        self.sent("pay")
        self.node.mine(self.confirmations)
        self.ended("pay")
        self.amount = self.balances()["spendable"]
        before.kill()
        self.wallet = restored
        self.payees = {self.payee: AMOUNT}

    def act(self):
        try:
            self.wallet.call("wallet.restore", mnemonic=self.words, birthday_s=int(time.time()))
        except RpcError as no:
            if no.kind != "wallet_exists":
                raise
        self.balance(self.amount)


class ByIndex(Paid):
    """The plain way, with an Esplora as its eyes."""

    points = ("chain.script", "onchain.sent", "onchain.end")

    def __init__(self, worker, datadir):
        self.server = esplora.Esplora(worker.node.rpc)
        super().__init__(worker, datadir)

    def eyes(self):
        return ["--esplora_url=" + self.server.url]

    def close(self):
        super().close()
        self.server.stop()


class Exited(Scene):
    """A VTXO is put on chain, with a coin that pays for it, and claimed."""

    points = ("exit.step", "exit.send", "exit.package_result")
    worth, delta, final, long = 50_000, 3, 6, True

    def prepare(self):
        first = {"server": "a1" * 32, "expiry_height": self.node.height() + 2000, "exit_delta": self.delta,
                 "board": {"user": {"words": self.words, "index": 0}, "amount_sat": self.worth, "fee_sat": 0}}
        wanted = self.maker(first)
        txid = self.node.pay(self.node.rpc.ask("decodescript", wanted["script"])["address"], wanted["amount_sat"])
        outputs = self.node.rpc.ask("getrawtransaction", txid, True)["vout"]
        at = next(o["n"] for o in outputs if o["scriptPubKey"]["hex"] == wanted["script"])
        self.node.mine()
        self.here()
        vtxo, = self.maker({**first, "utxo": f"{txid}:{at}"})["vtxos"]
        said, = self.wallet.call("vtxo.import", vtxos=vtxo["hex"])["vtxos"]
        check(said["status"] == "imported", f"the VTXO is not taken: {said}")
        self.vtxo = vtxo["id"]

    def maker(self, plan):
        program = os.path.join(self.worker.build, "walletd-vtxo-maker")
        done = subprocess.run([program], input=json.dumps(plan).encode(), stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def act(self):
        self.wallet.call("exit.start", vtxo_ids=[self.vtxo], feerate="5", idempotency_key="start")
        self.once("on chain", self.mine_it)
        self.once("waited", self.wait_for_it)
        self.exit_is("claimable", "claim-in-progress", "claimed")
        self.claim = self.wallet.call("exit.claim", feerate="5", idempotency_key="claim")
        self.once("claimed", self.mine_claim)
        self.exit_is("claimed")
        self.until(lambda: not self.wallet.call("exit.list")["exits"], "the exit is over")

    def exit_is(self, *states):
        self.until(lambda: self.wallet.call("exit.get", vtxo_id=self.vtxo)["state"] in states, f"the exit is {states}")

    def mine_it(self):
        self.until(lambda: len(self.node.pooled()) == 2, "the package is in the mempool")
        self.node.mine()

    def wait_for_it(self):
        self.exit_is("awaiting-delta")
        self.node.mine(self.delta)

    def mine_claim(self):
        self.until(lambda: self.claim["txid"] in self.node.pooled(), "the claim is in the mempool")
        self.node.mine(self.final)

    def check(self, books):
        """The VTXO is what was claimed, and its fee; the coin is less what the child cost, once."""
        check(self.claim["amount_sat"] + self.claim["fee_sat"] == self.worth, f"a claim of something else: {self.claim}")
        child = sum(tx.fee for tx in books.txs if tx.fee is not None and tx.place == CONFIRMED and tx.txid != self.claim["txid"])
        check(books.balance() == sum(self.funds) - child + self.claim["amount_sat"], f"{books.balance()} are left")
        ark = self.wallet.call("balance")["balances"].get("ark", {}).get("sat", {})
        check(not any(ark.get(bucket) for bucket in ("spendable", "locked", "exiting")), f"there is Ark money left: {ark}")


ALL = (Paid, Bumped, BumpRefused, Cancelled, GivenUp, SignedElsewhere, Received, Reorganised, ReorganisedDeep, DoubleSpent,
       Restored, ByIndex, Exited)
