"""Two daemons over one database, both given work and both driving all of it: each effect happens once, and when one dies the
other finishes."""
import lab
from bench import check, outputs_are_fresh, same, scenario

SWAP, MINT = "/v1/swap", "/v1/mint/bolt11"
SENDS = 8


def once_each(world, path):
    """No output was ever in two different requests."""
    check(outputs_are_fresh(world.proxy.bodies(path)), "an output in two different requests")


@scenario("two daemons: both send, issue and receive; no note goes into two tokens")
def both_at_work(world):
    one, two = world.shared("alice")
    bob = world.wallet("bob")
    for n in range(SENDS):
        (one, two)[n % 2].issue(100 + n)
    started = [(one, two)[n % 2].action("cashu_send", wait="none", amount=20 + n) for n in range(SENDS)]
    back = bob.issue(500) and [bob.token(10 + n) for n in range(4)]
    taken = [(one, two)[n % 2].action("cashu_receive", wait="none", token=t) for n, t in enumerate(back)]
    one.settle()
    sent = [two.get(s) for s in started]
    same({s["state"] for s in sent}, {"token_created"}, "where the sends stand, as the other daemon sees it")
    same({one.get(t)["status"] for t in taken}, {"done"}, "the receives")
    ys = [p["y"] for p in one.proofs()]
    same(len(ys), len(set(ys)), "notes, each once")
    for s in sent:
        bob.receive_well(s["result"]["token"])
    once_each(world, SWAP)
    once_each(world, MINT)
    for daemon in (one, two):
        same([a for a in daemon.call("status")["attention"] if a["severity"] == "critical"], [], "attention")


@scenario("two daemons: the same key and the same token, given to both at once, are one action")
def same_order_twice(world):
    one, two = world.shared("alice")
    bob = world.wallet("bob")
    one.issue(1000)
    bob.issue(100)
    token = bob.token(40)
    first = one.action("cashu_send", wait="none", key="order-7", amount=300)
    again = two.action("cashu_send", wait="none", key="order-7", amount=300)
    same(again["id"], first["id"], "the send")
    took = [d.action("cashu_receive", wait="none", token=token)["id"] for d in (one, two)]
    same(took[0], took[1], "the receive")
    one.settle()
    same(len([a for a in two.active() if a["kind"] == "cashu_send"]), 1, "sends")
    same(len(one.all_of("action.list", "actions", kind="cashu_receive", status="all")), 1, "receives")


@scenario("two daemons: one is killed while its requests are on their way; the other finishes them")
def one_dies(world):
    one, two = world.shared("alice")
    bob = world.wallet("bob")
    for n in range(SENDS):
        one.issue(100 + n)
    world.proxy.at(world.proxy.after, SWAP, two.kill)
    started = []
    for n in range(SENDS):
        try:
            started.append(two.action("cashu_send", wait="none", amount=20 + n))
        except lab.Died:
            break  # whether this one was begun, the other daemon knows
    lab.wait_until(lambda: not two.alive(), "it is killed")
    # What the dead one had in its hands is taken over when its time is up, or at once when somebody says so.
    for a in one.active():
        if a["status"] == "running":
            one.wake(id=a["id"])
    one.settle()
    sent = [a for a in one.all_of("action.list", "actions", kind="cashu_send", status="all")]
    check(len(sent) >= len(started) > 0, "the sends that were begun are there")
    for a in sent:
        a = one.get(a)
        same(a["state"], "token_created", "where it stands")
        bob.receive_well(a["result"]["token"])
    once_each(world, SWAP)
    two.start()
    same(two.total(), one.total(), "what both see")
