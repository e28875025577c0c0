"""What pays for exits: many small coins, too small ones, the exit's own anchor, and one payment for what several exits share."""
from ark_world import DELTA, STRANGER, refused, same, scenario
from exits.ledger import conserved
from exits.moves import RATE, claim, fund, look, start, take, until, until_sent, wait_until

DUST = 330


def surcharge(d, rate=RATE):
    """What the node wants beside, for a package of one board exit."""
    plain = {"5": 1382, "2": 553}[rate]
    return d.call("exit.plan", feerate=rate)["now"]["exit_fee_sat"] - plain


def fund_at_once(w, d, amounts):
    w.node.pay_all([(d.call("address.new", rail="onchain")["address"], amount) for amount in amounts])
    w.node.mine()
    w.caught_up(d)


def inputs(w, txid):
    return w.node.rpc.ask("getrawtransaction", txid, True)["vin"]


def child_of(d, v, n=1):
    return look(d, v, transactions=True)["transactions"][n - 1]["child"]


@scenario
def fifteen_small_coins(w):
    """9.5: no more fit; sixteen that would be enough are refused as too many, until there is one that is."""
    a, b = w.board(w.keys[0], 50_000), w.board(w.keys[1], 40_000)
    d = w.daemon()
    take(w, d, a)
    fund_at_once(w, d, [-(-(5407 + surcharge(d) + DUST) // 15)] * 15)
    start(d, a)
    until_sent(w, d, a, 1)
    same(len(inputs(w, child_of(d, a)["txid"])), 1 + 15, "what the child spends")
    same(w.node.rpc.ask("getmempoolentry", child_of(d, a)["txid"])["vsize"], 958, "its size")
    w.node.mine()
    until(d, a, "awaiting-delta")
    conserved(w, d, a)
    take(w, d, b)
    left = d.call("balance")["balances"]["onchain"]["sat"]["spendable"]
    fund_at_once(w, d, [-(-(5694 + surcharge(d) + DUST - left) // 15)] * 15)
    start(d, b)
    e = wait_until(lambda: (lambda e: e if e["waiting_for"] == "funds" else None)(look(d, b)), "it to miss a coin")
    same(e["last_error"]["type"], "child-too-large", "what is wrong")
    fund(w, d, 5_000)
    until_sent(w, d, b, 1)
    same(len(inputs(w, child_of(d, b)["txid"])), 1 + 1, "what the child spends then")
    w.node.mine()
    until(d, b, "awaiting-delta")
    conserved(w, d, a, b)


@scenario
def change_that_would_be_dust(w):
    """9.6: a second coin is drawn in; without one it says what a single one would have to be."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    fee = 553 + surcharge(d, "2")
    fund(w, d, fee + 100)
    start(d, v, feerate="2")
    e = wait_until(lambda: (lambda e: e if e["waiting_for"] == "funds" else None)(look(d, v)), "it to miss money")
    same((e["last_error"]["needed"], e["last_error"]["available"]), (fee + DUST, fee + 100), "how much")
    fund(w, d, fee + 100)
    until_sent(w, d, v, 1)
    same(len(inputs(w, child_of(d, v)["txid"])), 1 + 2, "what the child spends")
    w.node.mine()
    until(d, v, "awaiting-delta")
    conserved(w, d, v)


@scenario
def an_anchor_that_pays_for_itself(w):
    """9.27: no coin of the wallet's is needed."""
    v = w.make({"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 10_000}})[0]
    same(v["amount_sat"], 40_000, "the VTXO")
    d = w.daemon()
    take(w, d, v)
    start(d, v)
    until_sent(w, d, v, 1)
    child = child_of(d, v)
    same(len(inputs(w, child["txid"])), 1, "what the child spends")
    same(child["fee_sat"] - 1090 in (0, 240), True, f"the fee, {child['fee_sat']}")
    w.node.mine()
    until(d, v, "awaiting-delta")
    w.node.mine(DELTA)
    until(d, v, "claimable")
    claim(w, d, v)
    w.node.mine()
    until(d, v, "claimed")
    conserved(w, d, v)


@scenario
def an_anchor_that_pays_a_part(w):
    """9.27: too little for a child alone."""
    v = w.make({"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 500}})[0]
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 20_000)
    start(d, v)
    until_sent(w, d, v, 1)
    same(len(inputs(w, child_of(d, v)["txid"])), 1 + 1, "what the child spends")
    w.node.mine()
    until(d, v, "awaiting-delta")
    conserved(w, d, v)


@scenario
def ten_of_one_tree(w):
    """What they share is paid for once, by whichever comes first; all are claimed at once."""
    leaves = [{"user": w.keys[n % 2], "amount_sat": 20_000 + n} for n in range(10)]
    vtxos = w.make({"round": {"preimage": "44" * 32, "leaves": leaves + [{"user": STRANGER, "amount_sat": 9_000}] * 7}})[:10]
    d = w.daemon()
    take(w, d, *vtxos)
    fund_at_once(w, d, [15_000] * 10)
    same(len(d.call("exit.start", all=True, feerate=RATE)["started"]), 10, "how many begin")
    for n in range(1, max(v["depth"] for v in vtxos) + 1):
        for v in vtxos:
            if v["depth"] >= n:
                until_sent(w, d, v, n)
        w.node.mine()
    for v in vtxos:
        until(d, v, "awaiting-delta")
    txs = {tx["txid"]: tx["child"]["txid"] for v in vtxos for tx in look(d, v, transactions=True)["transactions"]}
    same(len(set(txs.values())), len(txs), "who pays: one for each transaction")
    same(len(txs) < sum(v["depth"] for v in vtxos), True, "that some are shared")
    w.node.mine(DELTA)
    for v in vtxos:
        until(d, v, "claimable")
    done = d.call("exit.claim", feerate=RATE)
    same(done["amount_sat"] + done["fee_sat"], sum(v["amount_sat"] for v in vtxos), "one claim of all")
    wait_until(lambda: done["txid"] in w.node.pooled(), "the claim to be sent")
    w.node.mine()
    for v in vtxos:
        until(d, v, "claimed")
    conserved(w, d, *vtxos)


@scenario
def change_of_a_child_waits_for_its_block(w):
    """9.33: nothing spends it before, neither a payment nor another child."""
    a, b = w.board(w.keys[0], 50_000), w.board(w.keys[1], 40_000)
    d = w.daemon()
    take(w, d, a, b)
    fund(w, d, 100_000)
    start(d, a)
    until_sent(w, d, a, 1)
    start(d, b)
    wait_until(lambda: look(d, b)["waiting_for"] == "funds", "the other to miss a coin")
    refused(lambda: d.call("action.start", kind="onchain_send", wait="park",
                           params={"address": w.node.address(), "amount_sat": 10_000, "feerate": "3"}),
            "insufficient_funds", "a payment")
    w.node.mine()
    until_sent(w, d, b, 1)
    w.node.mine()
    until(d, b, "awaiting-delta")
    conserved(w, d, a, b)
