"""What cdk-mintd does in its own way: Lightning that ends as the invoice says, payments that take a while, answers that it
remembers, and keysets of both versions, which it changes when it is started again."""

import invoice
import lab
import restore
from bench import check, same, scenario
from kills import kill_at, revive
from payments import MELT, QUOTE, paid
from real_cdk import steered
from turns import is_open, keysets, looked

SWAP, MINT = "/v1/swap", "/v1/mint/bolt11"
# How the payment ends by the invoice's words; None: not, as long as this mint runs.
ENDS = (
    (("PAID", "PAID"), "done"),
    (("PENDING", "PAID"), "done"),
    (("PAID", "PAID", True), "done"),
    (("FAILED", "FAILED"), "failed"),
    (("UNPAID", "UNPAID"), "failed"),
    (("FAILED", "FAILED", True), "failed"),
    (("UNKNOWN", "UNKNOWN"), "failed"),
    (("UNKNOWN", "UNKNOWN", True), "failed"),
    (("PENDING", "PENDING"), None),
    (("PENDING", "UNKNOWN"), None),
    (("FAILED", "FAILED", False, True), None),
)


def begun(wallet, amount, *how):
    return wallet.action("cashu_melt", wait="none", invoice=invoice.make(amount, says=steered(*how)))


@scenario("cdk: a payment ends as Lightning has it: paid, refused, or not as long as anybody can tell", mints="cdk")
def as_told(world):
    alice = world.wallet("alice")
    amount = 40
    for how, end in ENDS:
        alice.issue(200)
        before = alice.total()
        started = begun(alice, amount, *how)
        if end is None:
            lab.wait_until(lambda s=started: alice.get(s)["state"] == "payment_pending", f"{how}: it is under way", 90)
            held = alice.bucket("locked")
            is_open(alice, started, held)
            continue
        done = alice.get(started, wait="done")
        same(done["status"], end, f"{how}: the payment ({done['error']})")
        if end == "done":
            paid(world, alice, before, done, amount)
        else:
            same((done["error"]["kind"], done["funds_moved"], alice.total()), ("payment_failed", "no", before), f"{how}")
    # Whoever knows no more than the mint keeps what is at stake, over restarts of both.
    held = alice.bucket("locked")
    alice.restart()
    world.mint.turn()
    for a in alice.active():
        same(alice.get(a)["state"], "payment_pending", "after both were started again")
    same(alice.bucket("locked"), held, "what is held")
    world.outside["sat"] = alice.total()
    alice.kill()
    world.wallets.remove(alice)


@scenario("cdk: SIGKILL in the middle of a payment that takes seconds, at each of its moments", mints="slow")
def killed_while_paying(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    for n, (when, path) in enumerate(((world.proxy.after, QUOTE), (world.proxy.before, MELT), (world.proxy.after, MELT))):
        before, text = alice.total(), invoice.make(60 + n)
        kill_at(world, alice, when, path)
        revive(world, alice, lambda n=n, t=text: alice.action("cashu_melt", key=f"bill-{n}", invoice=t))
        paid(world, alice, before, alice.call("action.get", idempotency_key=f"bill-{n}", wait="done"), 60 + n)
    before = alice.total()
    started = alice.action("cashu_melt", wait="none", invoice=invoice.make(77))
    lab.wait_until(lambda: alice.get(started)["state"] == "payment_pending", "the mint says that it is paying")
    alice.kill()
    alice.start()
    same(alice.get(started)["state"], "payment_pending", "where it goes on")
    alice.settle()
    paid(world, alice, before, alice.get(started), 77)
    check(alice.get(started)["result"]["change"] > 0, "its change has come")


def recovered(wallet):
    return [e["data"]["by"] for e in wallet.all_of_events() if e["kind"] == "ecash.recovered"]


@scenario("cdk: a lost answer is had from the mint's cache, for as long as it remembers, and then from what it signed", mints="cdk")
def remembered(world):
    alice, bob = world.pair()
    alice.issue(10)  # and so it knows which signature of a quote this mint takes
    for path in (MINT, SWAP):
        world.proxy.lose_reply(path)
    alice.action("cashu_issue", wait="none", mint=alice.mint_url, amount=500)
    alice.settle()
    bob.action("cashu_receive", wait="none", token=alice.token(100))
    bob.settle()
    same((bob.total() > 0, recovered(alice) + recovered(bob)), (True, ["replay", "replay"]), "how both were found")
    # Its memory is as short as its time: what it has signed it knows for ever.
    token = alice.token(64)
    world.proxy.lose_reply(SWAP)
    started = bob.action("cashu_receive", wait="none", token=token)
    lab.wait_until(lambda: not world.proxy.unused(), "the swap passes by")
    bob.kill()
    world.mint.turn()
    bob.start()
    bob.settle()
    same((bob.get(started)["status"], recovered(bob)[-1]), ("done", "restore"), "after the mint was started again")


@scenario("cdk: keysets change with their version and fee; old notes move on, and words bring back those of both", mints="cdk")
def versions(world):
    alice, bob = world.pair()
    alice.issue(600)
    bob.issue(300)
    was = world.mint.settings.get("v2", "true")
    sent = alice.send(128)
    old = keysets(alice)
    world.mint.turn(v2="false" if was == "true" else "true")
    for wallet in (alice, bob):
        wallet.call("mint.add", url=wallet.mint_url)
    bob.issue(200)
    same({k[:2] for k in keysets(bob)}, {"00", "01"}, "versions of the keysets")
    alice.restart()
    lab.wait_until(lambda: looked(alice), "the wallet has looked at what it has")
    alice.settle()
    same(keysets(alice) & old, set(), "notes of the retired keyset")
    bob.receive_well(sent["result"]["token"])
    has, ys = restore.leave(world, bob)
    heir = restore.heir_of(world, bob)
    report = restore.restore(heir, world)
    same((report["restored"]["sat"], sorted(p["y"] for p in heir.proofs())), (has, ys), "what the words brought back")
    same({k["id"][:2] for k in report["keysets"] if k["signatures"]}, {"00", "01"}, "where it was found")
    heir.send(has)  # notes of both versions are good
    world.mint.turn(v2=was)
