"""Nodes on bad days: gone, restarted, busy, catching up, pruned, of another network, and such as lie.  What they say wrong is
told to a person and stored by nobody; what they have forgotten is given to them again."""
import os

import acts
import bitcoin_acts
import esplora_acts
import real_bitcoind
from onchain.world import BITCOIND, ESPLORA, PASSPHRASE, check, same, scenario, until

READ = {BITCOIND: "getblock", ESPLORA: "GET /scripthash/:hash/txs"}
ANY_QUESTION = {BITCOIND: "a batch", ESPLORA: "any request"}
BUSY = {BITCOIND: bitcoin_acts.busy, ESPLORA: lambda: esplora_acts.throttled(1)}


def file_with(world, name, text):
    path = os.path.join(world.folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
        f.write(text)
    return path


def trusts(wallet, world, *wanted):
    """It follows again, and the sums are these."""
    wallet.follow()
    wallet.wait_sums(*wanted)
    wallet.wait_calm()


def tip_task(wallet):
    return next(task for task in wallet.call("status")["tasks"] if task["name"] == "tip")


# Gone, and back.

@scenario("the node is restarted in the middle, with a new cookie: nothing is lost, and nobody is asked")
def restarted(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    sent = alice.pay(world.payee(), 40_000)
    world.node.stop()
    late = alice.order(address="bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", amount_sat=5_000, wait="none", feerate="2")
    until(lambda: alice.get(late)["error"], "it is told why", lambda: alice.get(late))
    # A node that ends is busy, refuses, is away, or has taken its cookie with it already.
    same((alice.get(late)["status"], alice.get(late)["error"]["kind"] in (
        "peer_unavailable", "peer_busy", "peer_rejected", "peer_refused_login")), ("uncertain", True), "a payment that no node takes")
    world.node.start()
    world.node.ready()
    alice.wake_all()
    until(lambda: alice.get(late)["state"] == "in_mempool" or alice.wake_all(), "it is sent", lambda: alice.get(late), 90)
    world.finish(alice, sent)
    alice.wait(late, "done")


@scenario("the node's mempool is emptied: what is ours is given to it again, by a locked wallet too", slow=True)
def emptied(world):
    alice = world.wallet("alice", passphrase=PASSPHRASE)
    world.fund(alice, 100_000)
    sent = alice.pay(world.payee(), 40_000)
    alice.call("wallet.lock")
    world.node.restart("-persistmempool=0")
    same(world.node.pooled(), set(), "what the node has")
    world.pools(sent["result"]["txid"], within_s=120)
    alice.call("wallet.unlock", passphrase=PASSPHRASE)
    world.finish(alice, sent)


@scenario("a payment that is signed is sent by a locked wallet: its bytes need no key")
def locked(world):
    alice, gate = world.gated("alice", passphrase=PASSPHRASE)
    world.fund(alice, 100_000)
    gate.at(world.send, acts.lose_request(), times=None)
    sent = alice.order(address=world.payee(), amount_sat=40_000, feerate="2", wait="none")
    until(lambda: gate.count(world.send), "it was tried")
    alice.call("wallet.lock")
    gate.reset()
    until(lambda: alice.get(sent)["state"] == "in_mempool" or alice.wake_all(), "it is sent", lambda: alice.get(sent), 90)
    world.pools(sent["result"]["txid"])
    world.finish(alice, sent)
    alice.call("wallet.unlock", passphrase=PASSPHRASE)


@scenario("two nodes: the second is asked while the first is away")
def failover(world):
    first, second = world.door(), world.door()
    words = world.words(first.url) + world.words(second.url)[:1]
    alice = world.wallet("alice", words=words)
    world.fund(alice, 100_000)
    before = sum(second.count().values())
    first.down()
    sent = alice.pay(world.payee(), 40_000)
    check(sum(second.count().values()) > before, "the second was asked")
    world.finish(alice, sent)
    first.up()
    trusts(alice, world, *alice.sums())


# Busy, not ready, not the right one.

@scenario("the node is too busy, and says how long: nothing changes meanwhile, and nothing is asked too often")
def busy(world):
    alice, gate = world.gated("alice")
    world.fund(alice, 100_000)
    gate.at(ANY_QUESTION[world.backend], BUSY[world.backend](), times=4)
    world.node.mine()
    alice.wait_attention("node_down")
    trusts(alice, world, 100_000, 0, 0)


@scenario("the node is starting (-28), and catches up with the chain: absent is not gone", backends=("bitcoind",))
def starting(world):
    alice, gate = world.gated("alice")
    world.fund(alice, 100_000)
    sent = alice.pay(world.payee(), 10_000)
    sums = alice.sums()
    gate.at("getblockchaininfo", bitcoin_acts.warming_up(), times=2)
    until(lambda: not gate.unused(), "it was told")
    same(alice.sums(), sums, "the sums")
    gate.reset()
    gate.at("getblockchaininfo", bitcoin_acts.syncing(), times=None)
    gate.at("getrawmempool", bitcoin_acts.result([]), times=None)
    alice.wait_attention("node_catching_up")
    same((alice.tx(sent["result"]["txid"])["place"], alice.sums()), ("pending", sums), "what is ours")
    gate.reset()
    world.finish(alice, sent)


@scenario("a node of another network is not asked, and nothing of it is stored", backends=("bitcoind",))
def other_network(world):
    signet = world.new_node("signet", network="signet")
    alice = world.wallet("alice", words=["--bitcoind_url=" + signet.url, "--bitcoind_cookie=" + signet.cookie])
    item = alice.wait_attention("node_wrong_network")
    check("signet" in item["what"] and "regtest" in item["what"], item["what"])
    same((alice.chain()["tip"], alice.peer()["state"]), (None, "wrong_network"), "what is known")
    alice.stop()
    world.wallets.remove(alice)


@scenario("the server turns out to be of another chain", backends=("esplora",))
def other_chain(world):
    alice, gate = world.gated("alice", start=False)
    gate.at("GET /block-height/:height", acts.result("00" * 31 + "07"), times=None, when=lambda c: c.params == ["0"])
    alice.start()
    alice.create()
    item = alice.wait_attention("node_wrong_network")
    check("regtest" in item["what"], item["what"])
    same(alice.chain()["tip"], None, "what is known")
    gate.reset()
    alice.again()


@scenario("a wrong login is told, tried again, and forgotten when it is mended", backends=("bitcoind",))
def wrong_login(world):
    cookie = file_with(world, "cookie", "__cookie__:" + "0" * 64)
    alice = world.wallet("alice", words=["--bitcoind_url=" + world.node.url, "--bitcoind_cookie=" + cookie])
    item = alice.wait_attention("node_login")
    check("refuses" in item["what"] and "bitcoind_cookie" in item["next"], str(item))
    check("0" * 64 not in alice.log(), "the log has no password")
    same(alice.peer()["state"], "no_login", "the node's state")
    with open(world.node.cookie, encoding="ascii") as right:
        file_with(world, "cookie", right.read())
    alice.wait_calm()
    world.fund(alice, 10_000)


@scenario("a user and a password of rpcauth, from a file of their own", backends=("bitcoind",),
          node=("-rpcauth=" + real_bitcoind.rpcauth("alice", "secret"),))
def auth_file(world):
    path = file_with(world, "login", "alice:secret\n")
    alice = world.wallet("alice", words=["--bitcoind_url=" + world.node.url, "--bitcoind_auth_file=" + path])
    world.fund(alice, 10_000)


@scenario("a pruned node will do for a new wallet", chain="long", backends=("bitcoind",),
          node=(*real_bitcoind.PRUNED, "-blockfilterindex=0"))
def pruned(world):
    world.node.prune(world.node.height() - real_bitcoind.PRUNED_KEEPS)
    world.node.mine()
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    world.finish(alice, alice.pay(world.payee(), 40_000))
    same(alice.peer()["pruned"], True, "what is told of the node")


@scenario("a pruned node that has few blocks left finds the coins of an old wallet's in its set of outputs", chain="long",
          backends=("bitcoind",), node=(*real_bitcoind.PRUNED, "-blockfilterindex=0"))
def pruned_restore(world):
    world.shared_seed = True
    alice = world.wallet("alice")
    world.fund(alice, 70_000)
    world.node.mine(120)
    alice.follow()
    check(world.node.prune(world.node.height() - real_bitcoind.PRUNED_KEEPS) > 1_000, "old blocks are pruned")
    bob = world.wallet("bob", mnemonic=alice.mnemonic, birthday_s=0)
    until(lambda: bob.sums() == (70_000, 0, 0), "its coins", lambda: tip_task(bob))
    until(lambda: bob.chain()["history_from_height"] > 1_000, "it says from where on its history is whole", lambda: tip_task(bob))


@scenario("a pruned node whose coin's block is gone: nothing is made up, and the reason is told", chain="long",
          backends=("bitcoind",), node=(*real_bitcoind.PRUNED, "-blockfilterindex=0"))
def pruned_too_far(world):
    alice = world.wallet("alice")
    world.fund(alice, 70_000)
    world.node.mine(500)
    alice.follow()
    check(world.node.prune(world.node.height() - real_bitcoind.PRUNED_KEEPS) > 1_400, "the coin's block is pruned")
    bob = world.wallet("bob", mnemonic=alice.mnemonic, birthday_s=0)
    until(lambda: "not available" in (tip_task(bob)["last_error"] or ""), "the reason", lambda: tip_task(bob))
    same((bob.sums(), bob.coins(), bob.chain()["tip"]), ((0, 0, 0), [], None), "what it has made of that")
    bob.stop()
    world.wallets.remove(bob)


# Lies.

@scenario("a reply that is cut off, one of 40 MB, and one that is none: refused, and asked again")
def broken_replies(world):
    alice, gate = world.gated("alice")
    world.fund(alice, 50_000)
    for act in (acts.truncate(40), acts.huge(40 << 20), acts.huge(40 << 20, declared=False), acts.html()):
        gate.reset()
        gate.at(READ[world.backend], act)
        sums = alice.sums()
        world.node.pay(alice.address(), 1_000)
        world.node.mine()
        until(lambda: not gate.unused(), "it was told")
        alice.follow()
        alice.wait_sums(sums[0] + 1_000, 0, 0)
    check(alice.chain()["synced"], "it goes on")


@scenario("a broadcast that is answered by rubbish: uncertain, and sent again, the same bytes")
def broken_broadcast(world):
    alice, gate = world.gated("alice")
    world.fund(alice, 100_000)
    for act in (acts.huge(40 << 20), acts.html(), acts.truncate(10), acts.lose_reply()):
        gate.at(world.send, act)
    sent = alice.order(address=world.payee(), amount_sat=40_000, feerate="2", wait="none")
    until(lambda: alice.get(sent)["state"] == "in_mempool" or alice.wake_all(), "it is sent", lambda: alice.get(sent), 90)
    same(len({raw for one in gate.sent() for raw in one.raws}), 1, "different bytes that were sent")
    world.finish(alice, sent)


@scenario("a lie: a block that is not the one that was asked for", backends=("bitcoind",))
def wrong_block(world):
    alice, gate = world.gated("alice")
    world.fund(alice, 50_000)
    other = world.node.rpc.ask("getblock", world.node.hash_at(5), 0)
    gate.at("getblock", acts.result(other), times=None)
    world.node.pay(alice.address(), 1_000)
    height = world.node.height()
    world.node.mine()
    until(lambda: not gate.unused() and alice.peer()["failed"] > 0, "it is seen through", alice.peer)
    same((alice.chain()["tip"]["height"], alice.sums()[0]), (height, 50_000), "what is stored of it")
    gate.reset()
    trusts(alice, world, 51_000, 0, 0)


@scenario("a lie: a transaction that is said to be in a block that is of no chain", backends=("esplora",))
def wrong_place(world):
    alice, gate = world.gated("alice")
    world.fund(alice, 50_000)
    lie = esplora_acts.in_block("ab" * 32, block_height=world.node.height(), block_time=1)
    for method in ("GET /tx/:txid/status", "GET /scripthash/:hash/txs", "GET /tx/:txid"):
        gate.at(method, lie, times=None)
    txid = world.node.pay(alice.address(), 1_000)
    until(lambda: len(gate.unused()) < 3, "it was told")
    runs = tip_task(alice)["runs"]
    until(lambda: tip_task(alice)["runs"] > runs + 2, "it looks again and again")
    same(alice.sums()[0], 50_000, "what can be spent")
    gate.reset()
    alice.wait_tx(txid, "pending")
    world.node.mine()
    trusts(alice, world, 51_000, 0, 0)


@scenario("a lie: a transaction with another amount than it has", backends=("esplora",))
def wrong_bytes(world):
    alice, gate = world.gated("alice")
    world.fund(alice, 50_000)
    gate.at("GET /tx/:txid/raw", acts.flipped(at=60), times=None)
    txid = world.node.pay(alice.address(), 1_000)
    until(lambda: not gate.unused() and alice.peer()["failed"] > 0, "it is seen through", alice.peer)
    same(alice.sums(), (50_000, 0, 0), "what is stored of it")
    gate.reset()
    alice.wait_tx(txid, "pending")
    world.node.mine()
    trusts(alice, world, 51_000, 0, 0)


@scenario("an index that stays behind: what was just sent is not there yet, and still is not sent away", backends=("esplora",))
def stale(world):
    alice, gate = world.gated("alice")
    world.fund(alice, 100_000)
    gate.freeze()
    sent = alice.order(address=world.payee(), amount_sat=40_000, feerate="2")
    alice.bump(sent, feerate="5")
    world.node.mine()
    same(alice.get(sent)["state"], "in_mempool", "what is known of it")
    same(sum(alice.sums()), 60_000 - alice.get(sent)["result"]["fee_sat"], "what remains")
    gate.thaw()
    world.finish(alice, sent)


# Others.

@scenario("a second wallet with the same words spends the same coin: one is mined, the other fails and says why", slow=True)
def double_spent(world):
    world.shared_seed = True
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    gate = world.door()
    twin = world.wallet("twin", url=gate.url, mnemonic=alice.mnemonic)
    twin.follow()
    twin.wait_sums(100_000, 0, 0)
    gate.at(world.send, acts.lose_request(), times=None)
    lost = twin.order(address=world.payee(), amount_sat=20_000, feerate="2", wait="none")
    until(lambda: gate.count(world.send), "it was tried")
    sent = alice.pay(world.payee(), 30_000)
    world.node.mine()
    gate.reset()
    twin.follow()
    world.finish(alice, sent)
    twin.wake_all()
    failed = twin.wait(lost, "failed")
    same((failed["error"]["kind"], failed["funds_moved"]), ("double_spent", "no"), "how it ended")
    check(sent["result"]["txid"] in failed["error"]["message"], failed["error"]["message"])
    check("same words" in failed["error"].get("hint", "same words"), str(failed["error"]))


@scenario("a second wallet with the same words outbids a payment before it is mined, and is outbid in turn")
def outbid(world):
    world.shared_seed = True
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    gate = world.door()
    twin = world.wallet("twin", url=gate.url, mnemonic=alice.mnemonic)
    twin.follow()
    twin.wait_sums(100_000, 0, 0)
    gate.at(world.send, acts.lose_request(), times=None)
    theirs = twin.order(address=world.payee(), amount_sat=20_000, feerate="20", wait="none")
    until(lambda: gate.count(world.send), "it was tried")
    ours = alice.order(address=world.payee(), amount_sat=30_000, feerate="2")
    gate.reset()
    until(lambda: ours["result"]["txid"] not in world.node.pooled() or twin.wake_all(), "it is outbid")
    higher = alice.bump(ours, feerate="90")
    world.pools(higher["result"]["txid"])
    same(world.finish(alice, ours)["result"]["txid"], higher["result"]["txid"], "what was mined")
    twin.follow()
    twin.wake_all()
    same(twin.wait(theirs, "failed")["error"]["kind"], "double_spent", "how the other one ended")


@scenario("fees: the tiers of a node that has estimates are what a payment by target pays", backends=("esplora",))
def estimates(world):
    alice, gate = world.gated("alice")
    gate.fees({1: 20.5, 3: 10.0, 6: 2.0})
    alice.again()
    world.fund(alice, 100_000)
    until(lambda: not alice.call("fee.estimate")["fallback"], "they are told")
    told = alice.call("fee.estimate")
    same([told[tier]["feerate"] for tier in ("fast", "regular", "slow")], ["20.5", "10", "2"], "the estimates")
    plan = alice.plan(address=world.payee(), amount_sat=10_000, target="fast")
    same(plan["feerate"], "20.5", "what a payment would cost")
