"""Exits that others have a hand in: they pay for them, outbid us, and take what the exits stand on or lead to."""
from ark_world import DELTA, ESPLORA, SERVER, STRANGER, same, scenario
from bitcoin_rpc import btc, sat
from exits.ledger import conserved
from exits.moves import attention, claim, coins, fund, look, names, spendable, start, take, until, until_sent, wait_until

ANCHOR = "51024e73"


def child_of(w, raw, fee):
    """A transaction of the miner's that pays for this one by its anchor, in hex."""
    tx = w.node.rpc.ask("decoderawtransaction", raw)
    anchor = tx["vout"][-1]
    same(anchor["scriptPubKey"]["hex"], ANCHOR, "its last output")
    coin = w.node.wallet.ask("listunspent", 1)[-1]
    inputs = [{"txid": tx["txid"], "vout": anchor["n"], "sequence": 0xfffffffd},
              {"txid": coin["txid"], "vout": coin["vout"], "sequence": 0xfffffffd}]
    plain = w.node.rpc.ask("createrawtransaction", inputs,
                           [{w.node.address(): str(btc(sat(coin["amount"]) + sat(anchor["value"]) - fee))}])
    spends = {"txid": tx["txid"], "vout": anchor["n"], "scriptPubKey": ANCHOR, "amount": anchor["value"]}
    # BIP 431 wants it to be of version 3, and the node makes others.
    done = w.node.wallet.ask("signrawtransactionwithwallet", "03" + plain[2:], [spends])
    same(done["complete"], True, "that it is signed")
    return done["hex"]


def package(w, raw, child):
    """Both into the mempool; the child's txid."""
    done = w.node.rpc.ask("submitpackage", [raw, child])
    same(done["package_msg"], "success", f"what the node says of a package: {done}")
    w.node.rpc.ask("syncwithvalidationinterfacequeue")
    return w.node.rpc.ask("decoderawtransaction", child)["txid"]


def pays(w, raw, fee):
    return package(w, raw, child_of(w, raw, fee))


def paid_by(d, v, n=1):
    """The sub-state of its n-th transaction."""
    status = look(d, v)["status"]
    return status["transactions"][n - 1]["status"] if status["type"] == "processing" else None


def until_paid_by(d, v, txid, origin):
    def there():
        part = paid_by(d, v)
        return part and part["type"] == "awaiting-confirmation" and part["child_txid"] == txid and part
    same(wait_until(there, f"{txid} to be seen paying for it")["origin"]["type"], origin, "who pays")


def child_shown(d, v):
    child = look(d, v, transactions=True)["transactions"][0]["child"]
    return child["txid"], child["origin"], child["status"]


# --- who pays ---


@scenario(backends=(ESPLORA,), by_hand=("bitcoind",))
def somebody_pays_before_we_could(w):
    """9.10: while there is no money for it."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    start(d, v)
    wait_until(lambda: look(d, v)["waiting_for"] == "funds", "it to miss money")
    until_paid_by(d, v, pays(w, v["txs"][0], 2_000), "mempool")
    w.node.mine()
    until(d, v, "awaiting-delta")
    same(names(look(d, v, history=True)), "S Pv Pc Pa D", "its history")
    same(look(d, v)["fees_sat"], 0, "what it cost")
    conserved(w, d, v)


@scenario
def somebody_has_paid_already(w):
    """9.10: what a mempool has when the exit begins is found there, and our coins stay where they are."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon("--auto_exit=off")
    take(w, d, v)
    fund(w, d, 100_000)
    other = pays(w, v["txs"][0], 3_000)
    wait_until(lambda: d.call("exit.list")["exits"], "it to be noticed")
    until_paid_by(d, v, other, "mempool")
    same(child_shown(d, v), (other, "mempool", "sent"), "the child that is shown")
    w.node.mine()
    until(d, v, "awaiting-delta")
    # Esplora tells of one output after the other.
    wait_until(lambda: child_shown(d, v) == (other, "block", "sent"), "the child to be shown as mined")
    d.kill()
    d.start()
    same(child_shown(d, v), (other, "block", "sent"), "the child that is shown then")
    same((look(d, v)["fees_sat"], spendable(d)), (0, 100_000), "what it cost, and what is left")
    conserved(w, d, v)


@scenario
def somebody_pays_more(w):
    """9.11: his child takes the place of ours; ours takes the place of his again when we want to pay more still."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    until_sent(w, d, v, 1)
    until_paid_by(d, v, pays(w, v["txs"][0], 5_000), "mempool")
    d.call("exit.feerate", vtxo_id=v["id"], feerate="40")
    wait_until(lambda: (paid_by(d, v) or {}).get("origin", {}).get("type") == "wallet", "our child to be back")
    w.node.mine()
    until(d, v, "awaiting-delta")
    same(names(look(d, v, history=True)), "S Pv Pc Pa Pa Pa D", "its history")
    same(spendable(d), 100_000 - look(d, v)["fees_sat"], "what is left")
    conserved(w, d, v)


@scenario
def somebody_pays_more_and_wins(w):
    """9.11, 9.12: a block has his child; our coin is free again."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    until_sent(w, d, v, 1)
    pays(w, v["txs"][0], 5_000)
    w.node.mine()
    until(d, v, "awaiting-delta")
    wait_until(lambda: spendable(d) == 100_000, "our coin to be free")
    same(look(d, v)["fees_sat"], 0, "what it cost")
    conserved(w, d, v)


@scenario
def a_block_has_another_child_than_the_mempool(w):
    """9.12: ours was on its way all the time."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    until_sent(w, d, v, 1)
    w.node.mine(txs=[v["txs"][0], child_of(w, v["txs"][0], 1_000)])
    until(d, v, "awaiting-delta")
    wait_until(lambda: spendable(d) == 100_000, "our coin to be free")
    same(look(d, v)["fees_sat"], 0, "what it cost")
    conserved(w, d, v)


@scenario
def the_child_before_is_mined_after_all(w):
    """9.7: another of ours had taken its place.  What was paid is what counts."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v, feerate="2")
    first = until_sent(w, d, v, 1)["transactions"][0]["child"]
    d.call("exit.feerate", vtxo_id=v["id"], feerate="20")
    wait_until(lambda: w.node.pooled() and first["txid"] not in w.node.pooled(), "a child that pays more")
    w.node.mine(txs=[v["txs"][0], first["tx"]])
    e = until(d, v, "awaiting-delta")
    same(e["fees_sat"], first["fee_sat"], "what it cost")
    same(spendable(d), 100_000 - first["fee_sat"], "what is left")
    conserved(w, d, v)


# --- who spends our coin ---


def spent_elsewhere(w, node, coin, amount):
    """What another daemon with our words sends by another node, in hex: a payment of this coin."""
    d = w.daemon(node=node)
    w.tell_blocks(node)
    wait_until(lambda: [c for c in coins(d) if c["outpoint"] == coin], "the coin to be seen")
    d.call("action.start", kind="onchain_send", wait="park",
           params={"address": w.node.address(), "amount_sat": amount, "coins": [coin], "feerate": "3"})
    [txid] = wait_until(node.pooled, "the payment to be sent")
    d.stop()
    return node.raw(txid)


@scenario(slow=True)
def its_coin_is_spent_by_a_block(w):
    """9.20: the child is dead, another one pays from another coin."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 20_000)
    [first] = [c["outpoint"] for c in coins(d)]
    payment = spent_elsewhere(w, w.elsewhere(), first, 15_000)
    start(d, v)
    dead = until_sent(w, d, v, 1)["transactions"][0]["child"]["txid"]
    fund_beside(w, d, 100_000)
    w.node.mine(txs=[payment])
    wait_until(lambda: (lambda t: t["child"] and t["child"]["txid"] != dead and t["child"]["status"] == "sent")(
        look(d, v, transactions=True)["transactions"][0]), "another child")
    w.node.mine()
    until(d, v, "awaiting-delta")
    conserved(w, d, v, paid=15_000)


def fund_beside(w, d, amount):
    """Nothing else of the mempool is mined."""
    txid = w.node.pay(d.call("address.new", rail="onchain")["address"], amount)
    w.node.mine(txs=[txid])
    w.caught_up(d)


@scenario(slow=True)
def another_package_outbids_it(w):
    """9.21: two with the same words and the same coin.  Whose package goes is left in the mempool without who pays for it."""
    a, b = w.board(w.keys[0], 50_000), w.board(w.keys[1], 40_000)
    node = w.elsewhere()
    d, other = w.daemon(), w.daemon(node=node)
    take(w, d, a)
    other.call("vtxo.import", vtxos=b["hex"])
    fund(w, d, 30_000)
    w.tell_blocks(node)
    wait_until(lambda: coins(other), "the coin to be seen")
    start(other, b, feerate="20")
    wait_until(lambda: len(node.pooled()) == 2, "the other's package to be sent")
    start(d, a)
    until_sent(w, d, a, 1)
    parent = w.node.rpc.ask("decoderawtransaction", b["txs"][0])["txid"]
    [child] = node.pooled() - {parent}
    package(w, b["txs"][0], node.raw(child))
    wait_until(lambda: (paid_by(d, a) or {}).get("type") == "awaiting-cpfp-broadcast", "nobody to pay for it")
    fund_beside(w, d, 60_000)
    until_sent(w, d, a, 1)
    w.node.mine()
    until(d, a, "awaiting-delta")
    same(w.node.pooled(), set(), "what is on its way")


# --- who takes the money ---


@scenario
def its_server_takes_it_while_it_waits(w):
    """9.22: by the key path, which needs no delay."""
    v, _ = made = w.make({"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 0}}, hops=[
        {"spend": 0, "checkpoint": False, "outputs": [{"amount_sat": 50_000, "user": STRANGER}]}])
    theft = made[1]["txs"][-1]
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    until_sent(w, d, v, 1)
    w.node.mine()
    until(d, v, "awaiting-delta")
    w.node.mine(txs=[theft, child_of(w, theft, 1_000)])
    w.caught_up(d)
    same(look(d, v)["state"], "awaiting-delta", "that it waits still")
    w.node.mine(DELTA - 1)
    e = until(d, v, "claimed")
    same((e["status"]["claimed_by"], e["status"]["txid"]), ("other", w.node.rpc.ask("decoderawtransaction", theft)["txid"]),
         "who has it")
    same(names(look(d, v, history=True)), "S Pv Pc Pa D K F", "its history")
    same([e["subject"] for e in d.call("events", after=0, kinds="exit.foreign_spend")["events"]], [v["id"]],
         "what is told of it")
    same([(a["kind"], a["severity"]) for a in attention(d)], [("exit_taken", "critical")], "what asks for attention")
    w.node.mine(6)
    conserved(w, d, v, lost=[v])
    same([a["kind"] for a in attention(d)], ["exit_taken"], "what still asks for attention")


@scenario(slow=True)
def its_server_takes_what_it_stands_on(w):
    """9.23: a block has something else that spends the same output."""
    board = {"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 0}}
    plan = w.fund({"server": SERVER, "expiry_height": w.node.height() + 2000, "exit_delta": DELTA, **board})
    w.node.mine()
    [v] = w.maker(plan)["vtxos"]
    theft = w.maker({**plan, "board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 1_000}})["vtxos"][0]["txs"][0]
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    until_sent(w, d, v, 1)
    w.node.mine(txs=[theft])
    wait_until(lambda: (look(d, v).get("last_error") or {}).get("type") == "exit-input-conflict", "the conflict to be seen")
    e = look(d, v)
    same((e["state"], e["last_error"]["confirmations"]), ("processing", 1), "that it may be undone")
    same([a["kind"] for a in attention(d)], ["exit_taken"], "what asks for attention")
    w.node.mine(5)
    e = until(d, v, "vtxo-already-spent")
    same(e["status"]["reason"], "onchain-conflict", "why it is over")
    same(names(look(d, v, history=True)), "S Pv Pc Pa X", "its history")
    wait_until(lambda: spendable(d) == 100_000, "our coin to be free")
    conserved(w, d, v, lost=[v])


@scenario(slow=True)
def what_its_server_took_comes_back(w):
    """9.23: the block that had the conflict goes, and the exit goes on."""
    board = {"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 0}}
    plan = w.fund({"server": SERVER, "expiry_height": w.node.height() + 2000, "exit_delta": DELTA, **board})
    w.node.mine()
    [v] = w.maker(plan)["vtxos"]
    theft = w.maker({**plan, "board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 1_000}})["vtxos"][0]["txs"][0]
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    until_sent(w, d, v, 1)
    w.node.mine(txs=[theft])
    wait_until(lambda: (look(d, v).get("last_error") or {}).get("type") == "exit-input-conflict", "the conflict to be seen")
    w.node.reorg(1)
    until_sent(w, d, v, 1)
    w.node.mine()
    until(d, v, "awaiting-delta")
    w.node.mine(DELTA)
    until(d, v, "claimable")
    claim(w, d, v)
    w.node.mine()
    until(d, v, "claimed")
    conserved(w, d, v)
