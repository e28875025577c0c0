"""Exits together with another wallet, which the node's own plays: it pays for what is put on chain, makes the claim, or sends it."""
import base64
import types

from ark_world import DELTA, refused, same, scenario
from exits.ledger import FEES, accounts
from exits.moves import RATE, books, fund, look, spendable, start, take, to_claimable, until, until_sent, wait_until

from bitcoin_rpc import btc, sat
from onchain.signer import with_words_of

P2A_SPENT = {"scriptPubKey": "51024e73", "amount": 0}


def compact(n):
    return bytes([n]) if n < 0xfd else b"\xfd" + n.to_bytes(2, "little")


def read_compact(raw, at):
    if raw[at] < 0xfd:
        return raw[at], at + 1
    size = {0xfd: 2, 0xfe: 4, 0xff: 8}[raw[at]]
    return int.from_bytes(raw[at + 1:at + 1 + size], "little"), at + 1 + size


def with_vtxo(psbt, vtxo_hex):
    """The VTXO in the proprietary field of the first input."""
    raw, at = base64.b64decode(psbt), 5
    while raw[at]:  # the global map
        for _ in ("key", "value"):
            n, at = read_compact(raw, at)
            at += n
    at += 1
    key, value = bytes.fromhex("fc046261726b01"), bytes.fromhex(vtxo_hex)
    field = compact(len(key)) + key + compact(len(value)) + value
    return base64.b64encode(raw[:at] + field + raw[at:]).decode()


def claimable(w, amount=50_000):
    v = w.board(w.keys[0], amount)
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    to_claimable(w, d, v)
    return d, v


def coin_of(w):
    """One of the node's wallet, taproot, in a block."""
    address = w.node.address()
    w.node.pay(address, 80_000)
    w.node.mine()
    coin, = w.node.wallet.ask("listunspent", 1, 9999999, [address])
    return coin


@scenario
def the_claim_of_another_wallet(w):
    """9.29: it adds a coin of its own, pays the fee, and signs after us."""
    d, v = claimable(w)
    txid, vout = v["id"].split(":")
    coin = coin_of(w)
    out = sat(coin["amount"]) + 50_000 - 3_000
    bare = w.node.rpc.ask("createpsbt", [{"txid": txid, "vout": int(vout), "sequence": DELTA},
                                         {"txid": coin["txid"], "vout": coin["vout"]}], [{w.node.address(): btc(out)}])
    told = w.node.rpc.ask("utxoupdatepsbt", bare)
    refused(lambda: d.call("exit.sign", psbt=told), "foreign_psbt", "one that carries no VTXO")
    other = w.board(w.keys[1], 50_000)
    refused(lambda: d.call("exit.sign", psbt=with_vtxo(told, other["hex"])), "bad_psbt", "one that carries another")
    signed = d.call("exit.sign", psbt=with_vtxo(told, v["hex"]))
    same((signed["signed"], signed["open"], signed["amount_sat"], signed["back_sat"]), (1, 1, 50_000, 0), "what is signed")
    both = w.node.wallet.ask("walletprocesspsbt", signed["psbt"])
    same(both["complete"], True, "that nobody else has to sign")
    same(w.node.rpc.ask("sendrawtransaction", both["hex"]), signed["txid"], "its name")
    until(d, v, "claim-in-progress")
    w.node.mine()
    until(d, v, "claimed")
    same(look(d, v)["status"]["claimed_by"], "wallet", "who has claimed it")
    books(w, d)
    same(accounts(d)[0]["ark"][FEES], 3_000, "what of it miners have: all of the fee, for the others only gained")


@scenario
def a_claim_that_somebody_else_sends(w):
    """9.29: signed here, sent there."""
    d, v = claimable(w)
    before = spendable(d)
    signed = d.call("exit.claim", psbt=True, feerate=RATE)
    same((signed["status"], signed["fee_sat"]), ("signed", 645), "the claim")
    final = w.node.rpc.ask("finalizepsbt", signed["psbt"])
    same((final["complete"], final["hex"]), (True, signed["tx"]), "the PSBT")
    same(signed["txid"] in w.node.pooled(), False, "that nobody has sent it")
    w.node.rpc.ask("sendrawtransaction", final["hex"])
    until(d, v, "claim-in-progress")
    w.node.mine()
    until(d, v, "claimed")
    w.caught_up(d)
    same(spendable(d), before + 50_000 - 645, "what has come")
    books(w, d)


@scenario
def paid_for_from_elsewhere(w):
    """3.7: this wallet has no coin; the node's wallet makes and signs the child, and the daemon sends it."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    start(d, v)
    wait_until(lambda: look(d, v)["waiting_for"] == "funds", "it to miss money")
    asked, = d.call("exit.cpfp_requests")["requests"]
    same((asked["vtxo_ids"], asked["child"]), ([v["id"]], None), "what is asked for")
    coin, anchor = coin_of(w), asked["anchor"]
    made = w.node.rpc.ask("createrawtransaction", [{"txid": asked["exit_txid"], "vout": anchor["vout"]},
                                                   {"txid": coin["txid"], "vout": coin["vout"]}],
                          [{w.node.address(): btc(sat(coin["amount"]) - asked["fee_sat"])}])
    made = "03000000" + made[8:]
    refused(lambda: d.call("exit.cpfp_provide", exit_txid=asked["exit_txid"], child=made), "invalid_params", "one without witnesses")
    spent = [P2A_SPENT | {"txid": asked["exit_txid"], "vout": anchor["vout"]}]
    child = w.node.wallet.ask("signrawtransactionwithwallet", made, spent)["hex"]
    given = d.call("exit.cpfp_provide", exit_txid=asked["exit_txid"], child=child)
    until_sent(w, d, v, 1)
    same(given["txid"] in w.node.pooled(), True, "that it is sent")
    asked = wait_until(lambda: next((r for r in d.call("exit.cpfp_requests")["requests"] if r["child"]["seen"]), None),
                       "the child to be seen")
    same(asked["child"]["txid"], given["txid"], "who pays then")
    w.node.mine()
    until(d, v, "awaiting-delta")
    same(d.call("exit.cpfp_requests")["requests"], [], "what is asked for then")
    books(w, d)


@scenario
def paid_for_with_our_coin_from_elsewhere(w):
    """3.7: the child that is given spends a coin of this wallet's: what it pays is a fee of the exit, and nothing was sent."""
    v = w.board(w.keys[0], 50_000)
    d = w.daemon()
    take(w, d, v)
    fund(w, d, 100_000)
    start(d, v)
    until_sent(w, d, v, 1)
    asked, = d.call("exit.cpfp_requests")["requests"]
    anchor, fee = asked["anchor"], asked["child"]["least_fee_sat"] + 1_000
    coin, = (i for i in w.node.rpc.ask("getrawtransaction", asked["child"]["txid"], True)["vin"]
             if i["txid"] != asked["exit_txid"])
    made = w.node.rpc.ask("createrawtransaction", [{"txid": asked["exit_txid"], "vout": anchor["vout"]},
                                                   {"txid": coin["txid"], "vout": coin["vout"]}],
                          [{d.call("address.new", rail="onchain")["address"]: btc(100_000 - fee)}])
    signer = with_words_of(w.node, types.SimpleNamespace(mnemonic=w.words))
    child = signer.ask("signrawtransactionwithwallet", "03000000" + made[8:], [P2A_SPENT | {
        "txid": asked["exit_txid"], "vout": anchor["vout"]}])
    same(child["complete"], True, "that nobody else has to sign")
    given = d.call("exit.cpfp_provide", exit_txid=asked["exit_txid"], child=child["hex"])
    wait_until(lambda: given["txid"] in w.node.pooled(), "it to be sent")
    same(look(d, v)["fees_sat"], fee, "what the exit has cost")
    w.node.mine()
    until(d, v, "awaiting-delta")
    w.caught_up(d)
    told = [m for m in d.call("history", rail="onchain", limit=100)["movements"] if m["kind"] in ("cpfp", "send")]
    same({m["kind"] for m in told}, {"cpfp"}, "the kinds of what went out")
    same((sum(m["amount"] for m in told), sum(m["fee"] for m in told)), (-fee, fee), "what it says of them")
    same((look(d, v)["fees_sat"], accounts(d)[0]["onchain"][FEES], spendable(d)), (fee, fee, 100_000 - fee), "the books")
    books(w, d)
