"""A wallet from its words alone, on an empty database: by every way that a backend offers, the same coins."""
import collections

import acts
import bitcoin
import lab
import onchain_books
from onchain.world import BITCOIND, ESPLORA, PASSPHRASE, check, same, scenario, until

LONG_AGO = {"chain": "long", "backends": ("bitcoind",)}


def address_at(world, wallet, chain, index):
    """The address that the node derives for this key of the wallet's, whoever knows it already."""
    key = bitcoin.test_network_key(onchain_books.Books(wallet.datadir).wallet[0].xpub)
    descriptor = world.node.rpc.ask("getdescriptorinfo", f"tr({key}/{chain}/*)")["descriptor"]
    return world.node.rpc.ask("deriveaddresses", descriptor, [index, index])[0]


def history(world, name="alice", **more):
    """A wallet that has received, paid, and has change, confirmed and not."""
    world.shared_seed = True
    alice = world.wallet(name, **more)
    world.fund(alice, 10_000, 20_000, 30_000)
    world.fund(alice, 500_000)
    world.finish(alice, alice.pay(world.payee(), 505_000))
    world.node.mine(100)
    world.fund(alice, 40_000)
    alice.follow()
    return alice


def the_same(alice, bob):
    bob.follow()
    until(lambda: bob.outpoints() == alice.outpoints(), "the same coins", lambda: (bob.outpoints(), alice.outpoints()))
    same(bob.sums(), alice.sums(), "the same sums")


def same_history(alice, bob):
    def told(wallet):
        found = collections.Counter()
        for movement in wallet.call("history", rail="onchain", limit=1000)["movements"]:
            found[movement["txid"]] += movement["amount"]
        return dict(found)
    same(sum(told(bob).values()), sum(told(alice).values()), "what the history comes to")
    # An index tells of one address after the other: what spends may be told of before what it spends, and then the two are
    # one movement.
    if alice.world.backend == BITCOIND:
        same(told(bob), told(alice), "the same history, by transaction")


@scenario("restore: block by block, or address by address")
def block_scan(world):
    alice = history(world)
    bob = world.wallet("bob", mnemonic=alice.mnemonic)
    the_same(alice, bob)
    same_history(alice, bob)
    check(bob.address() not in {c["address"] for c in bob.coins()}, "an address that nobody had")


@scenario("restore: over a long chain, by block filters", **LONG_AGO)
def by_filters(world):
    alice = history(world)
    bob, gate = world.gated("bob", mnemonic=alice.mnemonic, birthday_s=0)
    the_same(alice, bob)
    same_history(alice, bob)
    check(gate.count("scanblocks") > 0, "the node's filters were asked")
    check(gate.count("getblock") < world.node.height() - 1_000, "far from all blocks were read")
    same(bob.chain()["history_from_height"], 0, "from where on the history is known")


@scenario("restore: over a long chain, by unspent outputs where the node has no filters", node=("-blockfilterindex=0",),
          **LONG_AGO)
def by_coins(world):
    alice = history(world)
    bob, gate = world.gated("bob", mnemonic=alice.mnemonic, birthday_s=0)
    the_same(alice, bob)
    check(gate.count("scantxoutset") > 0, "the node's coins were asked for")
    check(bob.chain()["history_from_height"] > 1_000, "it says from where on its history is whole")
    # What was found can be spent.
    world.finish(bob, bob.order(address=world.payee(), all=True, feerate="2"))
    alice.wait_sums(0, 0, 0)


@scenario("restore: over a long chain, from the birthday on, block by block", **LONG_AGO)
def from_birthday(world):
    alice = history(world)
    bob, gate = world.gated("bob", mnemonic=alice.mnemonic, birthday_s=onchain_books.now_s() - 3600)
    the_same(alice, bob)
    same_history(alice, bob)
    same((gate.count("scanblocks"), gate.count("scantxoutset")), (0, 0), "searches by the node")
    check(0 < bob.chain()["history_from_height"] <= world.node.height() - 230, "where it began")


@scenario("restore: with Esplora, over a long chain, as bitcoind showed it", chain="long", backends=("esplora",))
def by_scripts(world):
    alice = history(world)
    bob = world.wallet("bob", mnemonic=alice.mnemonic)
    the_same(alice, bob)
    same_history(alice, bob)
    carol = world.wallet("carol", words=["--bitcoind_url=" + world.node.url, "--bitcoind_cookie=" + world.node.cookie],
                         mnemonic=alice.mnemonic)
    the_same(alice, carol)


@scenario("restore: the words of a wallet that kept its change among its addresses, as bark does")
def single_chain(world):
    alice = history(world, options=["--onchain_single_chain=1"])
    bob = world.wallet("bob", mnemonic=alice.mnemonic)
    the_same(alice, bob)
    check(all(not c["change"] or c["address"] for c in bob.coins()), "each coin has an address")


@scenario("restore: 49 unused addresses are a gap that is seen across, and 51 are none")
def gap(world):
    world.shared_seed = True
    alice = world.wallet("alice")
    # 49 unused ones before the first, 49 again before the second, and 51 before the third.
    paid = {address_at(world, alice, 0, index): 1_000 + index for index in (49, 99, 151)}
    world.unseen = {list(paid)[2]}
    bob = world.wallet("bob", mnemonic=alice.mnemonic)
    bob.follow()
    alice.stop()
    world.wallets.remove(alice)
    if world.backend == ESPLORA:
        bob.stop()  # which asks for what it has given out itself; who restores asks for the rest
        world.wallets.remove(bob)
    world.node.pay_all(list(paid.items()))
    world.node.mine()
    carol = world.wallet("carol", mnemonic=alice.mnemonic)
    for wallet in world.wallets:
        wallet.follow()
        wallet.wait_sums(1_049 + 1_099, 0, 0)
    same({c["address"] for c in carol.coins()}, set(list(paid)[:2]), "what is within the gap")
    same(carol.call("address.list", limit=1000)["addresses"][-1]["index"], 99, "the last one that is known")

@scenario("restore: locked meanwhile, which is no hindrance; and what it does is shown")
def locked_and_shown(world):
    alice = history(world)
    bob, gate = world.gated("bob", create=False)
    held = acts.Hold()
    gate.at({BITCOIND: "getblock", ESPLORA: "GET /scripthash/:hash"}[world.backend], held, nth=20)
    bob.restore(alice.mnemonic, passphrase=PASSPHRASE)
    bob.call("wallet.lock")
    check(held.arrived.wait(60), "the search is on its way")
    shown = bob.chain()
    same((shown["synced"], shown["node_height"]), (False, world.node.height()), "what is shown")
    check(shown["doing"] in ("connecting blocks", "looking at scripts"), f"what it says it does: {shown['doing']}")
    task = next(t for t in bob.call("status")["tasks"] if t["name"] == "tip")
    if world.backend == BITCOIND:
        check(task["backlog"] > 0, "the blocks that are left")
    held.let_go()
    the_same(alice, bob)
    same(bob.call("wallet.info")["state"], "locked", "the wallet")
    bob.call("wallet.unlock", passphrase=PASSPHRASE)


@scenario("restore: the words of a wallet that was never used")
def empty(world):
    world.shared_seed = True
    alice = world.wallet("alice")
    bob = world.wallet("bob", mnemonic=alice.mnemonic)
    bob.follow()
    same((bob.sums(), bob.coins(), bob.call("history", rail="onchain")["movements"]), ((0, 0, 0), [], []), "what is there")
    same(bob.address(), alice.address(), "its first address")


@scenario("restore: words that are none are refused, and nothing is kept")
def no_words(world):
    bob = world.wallet("bob", create=False)
    for words in ("abandon", "abandon " * 12, "abandon " * 11 + "zzzzz"):
        try:
            bob.restore(words)
        except lab.RpcError as no:
            same((no.kind, no.data["field"]), ("bad_mnemonic", "mnemonic"), f"the refusal of {words!r}")
        else:
            check(False, f"{words!r} were taken")
    same(bob.call("status")["wallet"]["state"], "none", "the wallet")
