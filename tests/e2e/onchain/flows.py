"""What a user does with the on-chain wallet on good days."""
import queue

import acts
import lab
from onchain.world import BITCOIND, CONFIRMATIONS, ESPLORA, PASSPHRASE, WAIT_S, check, same, scenario, until

RAW_TX = {BITCOIND: "getrawtransaction", ESPLORA: "GET /tx/:txid/raw"}


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


@scenario("receive: several outputs of one transaction, one address paid twice, and a coinbase that must mature")
def receive_many(world):
    alice = world.wallet("alice")
    first, second = alice.address(), alice.address()
    world.node.pay_all([(first, 1_000), (second, 2_000)])
    world.node.pay(first, 4_000)
    alice.wait_sums(0, 0, 7_000)
    world.node.mine()
    alice.wait_sums(7_000, 0, 0)
    world.node.mine(1, address=alice.address())
    alice.follow()
    mined = alice.coins("immature")[0]
    check(mined["coinbase"], "the coinbase says that it is one")
    alice.wait_sums(7_000, 0, mined["amount_sat"])
    world.node.mine(98)
    alice.follow()
    alice.wait_sums(7_000, 0, mined["amount_sat"])
    # The next block may spend what has 100 confirmations then.
    world.node.mine()
    alice.wait_sums(7_000 + mined["amount_sat"], 0, 0)
    world.finish(alice, alice.order(address=world.payee(), all=True, feerate="2"))


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


@scenario("send: one key is one payment, however often it is asked for")
def send_once(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    payee = world.payee()
    first = alice.order(address=payee, amount_sat=30_000, key="payout-1")
    same(alice.order(address=payee, amount_sat=30_000, key="payout-1")["id"], first["id"], "the second time")
    alice.again()
    same(alice.order(address=payee, amount_sat=30_000, key="payout-1")["id"], first["id"], "after a restart")
    world.finish(alice, first)
    same(alice.order(address=payee, amount_sat=30_000, key="payout-1")["id"], first["id"], "when it is done")
    same(len(alice.call("action.list", status="all")["actions"]), 1, "payments")


@scenario("send: to every kind of address, many at once")
def send_many(world):
    alice = world.wallet("alice")
    world.fund(alice, 500_000)
    kinds = ("bech32m", "bech32", "p2sh-segwit", "legacy")
    outputs = [{"address": world.payee(kind), "amount_sat": 10_000 + n} for n, kind in enumerate(kinds * 5)]
    sent = alice.order(outputs=outputs, feerate="5")
    paid = sum(o["amount_sat"] for o in outputs)
    same(sent["result"]["amount_sat"], paid, "what leaves")
    world.finish(alice, sent)
    same(sum(alice.sums()), 500_000 - paid - sent["result"]["fee_sat"], "what remains")


@scenario("send: everything, and the receiver pays the fee")
def send_all(world):
    alice, bob = world.wallet("alice"), world.wallet("bob")
    world.fund(alice, 10_000, 20_000, 30_000)
    sent = alice.order(address=bob.address(), all=True, feerate="4")
    fee = sent["result"]["fee_sat"]
    same((sent["result"]["amount_sat"], alice.sums()), (60_000 - fee, (0, 0, 0)), "what leaves")
    world.finish(alice, sent)
    bob.wait_sums(60_000 - fee, 0, 0)
    back = bob.order(address=alice.address(), amount_sat=20_000, subtract_fee=True, feerate="2")
    world.finish(bob, back)
    alice.wait_sums(20_000 - back["result"]["fee_sat"], 0, 0)
    same(sum(bob.sums()), 60_000 - fee - 20_000, "what he has left")


@scenario("send: change of our own is spent before a block has it, and a chain of three is mined as one")
def chain_of_three(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    sent = [alice.pay(world.payee(), 10_000) for _ in range(3)]
    same(world.node.pooled(), {s["result"]["txid"] for s in sent}, "the mempool")
    same(alice.sums(), (100_000 - 30_000 - sum(s["result"]["fee_sat"] for s in sent), 0, 0), "what remains")
    for action in sent[:1]:
        world.finish(alice, action)
    for action in sent[1:]:
        alice.wait(action, "done")


@scenario("bump: a higher fee takes the first one's place; twice, and the last one is mined")
def bump(world):
    alice, bob = world.wallet("alice"), world.wallet("bob")
    world.fund(alice, 100_000)
    sent = alice.order(address=bob.address(), amount_sat=40_000, feerate="2")
    plan = alice.call("onchain.bump", id=sent["id"], feerate="10", dry_run=True)["plan"]
    second = alice.bump(sent, feerate="10")
    same((second["state"], second["result"]["fee_sat"]), ("in_mempool", plan["fee_sat"]), "as the dry run said")
    third = alice.call("onchain.bump", txid=second["result"]["txid"], feerate="20", wait="park")
    same(third["result"]["replaced"], [sent["result"]["txid"], second["result"]["txid"]], "what it replaces")
    same(world.node.pooled(), {third["result"]["txid"]}, "the mempool")
    bob.wait_sums(0, 0, 40_000)
    done = world.finish(alice, sent)
    same((done["result"]["txid"], done["result"]["fee_sat"]), (third["result"]["txid"], third["result"]["fee_sat"]),
         "what was mined")
    for replaced in third["result"]["replaced"]:
        alice.wait_tx(replaced, "out")
    bob.wait_sums(40_000, 0, 0)
    same(sum(alice.sums()), 60_000 - third["result"]["fee_sat"], "what remains")


@scenario("bump: the payee hears of the first one, and before he has its bytes the second has taken its place")
def bump_unseen(world):
    alice = world.wallet("alice")
    bob, gate = world.gated("bob")
    world.fund(alice, 100_000)
    orders, bumped = queue.Queue(), queue.Queue()
    gate.at(RAW_TX[world.backend], acts.before(lambda: bumped.put(alice.bump(orders.get(timeout=WAIT_S), feerate="10"))))
    sent = alice.order(address=bob.address(), amount_sat=40_000, feerate="2")
    orders.put(sent)
    second = bumped.get(timeout=WAIT_S)
    bob.wait_sums(0, 0, 40_000)
    coin, = bob.coins("pending")
    same(coin["outpoint"].split(":")[0], second["result"]["txid"], "what he is to get")
    world.finish(alice, sent)
    bob.wait_sums(40_000, 0, 0)


@scenario("bump: the miner prefers the first one all the same, which is as good")
def bump_in_vain(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    sent = alice.order(address=world.payee(), amount_sat=40_000, feerate="2")
    raw = world.node.raw(sent["result"]["txid"])
    alice.bump(sent, feerate="10")
    world.node.mine(txs=[raw])
    done = world.finish(alice, sent)
    same((done["result"]["txid"], done["result"]["fee_sat"]), (sent["result"]["txid"], sent["result"]["fee_sat"]),
         "what was mined")
    same(sum(alice.sums()), 60_000 - sent["result"]["fee_sat"], "what remains")


@scenario("bump: coins are added where the change does not suffice")
def bump_with_more(world):
    alice = world.wallet("alice")
    world.fund(alice, 50_000, 50_000)
    sent = alice.order(address=world.payee(), amount_sat=49_000, feerate="2")
    before = world.node.rpc.ask("getrawtransaction", sent["result"]["txid"], True)
    more = alice.bump(sent, feerate="40")
    after = world.node.rpc.ask("getrawtransaction", more["result"]["txid"], True)
    same((len(before["vin"]), len(after["vin"])), (1, 2), "inputs before and after")
    world.finish(alice, sent)


@scenario("cancel: the coins come back by a replacement, and the payee has nothing", slow=True)
def cancel(world):
    alice, bob = world.wallet("alice"), world.wallet("bob")
    world.fund(alice, 100_000)
    sent = alice.order(address=bob.address(), amount_sat=40_000, feerate="2")
    bob.wait_sums(0, 0, 40_000)
    alice.cancel(sent)
    until(lambda: sent["result"]["txid"] not in world.node.pooled(), "the replacement is in the mempool")
    world.finish(alice, sent, status="cancelled")
    found = alice.get(sent)
    same(found["funds_moved"], "yes", "whether funds moved: the fee")
    same(sum(alice.sums()), 100_000 - found["result"]["fee_sat"], "what remains")
    bob.wait_sums(0, 0, 0)


@scenario("cancel: the payment is mined first, and is done")
def cancel_too_late(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    sent = alice.order(address=world.payee(), amount_sat=40_000, feerate="2")
    raw = world.node.raw(sent["result"]["txid"])
    alice.cancel(sent)
    until(lambda: sent["result"]["txid"] not in world.node.pooled(), "the replacement is in the mempool")
    world.node.mine(txs=[raw])
    done = world.finish(alice, sent)
    same(done["result"]["txid"], sent["result"]["txid"], "what was mined")


@scenario("a foreign bump of an incoming payment: the coin of the first goes, that of the second comes", slow=True)
def foreign_bump(world):
    alice = world.wallet("alice")
    address = alice.address()
    txid = world.node.pay(address, 50_000)
    alice.wait_sums(0, 0, 50_000)
    other = world.node.send(world.node.conflict(txid, address))
    row = alice.wait_tx(other, "pending")
    alice.wait_tx(txid, "out")
    amount = sum(o["amount_sat"] for o in row["outputs"] if o["ours"])
    alice.wait_sums(0, 0, amount)
    world.node.mine()
    alice.wait_sums(amount, 0, 0)


@scenario("an incoming payment is taken back before a block has it: nothing was ever spendable", slow=True)
def taken_back(world):
    alice = world.wallet("alice")
    txid = world.node.pay(alice.address(), 50_000)
    alice.wait_sums(0, 0, 50_000)
    world.node.mine(txs=[world.node.conflict(txid)])
    alice.wait_sums(0, 0, 0)
    same(alice.tx(txid)["place"], "out", "where it is")
    world.node.mine(CONFIRMATIONS)


@scenario("fees: a fallback where no node has an estimate, and the tiers where one has")
def fees(world):
    alice = world.wallet("alice", options=["--onchain_fallback_feerate=3"])
    world.fund(alice, 200_000)
    told = alice.call("fee.estimate")
    same((told["fallback"], told["fast"]["feerate"], told["slow"]["feerate"]), (True, "3", "3"), "on regtest")
    sent = alice.order(address=world.payee(), amount_sat=10_000, target="slow")
    entry = world.node.rpc.ask("getmempoolentry", sent["result"]["txid"])
    same(int(entry["fees"]["base"] * 10 ** 8), 3 * entry["vsize"], "what a payment by target costs")
    world.finish(alice, sent)


@scenario("a locked wallet follows the chain, gives out addresses, and pays nothing")
def locked(world):
    alice = world.wallet("alice", passphrase=PASSPHRASE)
    world.fund(alice, 100_000)
    alice.call("wallet.lock")
    txid = world.node.pay(alice.address(), 20_000)
    alice.wait_sums(100_000, 0, 20_000)
    world.node.mine()
    alice.wait_sums(120_000, 0, 0)
    same(alice.tx(txid)["place"], "confirmed", "what came meanwhile")
    try:
        alice.order(address=world.payee(), amount_sat=10_000)
    except lab.RpcError as no:
        same(no.kind, "wallet_locked", "the refusal")
    else:
        check(False, "a locked wallet has paid")
    alice.call("wallet.unlock", passphrase=PASSPHRASE)
    world.finish(alice, alice.pay(world.payee(), 10_000))
