"""What a user does with the on-chain wallet on good days."""
from onchain.world import check, same, scenario


@scenario("receive: pending while no block has it, spendable when one has")
def receive(world):
    alice = world.wallet("alice")
    address = alice.address(label="order 17")
    txid = world.node.pay(address, 100_000)
    alice.wait_sums(0, 0, 100_000)
    coin, = alice.coins()
    same((coin["amount_sat"], coin["address"], coin["label"], coin["state"], coin["change"]),
         (100_000, address, "order 17", "pending", False), "the coin")
    block, = world.node.mine()
    alice.wait_sums(100_000, 0, 0)
    row = alice.tx(txid)
    same((row["place"], row["block"], row["height"], row["own"]), ("confirmed", block, world.node.height(), False),
         "where it is")
    same(row["hex"], world.node.raw(txid), "its bytes")
    same(alice.words_of(txid), ["pending", "confirmed"], "what was told of it")
    check(alice.address() != address, "a new address each time")


@scenario("send: the plan says what is paid, to the satoshi, and the node agrees")
def send(world):
    alice, bob = world.wallet("alice"), world.wallet("bob")
    world.fund(alice, 60_000, 50_000)
    order = {"address": bob.address(), "amount_sat": 70_000, "feerate": "3"}
    plan = alice.plan(**order)
    same(alice.sums(), (110_000, 0, 0), "after a dry run")
    sent = alice.order(**order, coins=[i["outpoint"] for i in plan["inputs"]])
    same((sent["state"], sent["result"]["fee_sat"]), ("in_mempool", plan["fee_sat"]), "what it costs")
    entry = world.node.rpc.ask("getmempoolentry", sent["result"]["txid"])
    same(entry["vsize"], plan["vsize"], "its size, by the node")
    same(int(entry["fees"]["base"] * 10 ** 8), plan["fee_sat"], "its fee, by the node")
    bob.wait_sums(0, 0, 70_000)
    same(sum(alice.sums()), 110_000 - 70_000 - plan["fee_sat"], "what remains")
    done = world.finish(alice, sent)
    same(done["result"]["block"], world.node.block_of(sent["result"]["txid"]), "the block that it tells")
    bob.wait_sums(70_000, 0, 0)
