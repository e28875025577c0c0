"""Blocks that go, with our transactions in them."""
import acts
from onchain.world import CONFIRMATIONS, check, same, scenario, until


def deep(world, depth):
    """What came, and what was paid and done, is in blocks that go: all of it is taken back, and comes again in others."""
    alice, bob = world.wallet("alice"), world.wallet("bob")
    world.fund(alice, 100_000)
    came = world.node.pay(alice.address(), 30_000)
    sent = alice.order(address=bob.address(), amount_sat=40_000, feerate="3")
    txid, fee = sent["result"]["txid"], sent["result"]["fee_sat"]
    world.pools(came, txid)
    world.node.mine()
    if depth > 1:
        world.node.mine(depth - 1)
        alice.wait(sent, "done" if depth >= CONFIRMATIONS else "confirming")
    alice.follow()
    bob.wait_sums(40_000, 0, 0)
    before = alice.tx(txid)
    same((before["place"], before["confirmations"], alice.sums()), ("confirmed", depth, (90_000 - fee, 0, 0)), "before")
    world.node.reorg(depth)
    alice.follow()
    for one in (came, txid):
        check(alice.tx(one)["place"] == "pending", f"{one} is back in the mempool")
    bob.wait_sums(0, 0, 40_000)
    same("payment_reorganised" in alice.attention(), depth >= CONFIRMATIONS, "attention, while no block has it")
    # What a deep reorg has taken from the node's mempool comes back from whoever made it.  For ours (its locktime is that
    # of the old chain) it has to be found missing first.
    if came not in world.node.pooled():
        world.node.send(alice.tx(came)["hex"])
    world.pools(came, txid)
    block, = world.node.mine()
    alice.follow()
    same([(alice.tx(one)["place"], alice.tx(one)["block"]) for one in (came, txid)], [("confirmed", block)] * 2, "after")
    same((alice.sums()[0], alice.words_of(txid)[-2:]), (90_000 - fee, ["reorged", "confirmed"]), "after")
    bob.wait_sums(40_000, 0, 0)
    same(world.finish(alice, sent)["result"]["txid"], txid, "the payment")
    check("payment_reorganised" not in alice.attention(), "attention, when a block has it again")


@scenario("a reorg of 1 block with what came and what was paid in it", slow=True)
def one(world):
    deep(world, 1)


@scenario("a reorg of 6 blocks with what came and what was paid in the first of them", slow=True)
def six(world):
    deep(world, 6)


@scenario("a reorg of 30 blocks with what came and what was paid in the first of them", slow=True)
def thirty(world):
    deep(world, 30)


@scenario("a reorg takes a payment that waits for its second block, and the new chain has it at another height")
def while_confirming(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    sent = alice.pay(world.payee(), 40_000)
    world.node.mine()
    alice.wait(sent, "confirming")
    world.node.reorg(1, blocks=3)
    alice.wait(sent, "in_mempool", "broadcasting")
    world.pools(sent["result"]["txid"])
    done = world.finish(alice, sent)
    same(done["result"]["block"], world.node.block_of(sent["result"]["txid"]), "the block that it tells")


@scenario("a reorg to a chain that is shorter for a while")
def shorter(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    first = world.node.rollback(1)
    alice.wait_sums(0, 0, 100_000)
    world.node.reconsider(first)
    alice.wait_sums(100_000, 0, 0)


@scenario("a reorg swaps an incoming payment for one that pays somebody else, and swaps it back", slow=True)
def swapped(world):
    alice, bob = world.wallet("alice"), world.wallet("bob")
    txid = world.node.pay(alice.address(), 50_000, inputs=world.node.inputs()[-1:])
    other = world.node.conflict(txid)
    world.node.mine()
    alice.wait_sums(50_000, 0, 0)
    sent = alice.pay(bob.address(), 20_000)
    bob.wait_sums(0, 0, 20_000)
    # One block is too few for her to give up what she paid with it.
    first = world.node.reorg(1, txs=[other], blocks=1)
    alice.wait_sums(0, 0, 0)
    same(alice.tx(txid)["place"], "out", "what came")
    bob.wait_sums(0, 0, 0)
    # What was paid with it can't be, and says so; it can be again when the coin is back.
    until(lambda: (alice.get(sent)["error"] or {}).get("kind") == "double_spent", "it is told", lambda: alice.get(sent))
    world.node.invalidate(world.node.hash_at(world.node.height()))
    world.node.reconsider(first)
    same(alice.wait_tx(txid, "confirmed")["confirmations"], 1, "what came")
    alice.wake_all()
    world.pools(sent["result"]["txid"])
    world.finish(alice, sent)
    bob.wait_sums(20_000, 0, 0)


@scenario("what was paid with a stranger's coin fails once another is deep in the chain in its place",
          backends=("bitcoind",), slow=True)
def swapped_for_good(world):
    alice, bob = world.wallet("alice"), world.wallet("bob")
    txid = world.node.pay(alice.address(), 50_000, inputs=world.node.inputs()[-1:])
    other = world.node.conflict(txid)
    world.node.mine()
    alice.wait_sums(50_000, 0, 0)
    sent = alice.pay(bob.address(), 20_000)
    world.node.reorg(1, txs=[other])
    alice.wait_sums(0, 0, 0)
    failed = world.finish(alice, sent, "failed", "double_spent")
    same(failed["funds_moved"], "no", "funds moved")
    same((alice.tx(txid)["place"], alice.sums()), ("out", (0, 0, 0)), "what came")


@scenario("a payment that was over loses its coin to a second wallet with the same words, and gets it back", slow=True)
def lost_after_all(world):
    world.shared_seed = True
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    gate = world.door()
    twin = world.wallet("twin", url=gate.url, mnemonic=alice.mnemonic)
    twin.wait_sums(100_000, 0, 0)
    gate.at(world.send, acts.lose_request(), times=None)
    theirs = twin.order(address=world.payee(), amount_sat=20_000, feerate="2", wait="none")
    until(lambda: gate.count(world.send), "it was tried")
    theft = twin.get(theirs)["result"]["txid"]
    raw = twin.tx(theft)["hex"]
    same(twin.stop(), 0, "exit code")
    gate.reset()
    sent = alice.pay(world.payee(), 30_000)
    txid = sent["result"]["txid"]
    world.finish(alice, sent)
    first = world.node.reorg(CONFIRMATIONS, txs=[raw])
    alice.follow()
    lost = alice.wait_attention("payment_lost")
    same((lost["action_id"], lost["txid"], lost["replaced_by"], lost["at_stake"]),
         (sent["id"], txid, theft, {"amount": 30_000, "unit": "sat"}), "what has lost, and to what")
    check(theft in lost["what"] and "pay anew" in lost["next"] and lost["severity"] == "critical", str(lost))
    same((alice.tx(txid)["place"], alice.get(sent)["status"]), ("out", "done"), "the payment")
    alice.again()
    check("payment_lost" in alice.attention(), "it is told after a start, too")
    # The chain that had it wins after all.
    world.node.invalidate(world.node.hash_at(world.node.height() - CONFIRMATIONS))
    world.node.reconsider(first)
    alice.wait_tx(txid, "confirmed")
    alice.wait_calm()


@scenario("a reorg while walletd is away: it goes back to the fork when it starts", slow=True)
def while_away(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    sent = alice.pay(world.payee(), 40_000)
    world.node.mine(CONFIRMATIONS)
    alice.wait(sent, "done")
    same(alice.stop(), 0, "exit code")
    world.node.reorg(CONFIRMATIONS)
    alice.start()
    alice.follow()
    same(alice.tx(sent["result"]["txid"])["place"], "pending", "what was done")
    world.pools(sent["result"]["txid"])


@scenario("a coinbase of ours goes with its block")
def coinbase(world):
    alice = world.wallet("alice")
    alice.follow()
    world.node.mine(1, address=alice.address())
    until(lambda: alice.coins("immature"), "the coinbase comes")
    world.node.reorg(1)
    alice.wait_sums(0, 0, 0)
    same([(c["state"], c["coinbase"]) for c in alice.coins("absent")], [("absent", True)], "the coinbase")


@scenario("a chain that parts from ours far below what is kept of it is searched anew", chain="long",
          backends=("bitcoind",))
def below_all(world):
    alice = world.wallet("alice", mnemonic="abandon " * 11 + "about", birthday_s=0)
    alice.follow()
    # The oldest of the miner's coins, which no reorg here takes.
    world.node.pay(alice.address(), 100_000, inputs=world.node.inputs()[:1])
    world.node.mine()
    alice.wait_sums(100_000, 0, 0)
    world.node.reorg(150)
    alice.follow()
    world.node.mine()
    alice.wait_sums(100_000, 0, 0)
