"""Ecash of one mint that becomes ecash of another."""
import lab
from bad_input import Unchanged, not_started
from bench import check, may_be_hurried, same, scenario

MELT, MINT = "/v1/melt/bolt11", "/v1/mint/bolt11"


def at(wallet, url):
    return sum(p["amount"] for p in wallet.proofs() if p["mint"] == url and p["state"] == "spendable")


def ready(world):
    alice = world.wallet("alice", network="mainnet")  # of which the mint's invoices are
    world.other.reset()
    alice.call("mint.add", url=world.other.url)
    alice.issue(1000)
    # The mints of these tests pay their own invoices: nobody hears of it before the transfer has paid it.
    world.other.shut = ("/v1/mint/quote/bolt11/",)
    return alice


def transfer(world, wallet, **params):
    return wallet.action("cashu_transfer", wait="none", **params, **{"from": world.proxy.url, "to": world.other.url})


def paid(world, wallet, started):
    """Until the one mint has paid; then the other tells."""
    def look():
        for a in wallet.active():
            if may_be_hurried(a) and a["kind"] != "cashu_issue":
                wallet.wake(id=a["id"])
        return wallet.get(started)["state"] == "claiming"
    lab.wait_until(look, "the payment is made")
    world.other.shut = ()


def leave(world, wallet):
    """What is at the other mint is not of the books of this one."""
    world.outside["sat"] = -at(wallet, world.other.url)
    same(world.other.unused(), [], "hooks of the other mint that nobody came by")


@scenario("transfers: a balance moves to another mint, and costs what it says")
def moves(world):
    alice = ready(world)
    started = transfer(world, alice, amount=300)
    paid(world, alice, started)
    alice.settle()
    done = alice.get(started)
    same((done["status"], done["error"]), ("done", None), "the transfer")
    result = done["result"]
    same((at(alice, world.other.url), at(alice, world.proxy.url)), (300, 700 - result["fee"]), "what is where")
    same([alice.call("action.get", id=result[i])["status"] for i in ("issue_id", "melt_id")], ["done"] * 2, "its children")
    leave(world, alice)


@scenario("transfers: replies are lost at both mints, and the wallet is killed", mints="fee")
def through_trouble(world):
    alice = ready(world)
    world.proxy.lose_reply(MELT)
    world.other.lose_reply(MINT)
    started = transfer(world, alice, amount=300)
    lab.wait_until(lambda: not world.proxy.unused(), "the payment passes by")
    alice.kill()
    alice.start()
    paid(world, alice, started)
    alice.settle()
    same(alice.get(started)["status"], "done", "the transfer")
    same(at(alice, world.other.url), 300, "what arrived")
    leave(world, alice)


@scenario("transfers: too dear, and nothing is moved", mints="fee")
def too_dear(world):
    alice = ready(world)
    started = transfer(world, alice, amount=300, max_fee=0)
    lab.wait_until(lambda: alice.get(started)["status"] == "failed", "the transfer fails")
    end = alice.get(started)
    same((end["error"]["kind"], end["funds_moved"]), ("fee_out_of_range", "no"), "how it ended")
    same((at(alice, world.proxy.url), at(alice, world.other.url)), (1000, 0), "what is where")
    # Its invoice is left, and whoever pays it pays us: here the mint itself does.
    same([a["kind"] for a in alice.active()], ["cashu_issue"], "what is still under way")
    world.other.shut = ()
    alice.settle()
    leave(world, alice)


@scenario("transfers: what cannot be moved", mints="fee")
def refused(world):
    alice = ready(world)
    here, there = world.proxy.url, world.other.url
    with Unchanged(alice):
        not_started(alice, "invalid_params", "cashu_transfer", "to", {"amount": 10, "from": here, "to": here})
        not_started(alice, "unknown_mint", "cashu_transfer", "from", {"amount": 10, "from": "https://no.example", "to": there})
        not_started(alice, "unknown_mint", "cashu_transfer", "to", {"amount": 10, "from": here, "to": "https://no.example"})
        not_started(alice, "invalid_params", "cashu_transfer", "amount", {"amount": 0, "from": here, "to": there})
    check(alice.total() == 1000, "nothing was moved")
