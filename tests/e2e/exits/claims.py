"""Claims of every kind (spec/exit.md 9.28): several exits at once, some of them, too early, by hash and time, and very many.

Somebody else mines what these exits need, so that they cost nothing: what is looked at is the claim."""
import hashlib

import bitcoin_rpc
from ark_world import BITCOIND, DELTA, refused, same, scenario
from exits.ledger import conserved
from exits.moves import RATE, attention, look, names, take, until, wait_until

EXPIRY_DELTA = 20
PREIMAGE = "05" * 32
HASH = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()


def mined(w, d, *vtxos, state="awaiting-delta"):
    """What puts them on chain is in one block, and the daemon follows them."""
    txs = dict.fromkeys(raw for v in vtxos for raw in v["txs"])
    w.node.mine(txs=list(txs))
    for v in vtxos:
        wait_until(lambda v=v: v["id"] in [e["vtxo_id"] for e in d.call("exit.list", limit=1000)["exits"]], "its exit to begin")
        until(d, v, state)


def sent(w, txid):
    wait_until(lambda: txid in w.node.pooled(), "the claim to be sent")
    return w.node.rpc.ask("getrawtransaction", txid, True)


@scenario
def three_in_one_and_some_of_them(w):
    """9.28: three inputs, a subset, to another kind of address; a replacement by fewer."""
    vtxos = [w.board(w.keys[n % 3], 50_000 + n) for n in range(5)]
    a, b, c, e, f = vtxos
    d = w.daemon("--auto_exit=off")
    take(w, d, *vtxos)
    mined(w, d, *vtxos)
    w.node.mine(DELTA)
    for v in vtxos:
        until(d, v, "claimable")
    first = d.call("exit.claim", vtxo_ids=[v["id"] for v in (a, b, c)], feerate=RATE)
    same((first["fee_sat"], first["amount_sat"], first["exits"], first["left"]), (1400, 150_003 - 1400, 3, 2), "three at once")
    tx = sent(w, first["txid"])
    same((tx["weight"], len(tx["vin"]), [i["sequence"] for i in tx["vin"]]), (1120, 3, [DELTA] * 3), "its transaction")
    refused(lambda: d.call("exit.claim", vtxo_ids=[a["id"], e["id"]], feerate=RATE, replace=True), "version_conflict",
            "a replacement that takes more")
    second = d.call("exit.claim", vtxo_ids=[e["id"]], feerate=RATE, destination=w.node.address("bech32"))
    same((second["fee_sat"], second["left"], second["to_wallet"]), (585, 1, False), "one, to a shorter address")
    same(sent(w, second["txid"])["weight"], 468, "what that weighs")
    third = d.call("exit.claim", feerate=RATE)
    same((third["fee_sat"], third["exits"], third["left"]), (645, 1, 0), "the one that is left")
    sent(w, third["txid"])
    refused(lambda: d.call("exit.claim", feerate=RATE), "not_found", "one more")
    fewer = d.call("exit.claim", vtxo_ids=[a["id"], b["id"]], feerate="20", replace=True)
    sent(w, fewer["txid"])
    same(first["txid"] in w.node.pooled(), False, "that the one before is replaced")
    again = wait_until(lambda: claim_of_one(d, c), "what is left out to be free")
    sent(w, again["txid"])
    w.node.mine()
    for v in vtxos:
        until(d, v, "claimed")
    same(attention(d), [], "what asks for attention")
    conserved(w, d, *vtxos, paid=second["amount_sat"])


def claim_of_one(d, v):
    """None: it is not free yet."""
    if look(d, v)["state"] != "claimable":
        return None
    return d.call("exit.claim", vtxo_ids=[v["id"]], feerate=RATE)


@scenario(slow=True)
def a_claim_that_has_become_premature(w):
    """9.28: what it stands on is mined again, later.  The node's non-BIP68-final is no end of it."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon("--auto_exit=off")
    take(w, d, v)
    w.node.mine()
    mined(w, d, v)
    w.node.mine(DELTA)
    until(d, v, "claimable")
    done = d.call("exit.claim", feerate=RATE)
    sent(w, done["txid"])
    until(d, v, "claim-in-progress")
    w.node.rollback(DELTA + 1)
    w.node.mine(DELTA + 2, txs=[])
    w.node.mine(txs=v["txs"])
    until(d, v, "awaiting-delta")
    try:
        w.node.rpc.ask("sendrawtransaction", done["tx"])
        raise AssertionError("the node takes it")
    except bitcoin_rpc.BitcoinError as why:
        same((why.code, "non-BIP68-final" in str(why)), (-26, True), f"what the node says: {why}")
    refused(lambda: d.call("exit.claim", vtxo_ids=[v["id"]], feerate=RATE), "illegal_state", "a claim before its time")
    d.kill()
    d.start()  # it sends what is open
    w.node.mine(DELTA - 1)
    w.caught_up(d)
    until(d, v, "awaiting-delta")
    w.node.mine(1)
    sent(w, done["txid"])
    w.node.mine()
    until(d, v, "claimed")
    same(look(d, v)["status"]["txid"], done["txid"], "what claimed it")
    conserved(w, d, v)


def paid_on(w, **htlc):
    """A board out of which an HTLC was made."""
    return w.make({"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 0}}, hops=[
        {"spend": 0, "checkpoint": False, "outputs": [{"amount_sat": 50_000, "user": w.keys[1], **htlc}]}])[1]


@scenario
def a_refund_by_its_time(w):
    """9.28, [X-5]: the delay is over, and the HTLC has not expired."""
    expiry = w.node.height() + 40
    v = paid_on(w, htlc_send={"hash": HASH, "expiry": expiry})
    d = w.daemon("--auto_exit=off")
    take(w, d, v)
    mined(w, d, v)
    e = look(d, v)
    same((e["status"]["claimable_height"], e["status"]["wait_reason"]), (expiry, "cltv"), "what it waits for")
    w.node.mine(2 * DELTA)
    w.caught_up(d)
    same((until(d, v, "awaiting-delta")["blocks_left"] > 0), True, "blocks that are left")
    refused(lambda: d.call("exit.claim", vtxo_ids=[v["id"]], feerate=RATE), "illegal_state", "a claim before its time")
    w.node.mine(expiry - w.node.height())
    until(d, v, "claimable")
    done = d.call("exit.claim", feerate=RATE)
    tx = sent(w, done["txid"])
    same((tx["locktime"], tx["vin"][0]["sequence"]), (expiry, 2 * DELTA), "its times")
    w.node.mine()
    until(d, v, "claimed")
    same(names(look(d, v, history=True))[-5:], "D K F" if " I " not in names(look(d, v, history=True)) else "K I F", "its end")
    conserved(w, d, v)


@scenario
def what_was_paid_to_a_hash(w):
    """9.28: claimed with the preimage, and not before somebody tells it."""
    v = paid_on(w, htlc_receive={"hash": HASH, "expiry": w.node.height() + 200, "expiry_delta": EXPIRY_DELTA})
    d = w.daemon("--auto_exit=off")
    take(w, d, v)
    mined(w, d, v, state="processing")
    wait_until(lambda: look(d, v)["waiting_for"] == "preimage", "it to wait for the preimage")
    w.node.mine(DELTA + EXPIRY_DELTA)
    w.caught_up(d)
    refused(lambda: d.call("exit.claim", vtxo_ids=[v["id"]], feerate=RATE), "illegal_state", "a claim without it")
    refused(lambda: d.call("exit.preimage", vtxo_id=v["id"], preimage="06" * 32), "invalid_params", "that of something else")
    d.call("exit.preimage", vtxo_id=v["id"], preimage=PREIMAGE)
    d.kill()
    d.start()
    until(d, v, "claimable")
    done = d.call("exit.claim", feerate=RATE)
    tx = sent(w, done["txid"])
    same((PREIMAGE in tx["vin"][0]["txinwitness"], tx["vin"][0]["sequence"]), (True, DELTA + EXPIRY_DELTA), "how it is opened")
    same(PREIMAGE in d.log(), False, "the preimage in the log")
    w.node.mine()
    until(d, v, "claimed")
    conserved(w, d, v)


@scenario(backends=(), by_hand=(BITCOIND,), slow=True)
def five_hundred_and_one(w):
    """9.28: one more than fit into one claim."""
    vtxos = [w.board(w.keys[0], 10_000)]
    for _ in range(5):
        vtxos += w.make({"board": {"user": w.keys[0], "amount_sat": 100_000, "fee_sat": 0}}, hops=[
            {"spend": 0, "checkpoint": False, "outputs": [{"amount_sat": 1_000, "user": w.keys[1]}] * 100}])[1:]
    d = w.daemon("--auto_exit=off")
    for n in range(0, 501, 20):
        d.call("vtxo.import", vtxos="\n".join(v["hex"] for v in vtxos[n:n + 20]))
    w.caught_up(d)
    w.node.mine(txs=list(dict.fromkeys(raw for v in vtxos for raw in v["txs"])))

    def in_state(state):
        return sum(e["state"] == state for e in d.call("exit.list", limit=1000)["exits"])

    wait_until(lambda: in_state("awaiting-delta") == 501, "all to be on chain")
    w.node.mine(DELTA)
    wait_until(lambda: in_state("claimable") == 501, "all to be claimable")
    refused(lambda: d.call("exit.claim", vtxo_ids=[v["id"] for v in vtxos], feerate=RATE), "invalid_params", "501 by name")
    first = d.call("exit.claim", feerate=RATE)
    second = d.call("exit.claim", feerate=RATE)  # at once: the first one is not seen yet
    same((first["exits"], first["left"], second["exits"], second["left"]), (500, 1, 1, 0), "how many each claims")
    weight = 42 + 4 * 2 + 500 * (164 + 138) + 172  # the number of inputs takes three bytes
    same((sent(w, first["txid"])["weight"], first["fee_sat"]), (weight, -(-weight * 5 // 4)), "what 500 weigh and pay")
    sent(w, second["txid"])
    w.node.mine()
    wait_until(lambda: in_state("claimed") == 501, "all to be claimed")
    conserved(w, d, *vtxos)
