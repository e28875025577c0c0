"""SIGKILL in the middle: at the very moment when a request passes by, and at moments that chance chooses.

Afterwards the daemon is started again, everything comes to its end, and the mint's books say whether anything was lost or
made twice (World.count)."""
import random
import signal
import threading
import time

import lab
from bench import check, same, scenario
from proxy import LOST

SWAP, MINT, QUOTE, CHECK, RESTORE = "/v1/swap", "/v1/mint/bolt11", "/v1/mint/quote/bolt11", "/v1/checkstate", "/v1/restore"
ROUNDS = 10


def kill_at(world, wallet, when, path):
    """The daemon dies when this request passes; before: the mint never sees it.  after: it has acted, and the reply is
    on its way."""
    def kill():
        wallet.kill()
        return LOST
    world.proxy.at(when, path, kill)


def killed(wallet, call):
    """The call during which the daemon must die."""
    try:
        answer = call()
    except lab.Died:
        pass
    else:
        check(False, f"the daemon was to be killed during this call, and answered {answer}")
    same(wallet.ended(10), -signal.SIGKILL, "how the daemon ended")
    wallet.start()


def revive(world, wallet, call):
    killed(wallet, call)
    wallet.settle()
    same(world.proxy.unused(), [], "hooks that nobody came by")


@scenario("SIGKILL in the middle of a receive: the swap is on its way, and has not arrived")
def receive_before(world):
    alice, bob = world.pair()
    alice.issue(100)
    token = alice.token(36)
    kill_at(world, bob, world.proxy.before, SWAP)
    revive(world, bob, lambda: bob.receive(token))
    same(bob.total(), 36 - world.fee(2), "balance right after the restart")
    same(bob.receive_well(token)["result"]["amount"], 36 - world.fee(2), "the same receive, asked for again")


@scenario("SIGKILL in the middle of a receive: the mint has swapped, and the reply is on its way")
def receive_after(world):
    alice, bob = world.pair()
    alice.issue(100)
    token = alice.token(36)
    kill_at(world, bob, world.proxy.after, SWAP)
    revive(world, bob, lambda: bob.receive(token))
    same(bob.total(), 36 - world.fee(2), "balance right after the restart")
    bodies = [b for b in world.proxy.bodies(SWAP)]
    check(len(bodies) >= 2 and bodies[-1] == bodies[-2], "the same bytes before and after the death")


@scenario("SIGKILL again and again: during the swap, the check of the notes, and the restoring")
def receive_over_and_over(world):
    alice, bob = world.pair()
    alice.issue(100)
    token = alice.token(36)
    for path in (SWAP, SWAP) if world.mint.remembers else (SWAP, SWAP, CHECK, RESTORE):
        kill_at(world, bob, world.proxy.after, path)
    try:
        bob.receive(token)
    except lab.Died:
        pass
    deadline = time.monotonic() + 40
    while world.proxy.unused() and time.monotonic() < deadline:
        if not bob.alive():
            bob.start()
        try:
            for a in bob.active():
                bob.wake(id=a["id"])
        except (lab.Died, lab.RpcError):
            pass
        time.sleep(0.05)

    def settled():
        # The last of the kills may come only now: its hook is used before it is done.
        try:
            if not bob.alive():
                bob.start()
            bob.settle()
        except lab.Died:
            return False
        return True
    lab.wait_until(settled, "it comes to an end")
    same(bob.total(), 36 - world.fee(2), "balance")


@scenario("SIGKILL while a send swaps: before and after the mint has acted")
def send_killed(world):
    alice, bob = world.pair()
    alice.issue(1000)
    for n, when in enumerate((world.proxy.before, world.proxy.after)):
        kill_at(world, alice, when, SWAP)
        revive(world, alice, lambda n=n: alice.action("cashu_send", wait="park", key=f"order-{n}", amount=333 + n))
        sent = alice.call("action.get", idempotency_key=f"order-{n}", wait="park")
        same(sent["state"], "token_created", "the send after the restart")
        bob.receive_well(sent["result"]["token"])
        again = alice.action("cashu_send", wait="park", key=f"order-{n}", amount=333 + n)
        same((again["id"], again["replayed"]), (sent["id"], True), "the same order asked for again")


@scenario("SIGKILL while a token is taken back: before and after the mint has acted")
def reclaim_killed(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    lost = 0
    for when in (world.proxy.before, world.proxy.after):
        sent = alice.send(300)
        before = alice.total()
        kill_at(world, alice, when, SWAP)

        def cancel(sent=sent):
            alice.call("action.cancel", id=sent["id"])
            return alice.get(sent, wait="done")

        revive(world, alice, cancel)
        back = alice.get(sent)
        same(back["status"], "cancelled", "the send")
        lost += before - alice.total()
        check(before - alice.total() == back["result"]["amount"] - back["result"]["reclaimed"], "the fee, and no more")
    check(lost >= 0, "nothing was made")


@scenario("SIGKILL while ecash is issued: at the quote, before and after the mint has signed")
def issue_killed(world):
    alice = world.wallet("alice")
    for n, (when, path) in enumerate([(world.proxy.before, QUOTE), (world.proxy.after, QUOTE),
                                      (world.proxy.before, MINT), (world.proxy.after, MINT)]):
        kill_at(world, alice, when, path)
        revive(world, alice, lambda n=n: alice.action("cashu_issue", key=f"invoice-{n}", mint=alice.mint_url, amount=100 + n))
        done = alice.call("action.get", idempotency_key=f"invoice-{n}", wait="done")
        same((done["status"], done["result"]["amount"]), ("done", 100 + n), "the issue after the restart")
    same(alice.total(), 406, "balance")


@scenario("SIGKILL while notes are consolidated: before and after the mint has acted")
def swap_killed(world):
    alice = world.wallet("alice")
    for _ in range(4):
        alice.issue(15)
    for when in (world.proxy.before, world.proxy.after):
        total, notes = alice.total(), len([p for p in alice.proofs() if p["state"] == "spendable"])
        kill_at(world, alice, when, SWAP)
        revive(world, alice, lambda: alice.action("cashu_swap", mint=alice.mint_url))
        same(alice.total(), total - world.fee(notes), "balance")


@scenario("SIGKILL at random moments, sender and receiver, round after round")
def random_kills(world):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    alice, bob = world.pair()
    alice.issue(1000)
    try:
        for n in range(ROUNDS):
            one_round(world, alice, bob, chance, n)
    except AssertionError as why:
        raise AssertionError(f"seed {seed}: {why}") from why


def one_round(world, alice, bob, chance, n):
    victims = chance.choice(([alice], [bob], [alice, bob]))
    timers = [threading.Timer(chance.uniform(0.0, 0.12), v.kill) for v in victims]
    for t in timers:
        t.start()
    try:
        sent = alice.action("cashu_send", wait="park", key=f"round-{n}", amount=50 + n)
        if sent["result"] and "token" in sent["result"]:
            bob.action("cashu_receive", token=sent["result"]["token"])
    except lab.Died:
        pass
    for t in timers:
        t.join()
    for w in victims:
        w.start()
    alice.settle()
    bob.settle()
    # Whatever was lost on the way is asked for again, under the same key.
    sent = alice.action("cashu_send", wait="park", key=f"round-{n}", amount=50 + n)
    sent = alice.get(sent)
    if sent["state"] == "token_created":
        same(bob.receive(sent["result"]["token"])["status"], "done", "the receive in the end")
    world.count()


@scenario("the power goes: both daemons are killed with many actions in flight")
def killed_in_bulk(world):
    alice, bob = world.pair()
    for n in range(8):
        alice.issue(200 + n)
    tokens = [alice.token(20 + n) for n in range(8)]
    for n, token in enumerate(tokens):
        bob.action("cashu_receive", wait="none", token=token)
        alice.action("cashu_issue", wait="none", mint=alice.mint_url, amount=10 + n)
        if n < 4:
            alice.action("cashu_send", wait="none", amount=90 + n)
    time.sleep(0.03)
    alice.kill()
    bob.kill()
    alice.start()
    bob.start()
    alice.settle()
    bob.settle()
    same([a["status"] for a in bob.all_of("action.list", "actions", kind="cashu_receive")], ["done"] * 8, "receives")
