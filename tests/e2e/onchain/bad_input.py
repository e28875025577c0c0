"""What a caller may get wrong: each mistake has an answer of its own, which names the field and says what would be right, and
nothing is left behind."""
import bitcoin
import lab
from onchain.world import check, refused, same, scenario

MAIN = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TEST = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
GOOD = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
MONEY_MAX = 21 * 10 ** 14
PROGRAM = bytes(range(32))

# Members of a payment that differ from a good one (None: left out), the kind and the field of the refusal, and what its
# message or hint must say.
ORDERS = {
    "no address": ({"address": None}, "invalid_params", "address", "address or outputs"),
    "an empty address": ({"address": ""}, "bad_address", "address", "nothing"),
    "no address at all": ({"address": "hello"}, "bad_address", "address", "not an address"),
    "a letter too many": ({"address": GOOD + "q"}, "bad_address", "address", "checksum"),
    "a letter too few": ({"address": GOOD[:-1]}, "bad_address", "address", "checksum"),
    "another letter": ({"address": GOOD.replace("508", "509")}, "bad_address", "address", "checksum"),
    "capitals mixed in": ({"address": GOOD.replace("d6q", "D6q")}, "bad_address", "address", "mixed"),
    "the checksum of the other form": ({"address": bitcoin.segwit_address("bcrt", 1, PROGRAM, bitcoin.BECH32)},
                                       "bad_address", "address", "other form"),
    "version 0 with the checksum of version 1": ({"address": bitcoin.segwit_address("bcrt", 0, PROGRAM, bitcoin.BECH32M)},
                                                 "bad_address", "address", "other form"),
    "a program that is too short": ({"address": bitcoin.segwit_address("bcrt", 0, PROGRAM[:19])}, "bad_address", "address",
                                    "do not go with"),
    "witness version 17": ({"address": bitcoin.segwit_address("bcrt", 17, PROGRAM)}, "bad_address", "address", "above 16"),
    "a base58 address with a wrong checksum": ({"address": "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfm"}, "bad_address", "address",
                                               "checksum"),
    "an address of mainnet": ({"address": MAIN}, "wrong_network", "address", "mainnet"),
    "an address of testnet": ({"address": TEST}, "wrong_network", "address", "regtest"),
    "a base58 address of mainnet": ({"address": "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"}, "wrong_network", "address", "mainnet"),
    "a very long address": ({"address": "b" * 200}, "invalid_params", "address", None),
    "a number as address": ({"address": 5}, "invalid_params", "address", None),
    "no amount": ({"amount_sat": None}, "invalid_params", "amount_sat", "required"),
    "nothing": ({"amount_sat": 0}, "invalid_params", "amount_sat", None),
    "a negative amount": ({"amount_sat": -1}, "invalid_params", "amount_sat", None),
    "an amount with a fraction": ({"amount_sat": 1000.5}, "invalid_params", "amount_sat", None),
    "an amount in text": ({"amount_sat": "much"}, "invalid_params", "amount_sat", None),
    "more than there is of it": ({"amount_sat": MONEY_MAX + 1}, "invalid_params", "amount_sat", None),
    "dust": ({"amount_sat": 293}, "dust", "amount_sat", "294"),
    "dust for taproot": ({"address": bitcoin.segwit_address("bcrt", 1, PROGRAM), "amount_sat": 329}, "dust", "amount_sat", "330"),
    "more than the wallet has": ({"amount_sat": 500_000}, "insufficient_funds", "amount_sat", "spendable"),
    "all that is there, and no fee": ({"amount_sat": 100_000}, "insufficient_funds", "amount_sat", "missing"),
    "a feerate that is none": ({"feerate": "fast"}, "fee_out_of_range", "feerate", "sat/vB"),
    "a feerate of nothing": ({"feerate": "0"}, "fee_out_of_range", "feerate", None),
    "a negative feerate": ({"feerate": "-1"}, "fee_out_of_range", "feerate", None),
    "a feerate that nobody relays": ({"feerate": "0.01"}, "fee_out_of_range", "feerate", None),
    "a feerate beyond the operator's cap": ({"feerate": "501"}, "fee_out_of_range", "feerate", "500"),
    "a feerate beyond all numbers": ({"feerate": "9" * 20}, "fee_out_of_range", "feerate", None),
    "a feerate as a number": ({"feerate": 5}, "invalid_params", "feerate", None),
    "a feerate and a target": ({"target": "slow"}, "invalid_params", "target", "either"),
    "an unknown target": ({"feerate": None, "target": "now"}, "invalid_params", "target", "fast"),
    "all and an amount": ({"all": True}, "invalid_params", "amount_sat", "everything"),
    "address and outputs": ({"outputs": [{"address": GOOD, "amount_sat": 1_000}]}, "invalid_params", "outputs", "either"),
    "no outputs": ({"address": None, "amount_sat": None, "outputs": []}, "invalid_params", "outputs", "empty"),
    "an output without amount": ({"address": None, "amount_sat": None, "outputs": [{"address": GOOD}]}, "invalid_params",
                                 "outputs", "output 1: amount_sat is missing"),
    "an output with a label": ({"address": None, "amount_sat": None, "outputs": [
        {"address": GOOD, "amount_sat": 1_000, "label": "x"}]}, "invalid_params", "outputs", "more than address and amount_sat"),
    "an output of mainnet": ({"address": None, "amount_sat": None, "outputs": [
        {"address": GOOD, "amount_sat": 1_000}, {"address": MAIN, "amount_sat": 1_000}]}, "wrong_network", "outputs",
                             "output 2"),
    "an output of dust": ({"address": None, "amount_sat": None, "outputs": [
        {"address": GOOD, "amount_sat": 1_000}, {"address": GOOD, "amount_sat": 1}]}, "dust", "outputs", "294"),
    "outputs of more than there is": ({"address": None, "amount_sat": None, "outputs": [
        {"address": GOOD, "amount_sat": 90_000}, {"address": GOOD, "amount_sat": 90_000}]}, "insufficient_funds", "outputs",
                                     "spendable"),
    "no coins": ({"coins": []}, "invalid_params", "coins", "empty"),
    "a coin that is none": ({"coins": ["abc:0"]}, "invalid_params", "coins", "txid:vout"),
    "a coin of somebody else's": ({"coins": ["ab" * 32 + ":0"]}, "not_found", "coins", "no coin"),
    "a label that is too long": ({"label": "x" * 65}, "invalid_params", "label", None),
    "a misspelt member": ({"adress": GOOD}, "invalid_params", "adress", "address"),
}


def complaints(name, kind, field, words, wallet, method, params):
    """What is wrong with a refusal: an empty list when it is as it should be."""
    try:
        answer = wallet.call(method, **params)
    except lab.RpcError as no:
        said = f"{no} {no.data.get('hint', '')}"
        found = (no.kind, no.data.get("field"), no.data["funds_moved"])
        if found == (kind, field, "no") and (words is None or words in said):
            return []
        return [f"{name}: {found}: {said}"]
    return [f"{name}: {str(answer)[:200]}"]


@scenario("each invalid member of a payment is named, and nothing is stored")
def orders(world):
    alice = world.wallet("alice")
    world.fund(alice, 60_000, 40_000)
    good = {"address": GOOD, "amount_sat": 10_000, "feerate": "2"}
    before = alice.events("*")
    wrong = []
    for name, (change, kind, field, words) in ORDERS.items():
        params = {k: v for k, v in {**good, **change}.items() if v is not None}
        for dry_run in (True, False):
            wrong += complaints(name, kind, field, words, alice, "action.start",
                                {"kind": "onchain_send", "params": params, "dry_run": dry_run})
    same(wrong, [], "what is not refused as it should be")
    same((alice.events("*"), alice.call("action.list", status="all")["actions"], alice.sums()),
         (before, [], (100_000, 0, 0)), "what is stored of all that")
    world.finish(alice, alice.order(**good))


@scenario("what is not there to be spent is told apart: spendable, pending, locked, and how much is missing")
def funds(world):
    alice = world.wallet("alice")
    world.fund(alice, 60_000, 30_000)
    made = alice.call("psbt.create", address=world.payee(), amount_sat=25_000, feerate="2", coins=[
        next(c["outpoint"] for c in alice.coins() if c["amount_sat"] == 30_000)])
    world.node.pay(alice.address(), 7_000)
    alice.wait_sums(60_000, 30_000, 7_000)
    no = refused("insufficient_funds", alice.order, field="amount_sat", address=world.payee(), amount_sat=80_000, feerate="2")
    for words in ("20222 sat are missing", "60000 sat spendable", "7000 pending", "30000 locked"):
        check(words in str(no), f"{words}: {no}")
    locked = next(c["outpoint"] for c in alice.coins() if c["amount_sat"] == 30_000)
    pending = next(c["outpoint"] for c in alice.coins() if c["amount_sat"] == 7_000)
    for coin, state in ((locked, "locked"), (pending, "pending")):
        no = refused("not_found", alice.order, field="coins", address=world.payee(), amount_sat=1_000, feerate="2",
                     coins=[coin])
        check(state in str(no), str(no))
    alice.cancel({"id": made["action_id"]})


@scenario("what may be got wrong of a payment that is under way, or over")
def under_way(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    sent = alice.order(address=world.payee(), amount_sat=40_000, feerate="5")
    wrong, nowhere = [], "0190b6f2-7c1e-7d30-8a55-1f0c2b9d4e11"
    for kind, field, method, params in (
            ("invalid_params", "id", "onchain.bump", {"feerate": "9"}),
            ("invalid_params", "id", "onchain.bump", {"id": sent["id"], "txid": "ab" * 32, "feerate": "9"}),
            ("invalid_params", "id", "onchain.bump", {"id": "x y", "feerate": "9"}),
            ("not_found", "id", "onchain.bump", {"id": nowhere, "feerate": "9"}),
            ("not_found", "txid", "onchain.bump", {"txid": "ab" * 32, "feerate": "9"}),
            ("invalid_params", "txid", "onchain.bump", {"txid": "ab", "feerate": "9"}),
            ("fee_out_of_range", "feerate", "onchain.bump", {"id": sent["id"], "feerate": "0"}),
            ("fee_out_of_range", "feerate", "onchain.bump", {"id": sent["id"], "feerate": "501"}),
            ("invalid_params", "txid", "tx.get", {"txid": "no"}),
            ("not_found", "txid", "tx.get", {"txid": "ab" * 32}),
            ("invalid_params", "rail", "address.new", {}),
            ("invalid_params", "rail", "address.new", {"rail": "gold"}),
            ("invalid_params", "label", "address.new", {"rail": "onchain", "label": "x" * 65}),
            ("invalid_params", "state", "utxo.list", {"state": "lost"}),
            ("invalid_params", "after", "utxo.list", {"after": "nowhere"}),
            ("invalid_params", "limit", "address.list", {"limit": 0}),
            ("not_found", "id", "action.cancel", {"id": nowhere})):
        wrong += complaints(f"{method} {params}", kind, field, None, alice, method, params)
    same(wrong, [], "what is not refused as it should be")
    world.node.mine()
    alice.wait(sent, "confirming")
    refused("illegal_state", alice.bump, sent, field="id", feerate="50")
    refused("not_cancellable", alice.cancel, sent)
    world.finish(alice, sent)
    refused("illegal_state", alice.bump, sent, field="id", feerate="50")


@scenario("without a wallet, and without a node, each method says what is missing", backends=("bitcoind",))
def not_there(world):
    alice = world.wallet("alice", create=False)
    for method, params in (("address.new", {"rail": "onchain"}),
                           ("action.start", {"kind": "onchain_send", "params": {"address": GOOD, "amount_sat": 1_000}}),
                           ("psbt.create", {"address": GOOD, "amount_sat": 1_000})):
        refused("no_wallet", alice.call, method, **params)
    blind = world.wallet("blind", words=[])
    check(blind.address(), "an address needs no node")
    no = refused("bad_config", blind.call, "fee.estimate")
    check("bitcoind_url" in no.data["hint"], str(no.data))
    same(blind.call("status")["chain"], None, "the chain")
    blind.stop()
    world.wallets.remove(blind)
