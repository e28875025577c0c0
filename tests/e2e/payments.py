"""Lightning invoices paid with ecash through the real mint: on good days, with the network in the way, and killed."""
import invoice
from bench import same, scenario
from kills import kill_at, revive
from proxy import LOST

MELT, QUOTE, CHECK, RESTORE = "/v1/melt/bolt11", "/v1/melt/quote/bolt11", "/v1/checkstate", "/v1/restore"


def paid(world, wallet, before, action, amount):
    """Done, at the price that it says, and once."""
    same((action["status"], action["result"]["amount"]), ("done", amount), "the payment")
    fee = action["result"]["fee"]
    same(wallet.total(), before - amount - fee, "balance")
    same([m["kind"] for m in wallet.history()][0], "melt", "history")
    payments = world.mint.books("SELECT quote FROM melt_quotes WHERE state = 'PAID' AND request = ?",
                                action["params"]["invoice"])
    same(len(payments), 1, "how often the mint paid it")
    (taken, notes), = world.mint.books("SELECT SUM(amount), COUNT(*) FROM proofs_used WHERE melt_quote = ?", *payments[0])
    (change,), = world.mint.books("SELECT COALESCE(SUM(amount), 0) FROM promises WHERE melt_quote = ? AND c_ IS NOT NULL",
                                  *payments[0])
    same(taken - change, amount + fee, "what the payment cost, by the mint's books")
    world.lightning["sat"] = world.lightning.get("sat", 0) + fee - world.fee(notes)


@scenario("melt: the invoice is paid, and what it did not cost comes back")
def melt(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    text = invoice.make(300)
    plan = alice.plan("cashu_melt", invoice=text)
    same((plan["amount"], plan["max_fee"], alice.total()), (300, 10, 1000), "plan")
    done = alice.action("cashu_melt", invoice=text)
    paid(world, alice, 1000, done, 300)
    same(done["result"]["change"] > 0, True, "change")
    try:
        alice.action("cashu_melt", invoice=text)
    except Exception as no:  # of whatever type: its kind is what counts
        same(no.kind, "invoice_paid", "the same invoice again")
    else:
        same("taken", "refused", "the same invoice again")


@scenario("melt: the reply is lost, and so is every reply to the questions about it")
def replies_lost(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    world.proxy.lose_reply(MELT)
    started = alice.action("cashu_melt", wait="none", invoice=invoice.make(77))
    alice.settle()
    paid(world, alice, 1000, alice.get(started), 77)
    same(len(world.proxy.bodies(MELT)), 1, "asked for once: the quote told the rest")


@scenario("melt: requests lost on the way, before the mint sees them")
def requests_lost(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    for path in (QUOTE, MELT, MELT, CHECK):
        world.proxy.lose_request(path)
    started = alice.action("cashu_melt", wait="none", invoice=invoice.make(77))
    alice.settle()
    paid(world, alice, 1000, alice.get(started), 77)
    bodies = world.proxy.bodies(MELT)
    same(set(bodies), {bodies[0]}, "the same bytes each time")


@scenario("melt: the mint gets the request twice, and pays once")
def twice(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    world.proxy.deliver_twice(MELT)
    started = alice.action("cashu_melt", wait="none", invoice=invoice.make(150))
    alice.settle()
    paid(world, alice, 1000, alice.get(started), 150)


@scenario("SIGKILL in the middle of a payment: before and after the mint has acted")
def killed(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    for n, when in enumerate((world.proxy.before, world.proxy.after)):
        before, text = alice.total(), invoice.make(100 + n)
        kill_at(world, alice, when, MELT)
        revive(world, alice, lambda n=n, t=text: alice.action("cashu_melt", key=f"bill-{n}", invoice=t))
        done = alice.call("action.get", idempotency_key=f"bill-{n}", wait="done")
        paid(world, alice, before, done, 100 + n)
        again = alice.action("cashu_melt", key=f"bill-{n}", invoice=text)
        same((again["id"], again["replayed"]), (done["id"], True), "the same bill again")


@scenario("SIGKILL again and again: at the quote, at the payment, and at the question what became of it")
def killed_over_and_over(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    text = invoice.make(222)
    kill_at(world, alice, world.proxy.after, QUOTE)
    revive(world, alice, lambda: alice.action("cashu_melt", key="bill", invoice=text))
    done = alice.call("action.get", idempotency_key="bill", wait="done")
    paid(world, alice, 1000, done, 222)


@scenario("melt: cancelled while a copy of the request may still arrive, which then comes too late")
def cancelled(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    kept = []

    def keep():
        kept.append(world.proxy.bodies(MELT)[-1])
        return LOST
    world.proxy.at(world.proxy.before, MELT, keep)
    started = alice.action("cashu_melt", wait="park", invoice=invoice.make(77))
    alice.cancel(started)
    alice.settle()
    ended = alice.get(started)
    if ended["status"] == "done":  # it was sent again before the cancel came
        paid(world, alice, 1000, ended, 77)
        return
    same(ended["status"], "cancelled", "the payment")
    status, _, _ = world.proxy.forward("POST", MELT, {"Content-Type": "application/json"}, kept[0])
    same(status, 400, "the late copy")
    same(world.mint.books("SELECT COUNT(*) FROM melt_quotes WHERE state = 'PAID' AND request = ?",
                          ended["params"]["invoice"]), [(0,)], "paid")


@scenario("melt: refused, each for its own reason, and nothing is held")
def refused(world):
    alice = world.wallet("alice")
    alice.issue(100)
    for params, kind in (
            ({"invoice": "lnbcrt1nothing"}, "bad_invoice"),
            ({"invoice": invoice.make(10, made_at_s=1700000000)}, "invoice_expired"),
            ({"invoice": invoice.make(10, prefix="lnbc")}, "wrong_network"),
            ({"invoice": invoice.make(101)}, "insufficient_funds"),
            ({"invoice": invoice.make(10), "amount_sat": 11}, "invalid_params"),
            ({"invoice": invoice.make(10), "unit": "usd"}, "insufficient_funds"),
    ):
        try:
            alice.action("cashu_melt", **params)
        except Exception as no:  # of whatever type: its kind is what counts
            same(no.kind, kind, f"{params}")
        else:
            same("taken", kind, f"{params}")
    failed = alice.action("cashu_melt", invoice=invoice.make(50), max_fee=0)
    same((failed["status"], failed["error"]["kind"]), ("failed", "fee_out_of_range"), "a fee above the ceiling")
    same((alice.bucket("spendable"), alice.total()), (100, 100), "balance")
