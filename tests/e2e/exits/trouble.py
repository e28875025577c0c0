"""Nodes that make it hard: they are away, or full, or will not have such packages."""
import bitcoin_acts
import bitcoin_gate
import esplora
import esplora_acts
from ark_world import BITCOIND, DELTA, ESPLORA, same, scenario
from bitcoin_rpc import btc, sat
from exits.ledger import conserved
from exits.moves import attention, claim, fund, look, names, start, take, until, until_sent, wait_until

# A transaction of many outputs, to anybody: BIP 32's first test key.
FILLER_KEY = ("tpubD6NzVbkrYhZ4XgiXtGrdW5XDAPFCL9h7we1vwNCpn8tGbBcgfVYjXyhWo4E1xkh56hjod1RhGjxbaTLV3X4FyWuejifB9jusQ46QzG87VK"
              "p")
FILLER_OUTPUTS, FILLER_VSIZE = 2_200, 2_200 * 43 + 200
PACKAGE = {BITCOIND: bitcoin_gate.PACKAGE, ESPLORA: esplora.PACKAGE}
CLAIM = {BITCOIND: bitcoin_gate.SEND, ESPLORA: esplora.SEND}


def deep(w):
    """One of three transactions."""
    return w.make({"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 0}}, hops=[
        {"spend": 0, "checkpoint": True, "outputs": [{"amount_sat": 50_000, "user": w.keys[1]}]}])[1]


def to_the_end(w, d, v, gate=None):
    until(d, v, "awaiting-delta")
    w.node.mine(DELTA)
    until(d, v, "claimable")
    claim(w, d, v)
    w.node.mine()
    until(d, v, "claimed")
    if gate:
        same(gate.unused(), [], "rules that nobody came by")
    conserved(w, d, v)


@scenario(backends=(BITCOIND, ESPLORA), by_hand=())
def a_node_that_fails_at_every_package(w):
    """9.30: it is busy, it warms up, it takes one and says nothing.  Each is tried again, and none twice."""
    gate = w.gate()
    v, d = deep(w), w.daemon(gate=gate)
    take(w, d, v)
    fund(w, d, 100_000)
    acts = bitcoin_acts if w.backend == BITCOIND else esplora_acts
    faults = [acts.lose_request(), acts.status(503)]
    if w.backend == BITCOIND:
        faults += [bitcoin_acts.warming_up(), bitcoin_acts.busy()]
    else:
        faults += [esplora_acts.throttled(1), acts.html()]
    faults.append(acts.lose_reply())  # the last: a package that is in may be seen there before it is asked for again
    for n, fault in enumerate(faults):
        gate.at(PACKAGE[w.backend], fault, nth=n + 1 + n // 2)
    gate.at(CLAIM[w.backend], acts.lose_reply())
    start(d, v)
    for n in range(1, v["depth"] + 1):
        until_sent(w, d, v, n)
        same(len(w.node.pooled()), 2, "transactions on their way")
        w.node.mine()
    to_the_end(w, d, v, gate)
    same(len({sent.txids[-1] for sent in gate.sent() if sent.txids}), v["depth"] + 1, "what was sent: children, and a claim")
    same(names(look(d, v, history=True)).replace("K I F", "K F"), "S Pvvv Pcii Paii PCci PCai PCCc PCCa D K F", "its history")


@scenario(backends=(BITCOIND, ESPLORA), by_hand=(), slow=True)
def a_node_that_is_away(w):
    """9.30: nothing is decided, and it goes on when the node is back; with a new cookie, where it has one."""
    gate = w.gate()
    v, d = deep(w), w.daemon(gate=gate)
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    until_sent(w, d, v, 1)
    before = names(look(d, v, history=True))
    gate.down()
    w.node.mine()
    wait_until(lambda: [p for p in d.call("status")["peers"] if p["failed"] > 1], "the daemon to miss it")
    d.kill()
    d.start()
    same(names(look(d, v, history=True)), before, "what it went through")
    w.node.restart()
    gate.up()
    for n in range(2, v["depth"] + 1):
        until_sent(w, d, v, n)
        w.node.mine()
    to_the_end(w, d, v)


@scenario(by_hand=())
def a_node_that_is_still_catching_up(w):
    """9.30: what it says of the chain is old.  Nothing that is on its way is given up meanwhile."""
    gate = w.gate()
    v, d = deep(w), w.daemon(gate=gate)
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    before = until_sent(w, d, v, 1)["transactions"][0]["child"]["txid"]
    rule = gate.at("getblockchaininfo", bitcoin_acts.syncing(), times=None)
    d.kill()
    d.start()
    wait_until(lambda: rule.fired > 3, "the daemon to ask again")
    e = look(d, v, transactions=True)
    same((e["state"], e["transactions"][0]["child"]["txid"]), ("processing", before), "where it stands")
    gate.lift(rule)
    for n in range(1, v["depth"] + 1):
        until_sent(w, d, v, n)
        w.node.mine()
    to_the_end(w, d, v)


@scenario(by_hand=())
def a_node_that_will_not_have_such_packages(w):
    """9.31: says what to do about it, and goes on by itself when that is done."""
    if "truc_policy" not in w.node.rpc.ask("getmempoolinfo"):
        return  # a node that has no such option
    v = w.board(w.keys[0], 50_000)
    w.node.restart("-mempooltruc=accept")
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    e = wait_until(lambda: (lambda e: e if e.get("last_error") else None)(look(d, v)), "it to be refused")
    same((e["last_error"]["type"], "-mempooltruc=enforce" in e["last_error"]["error"]), ("node-policy-unsupported", True),
         f"what is wrong: {e['last_error']}")
    same([(a["kind"], "-mempooltruc=enforce" in a["what"]) for a in attention(d)], [("exit_refused", True)],
         "what asks for attention")
    w.node.restart()
    until_sent(w, d, v, 1)
    w.node.mine()
    to_the_end(w, d, v)
    same(attention(d), [], "what asks for attention then")


@scenario(backends=(ESPLORA,), by_hand=())
def a_server_that_knows_no_packages(w):
    """9.30: many of them do not.  Another one may."""
    gate = w.gate()
    v, d = w.board(w.keys[0], 50_000), w.daemon(gate=gate)
    take(w, d, v)
    fund(w, d, 100_000)
    rule = gate.at(esplora.PACKAGE, esplora_acts.error("endpoint does not exist", code=404), times=None)
    start(d, v)
    e = wait_until(lambda: (lambda e: e if e.get("last_error") else None)(look(d, v)), "it to be refused")
    same(e["last_error"]["type"], "node-policy-unsupported", f"what is wrong: {e['last_error']}")
    gate.lift(rule)
    until_sent(w, d, v, 1)
    w.node.mine()
    to_the_end(w, d, v)


def lowest_rate(w):
    """What its mempool wants at least, in sat/vB."""
    return float(w.node.rpc.ask("getmempoolinfo")["mempoolminfee"]) * 100_000


def fill(w, rate):
    """Until the mempool throws out what pays less than this, sat/vB: large transactions that pay a little more."""
    told = w.node.rpc.ask("getdescriptorinfo", f"tr({FILLER_KEY}/*)")
    payees = w.node.rpc.ask("deriveaddresses", told["descriptor"], [0, FILLER_OUTPUTS - 1])
    for coin in w.node.wallet.ask("listunspent", 1):
        if lowest_rate(w) > rate:
            return
        fee = int((rate + 1) * FILLER_VSIZE)
        outputs = [{payee: "0.00000330"} for payee in payees]
        change = sat(coin["amount"]) - 330 * FILLER_OUTPUTS - fee
        raw = w.node.rpc.ask("createrawtransaction", [{"txid": coin["txid"], "vout": coin["vout"]}],
                             [*outputs, {w.node.address(): str(btc(change))}])
        w.node.rpc.ask("sendrawtransaction", w.node.signed(raw))
    raise AssertionError("the miner has not enough coins to fill it with")


@scenario(backends=(), by_hand=(BITCOIND,), node=("-maxmempool=5",))
def a_mempool_that_is_full(w):
    """What is on its way is thrown out, and pays more then; what comes now pays as much as it must."""
    a, b = w.board(w.keys[0], 50_000), w.board(w.keys[1], 40_000)
    w.node.mine(70)  # coins to fill it with
    d = w.daemon()
    take(w, d, a, b)
    fund(w, d, 100_000, 100_000)
    start(d, a, feerate="2")
    first = until_sent(w, d, a, 1)["transactions"][0]["child"]
    fill(w, 8)
    same(first["txid"] in w.node.pooled(), False, "that it is still there")
    start(d, b, feerate="2")
    for v in (a, b):
        child = wait_until(lambda v=v: (lambda c: c if c and c["txid"] in w.node.pooled() else None)(
            look(d, v, transactions=True)["transactions"][0]["child"]), "a child that pays enough")
        same(float(child["package_feerate"]) > 8, True, f"what it pays, {child['package_feerate']}")
    while w.node.pooled():
        w.node.mine()
    for v in (a, b):
        until(d, v, "awaiting-delta")
    conserved(w, d, a, b)


@scenario(by_hand=())
def a_node_is_not_asked_more_than_it_must_be(w):
    """Without estimates of fees, and while an exit waits."""
    gate = w.gate()
    v, d = w.board(w.keys[0], 50_000), w.daemon(gate=gate)
    take(w, d, v)
    start(d, v)
    wait_until(lambda: look(d, v)["waiting_for"] == "funds", "it to miss money")
    before = gate.count()
    wait_until(lambda: gate.count("getrawmempool") > before["getrawmempool"] + 4, "some rounds of the follower")
    same(gate.count("estimatesmartfee") - before.get("estimatesmartfee", 0) <= 6, True, f"what it was asked: {gate.count()}")
