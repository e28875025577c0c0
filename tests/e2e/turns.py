"""Mints that change: payments whose end they do not know yet, keysets that they retire, requests that come to them late."""
import contextlib
import os
import sqlite3

import invoice
import lab
from bench import check, same, scenario
from payments import paid
from proxy import forged

SWAP = "/v1/swap"


def lightning(at_once, later):
    """What the mint's Lightning says of a payment, and what it says when it is asked again."""
    return "FAKEWALLET_PAY_INVOICE_STATE=" + at_once, "FAKEWALLET_PAYMENT_STATE=" + later


def is_open(wallet, action, held):
    """Asked again it is what it was: nothing is known, and nothing is free."""
    version = wallet.get(action)["version"]
    wallet.wake(id=action["id"])
    lab.wait_until(lambda: wallet.get(action)["version"] > version, "the mint is asked what became of the payment")
    now = wallet.get(action)
    same((now["state"], wallet.bucket("locked")), ("payment_pending", held), "a payment whose end is unknown")
    check(now["status"] in ("parked", "uncertain"), f"its status is {now['status']}")


def pay(wallet, amount):
    """A payment that the mint has begun."""
    begun = wallet.action("cashu_melt", wait="none", invoice=invoice.make(amount))
    lab.wait_until(lambda: wallet.get(begun)["state"] == "payment_pending", "the mint has taken the payment up")
    return begun, wallet.bucket("locked")


def not_paid(world, wallet, action):
    ended = wallet.get(action, wait="done")
    same((ended["status"], ended["error"]["kind"]), ("failed", "payment_failed"), "the payment")
    same((wallet.bucket("spendable"), wallet.bucket("locked")), (1000, 0), "every sat is back, and there is no fee")
    same(world.mint.books("SELECT state FROM melt_quotes WHERE request = ?", ended["params"]["invoice"]), [("UNPAID",)],
         "the quote, by the mint's books")


@scenario("payments that hang: failed at last, refused at once, unknown for ever, paid after two restarts of the mint",
          mints="turning")
def hanging(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    lost, held = pay(alice, 100)
    is_open(alice, lost, held)
    alice.restart()
    is_open(alice, lost, held)
    world.mint.turn(*lightning("FAILED", "FAILED"))
    alice.settle()
    not_paid(world, alice, lost)
    not_paid(world, alice, alice.action("cashu_melt", invoice=invoice.make(50)))

    world.mint.turn(*lightning("PENDING", "UNKNOWN"))
    hung, held = pay(alice, 77)
    is_open(alice, hung, held)
    again = alice.action("cashu_melt", wait="none", invoice=alice.get(hung)["params"]["invoice"])
    same(again["id"], hung["id"], "the same invoice, while nobody knows")
    world.mint.turn(*lightning("PENDING", "PENDING"), "FAKEWALLET_PAYMENT_STATE_EXCEPTION=TRUE")
    alice.restart()
    is_open(alice, hung, held)
    world.mint.turn(*lightning("PENDING", "SETTLED"))
    alice.settle()
    paid(world, alice, 1000, alice.get(hung), 77)
    check(alice.get(hung)["result"]["change"] > 0, "its change has come")


def keysets(wallet):
    return {p["keyset_id"] for p in wallet.proofs() if p["state"] == "spendable"}


def looked(wallet):
    """The task has run since the last start."""
    return next(t["runs"] for t in wallet.call("status")["tasks"] if t["name"] == "rotate") > 0


@scenario("a keyset is retired: ecash moves to the new one where that is worth it, and so does a token that comes back",
          mints="turning")
def retired(world):
    alice, bob = world.pair()
    alice.issue(1000)
    bob.issue(60)
    sent = alice.send(256)
    same(alice.total(), 1000, "balance")
    old = keysets(alice)
    world.mint.rotate()
    for wallet in (alice, bob):
        wallet.call("mint.add", url=wallet.mint_url)  # reads the mint's keysets
        wallet.restart()
    lab.wait_until(lambda: looked(alice) and looked(bob), "the wallets have looked at what they have")
    alice.settle()
    same(keysets(alice) & old, set(), "notes of the retired keyset")
    swaps = alice.all_of("action.list", "actions", kind="cashu_swap")
    same([(s["status"], s["params"]["retiring"], s["result"]["amount"]) for s in swaps], [("done", True, 744)], "the exchange")
    same(alice.total(), 1000 - swaps[0]["result"]["fee"], "balance")
    same((keysets(bob), bob.total()), (old, 60), "a purse whose exchange would cost more than a hundredth")
    alice.cancel(sent)
    same(keysets(alice) & old, set(), "the token came back as notes of the new keyset")
    bob.send(60, mint=bob.mint_url)  # and old notes are as good as new ones


def hour_later(wallet):
    """As if the time to ask again for what was given up had come."""
    wallet.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(wallet.datadir, "wallet.db"))) as db, db:
        db.execute("UPDATE output SET sweep_at_ms = 1 WHERE sweep_at_ms IS NOT NULL")
    wallet.start()


@scenario("a request that was given up reaches the mint after all: what it signs then is found again", mints="fee")
def swept(world):
    alice, bob = world.pair()
    alice.issue(100)
    token = alice.token(36)
    kept = []

    def keep():
        kept.append(world.proxy.bodies(SWAP)[-1])
        return forged(400, {"code": 12002, "detail": "keyset is inactive"})

    def late():
        status, _, _ = world.proxy.forward("POST", SWAP, {"Content-Type": "application/json"}, kept[0])
        same(status, 200, "the copy that was late")

    world.proxy.at(world.proxy.before, SWAP, keep)
    world.proxy.at(world.proxy.before, SWAP, late)
    ended = bob.receive(token)
    same((ended["status"], ended["error"]["kind"], bob.total()), ("failed", "token_spent", 0), "the receive")
    hour_later(bob)
    lab.wait_until(bob.total, "the mint is asked again")
    bob.settle()
    same(bob.total(), 36 - world.fee(2), "what the mint had signed")
    same([e["data"]["amount"] for e in bob.all_of_events() if e["kind"] == "ecash.swept"], [36 - world.fee(2)], "events")
    bob.send(30)
    world.outside["sat"] = 0  # the fee of that swap is in nobody's history: the receive had failed
