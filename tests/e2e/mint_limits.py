"""How much may be at a mint: no more is taken, by whichever way, and what is there can be spent."""
from bad_input import Unchanged, not_started
from bench import same, scenario


@scenario("limits: no token and no invoice is taken that would pass what may be at a mint", mints="fee")
def limits(world):
    url = world.proxy.url
    alice = world.wallet("alice", options=["--cashu_mint_limit=200 sat", f"--cashu_mint_limit=100 sat {url}/"])
    bob = world.wallet("bob")
    bob.issue(1000)
    alice.issue(64)
    token = bob.token(37)
    same(alice.call("mint.list")["mints"][0]["limits"], [{"unit": "sat", "max": 100, "held": 64}], "the limit of the mint")
    same(bob.call("mint.list")["mints"][0]["limits"], [], "no limit")
    with Unchanged(alice):
        not_started(alice, "mint_limit", "cashu_issue", "amount", {"mint": url, "amount": 37}, says="limit of 100")
        not_started(alice, "mint_limit", "cashu_receive", "token", {"token": token}, hint=["cashu_mint_limit=101 sat"])
    sent = alice.send(64)
    with Unchanged(alice):
        # It may come back as long as nobody has claimed it.
        not_started(alice, "mint_limit", "cashu_receive", "token", {"token": token})
    bob.receive_well(sent["result"]["token"])
    alice.look_at_tokens()
    alice.receive_well(token)
    alice.issue(30)
    same(alice.issue(64, unit="usd")["status"], "done", "another unit, which has no limit")
