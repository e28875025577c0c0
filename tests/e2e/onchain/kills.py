"""SIGKILL at the worst moments: when what is asked passes a gate, before the node has it and after; and at moments that
chance chooses.  Afterwards everything comes to its end with the same bytes, and World.count() counts."""
import random
import signal
import threading

import acts
import lab
from onchain.world import BITCOIND, ESPLORA, check, same, scenario, until

READ = {BITCOIND: "getblock", ESPLORA: "GET /block/:hash"}
ROUNDS = 8


def dies(wallet, gate, moment, method, call):
    """It is killed when this passes (before: the node never hears of it), and starts again."""
    gate.at(method, getattr(acts, moment)(wallet.kill))
    try:
        answer = call()
    except lab.Died:
        pass
    else:
        check(False, f"it was to be killed during this call, and answered {answer}")
    same(wallet.ended(30), -signal.SIGKILL, "how it ended")
    wallet.start()


def one_version(gate, txids):
    """Whatever was sent of these, it was the same bytes each time."""
    sent = {}
    for one in gate.sent():
        for txid, raw in zip(one.txids, one.raws):
            sent.setdefault(txid, set()).add(raw)
    for txid in txids:
        same(len(sent.get(txid, ())), 1, f"different bytes sent of {txid}")


def killed_paying(world, moment):
    alice, gate = world.gated("alice")
    world.fund(alice, 100_000)
    payee = world.payee()
    dies(alice, gate, moment, world.send, lambda: alice.order(address=payee, amount_sat=40_000, key="k"))
    again = alice.order(address=payee, amount_sat=40_000, key="k")
    txid = again["result"]["txid"]
    world.pools(txid)
    same(len(alice.call("action.list", status="all")["actions"]), 1, "payments")
    world.finish(alice, again)
    one_version(gate, [txid])


@scenario("SIGKILL in a payment: the broadcast is on its way, and the node has not got it")
def paying_before(world):
    killed_paying(world, "before")


@scenario("SIGKILL in a payment: the node has got it, and nothing is written down of that")
def paying_after(world):
    killed_paying(world, "after")


def killed_replacing(world, moment, replace, status):
    """replace(alice, sent) does not end before its transaction was sent."""
    alice, gate = world.gated("alice")
    world.fund(alice, 100_000)
    sent = alice.order(address=world.payee(), amount_sat=40_000, feerate="2")
    first = sent["result"]["txid"]
    dies(alice, gate, moment, world.send, lambda: replace(alice, sent))

    def is_sent():
        found = alice.get(sent)
        return found["state"] == "in_mempool" and found["result"]["txid"] != first
    until(is_sent, "the replacement is sent", lambda: alice.get(sent))
    txid = alice.get(sent)["result"]["txid"]
    world.pools(txid)
    world.finish(alice, sent, status=status)
    one_version(gate, [first, txid])


def bump(alice, sent):
    alice.bump(sent, feerate="9")


def cancel(alice, sent):
    alice.cancel(sent)
    alice.get(sent, wait="done")


@scenario("SIGKILL in a bump: the replacement is on its way, and the node has not got it")
def bump_before(world):
    killed_replacing(world, "before", bump, "done")


@scenario("SIGKILL in a bump: the node has replaced the first, and nothing is written down of that")
def bump_after(world):
    killed_replacing(world, "after", bump, "done")


@scenario("SIGKILL in a cancel: the way back is on its way, and the node has not got it")
def cancel_before(world):
    killed_replacing(world, "before", cancel, "cancelled")


@scenario("SIGKILL in a cancel: the node has the way back, and nothing is written down of that")
def cancel_after(world):
    killed_replacing(world, "after", cancel, "cancelled")


@scenario("SIGKILL while a block with our coins is read, and while a reorg is followed")
def reading(world):
    alice, gate = world.gated("alice")
    alice.follow()
    txid = world.node.pay(alice.address(), 70_000)
    alice.wait_sums(0, 0, 70_000)
    gate.at(READ[world.backend], acts.before(alice.kill))
    world.node.mine()
    same(alice.ended(30), -signal.SIGKILL, "how it ended")
    alice.start()
    alice.wait_sums(70_000, 0, 0)
    gate.at(READ[world.backend], acts.after(alice.kill))
    block = world.node.tip()
    world.node.reorg(1, txs=[txid])
    same(alice.ended(30), -signal.SIGKILL, "how it ended")
    alice.start()
    alice.follow()
    row = alice.wait_tx(txid, "confirmed")
    check(row["block"] != block, "it is in the other block")


@scenario("SIGKILL over and over in the search of a wallet that is restored")
def restoring(world):
    world.shared_seed = True
    alice = world.wallet("alice")
    world.fund(alice, 10_000, 20_000)
    world.fund(alice, 30_000)
    wanted = alice.outpoints()
    bob, gate = world.gated("bob", create=False)
    for nth in (3, 9, 27):
        gate.at({BITCOIND: "getblock", ESPLORA: "GET /scripthash/:hash"}[world.backend], acts.after(bob.kill), nth=nth)
        try:
            bob.restore(alice.mnemonic)
        except lab.RpcError as no:
            same(no.kind, "wallet_exists", "the second time")
        same(bob.ended(30), -signal.SIGKILL, "how it ended")
        bob.start()
    bob.follow()
    until(lambda: bob.outpoints() == wanted, "the same coins", bob.outpoints)


@scenario("SIGKILL at moments that chance chooses, while payments are made, bumped and mined")
def at_random(world):
    alice = world.wallet("alice")
    world.fund(alice, *[50_000] * ROUNDS)
    chance = random.Random(4)
    payees = [world.payee() for _ in range(ROUNDS)]
    for n, payee in enumerate(payees):
        timer = threading.Timer(chance.uniform(0, 0.06), alice.kill)
        timer.start()
        try:
            sent = alice.order(address=payee, amount_sat=10_000 + n, feerate="2", key=f"k-{n}", wait="none")
            alice.call("onchain.bump", id=sent["id"], feerate="4", idempotency_key=f"b-{n}")
        except lab.Died:
            pass
        timer.join()
        same(alice.ended(30), -signal.SIGKILL, "how it ended")
        if n % 2:
            world.node.mine()
        alice.start()
    ids = {alice.order(address=payee, amount_sat=10_000 + n, feerate="2", key=f"k-{n}", wait="none")["id"]
           for n, payee in enumerate(payees)}
    same(len(ids), ROUNDS, "payments, each asked for twice")
    same({a["id"] for a in alice.call("action.list", status="all", limit=1000)["actions"]}, ids, "all there are")
    world.come_to_rest(alice)
    same({alice.get({"id": i})["status"] for i in ids}, {"done"}, "how they ended")
