"""How much may be at a mint: no more is taken, by whichever way, and what is there can be spent."""
from bad_input import Unchanged, not_started
from bench import same, scenario


def limit(most, held, set_by, unit="sat"):
    return {"unit": unit, "max": most, "held": held, "set_by": set_by}


@scenario("limits: no token and no invoice is taken that would pass what may be at a mint", mints="fee")
def limits(world):
    world.needs("usd")
    url = world.proxy.url
    alice = world.wallet("alice", options=["--cashu_mint_limit=200 sat", f"--cashu_mint_limit=100 sat {url}/"])
    bob = world.wallet("bob")
    bob.issue(1000)
    alice.issue(64)
    token = bob.token(37)
    same(alice.call("mint.list")["mints"][0]["limits"], [limit(100, 64, "cashu_mint_limit")], "the limit of the mint")
    same(bob.call("mint.list")["mints"][0]["limits"], [], "no limit")
    with Unchanged(alice):
        not_started(alice, "mint_limit", "cashu_issue", "amount", {"mint": url, "amount": 37}, says="limit of 100")
        not_started(alice, "mint_limit", "cashu_receive", "token", {"token": token}, hint=["mint.set", "unit=sat max=101"])
    sent = alice.send(64)
    with Unchanged(alice):
        # It may come back as long as nobody has claimed it.
        not_started(alice, "mint_limit", "cashu_receive", "token", {"token": token})
    bob.receive_well(sent["result"]["token"])
    alice.look_at_tokens()
    alice.receive_well(token)
    alice.issue(30)
    same(alice.issue(64, unit="usd")["status"], "done", "another unit, which has no limit")


@scenario("limits: set while the daemon runs, for both of two and over a restart; a mint that is not trusted any more", mints="fee")
def set_at_work(world):
    world.needs("usd")
    url = world.proxy.url
    one, two = world.shared("alice", "--cashu_mint_limit=50 sat", "--cashu_trust=any")
    bob = world.wallet("bob")
    bob.issue(1000)
    not_started(one, "mint_limit", "cashu_issue", "amount", {"mint": url, "amount": 64}, hint=["max=64"])
    same(one.call("mint.set", url=url, max=100)["limits"], [limit(100, 0, "mint.set")], "the new limit")
    two.issue(64)
    with Unchanged(two):
        not_started(two, "mint_limit", "cashu_receive", "token", {"token": bob.token(37)}, says="limit of 100")
    one.call("mint.set", url=url, max=0, unit="usd")
    two.kill()
    one.restart()
    same(one.call("mint.list")["mints"][0]["limits"], [limit(100, 64, "mint.set"), limit(0, 0, "mint.set", "usd")],
         "limits after a restart")
    not_started(one, "mint_limit", "cashu_issue", "amount", {"mint": url, "amount": 1, "unit": "usd"})
    one.call("mint.set", url=url, limit="default")
    not_started(one, "mint_limit", "cashu_issue", "amount", {"mint": url, "amount": 1}, says="limit of 50")
    one.call("mint.set", url=url, limit="none", trusted=False)
    token = bob.token(37)
    with Unchanged(one):
        # "any" is for mints that nobody has said anything of.
        not_started(one, "unknown_mint", "cashu_receive", "token", {"token": token}, says="not trusted")
        not_started(one, "unknown_mint", "cashu_issue", "mint", {"mint": url, "amount": 1}, hint=["mint.set"])
    bob.receive_well(one.token(32))
    one.receive_well(token, trust=True)
    same([m["trusted"] for m in one.call("mint.list")["mints"]], [True], "it is trusted again")
