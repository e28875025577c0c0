"""PSBTs to and from the node: its tools read what walletd writes, and sign what walletd takes in again."""
import bitcoin
from bitcoin_rpc import btc
from onchain import signer
from onchain.world import PASSPHRASE, check, refused, same, scenario


def drafted(world, wallet, **more):
    """A payment that waits to be signed."""
    return wallet.call("psbt.create", address=world.payee(), amount_sat=40_000, feerate="3", **more)


def tx_of(world, psbt):
    """The unsigned transaction of a PSBT, made again of what the node decodes."""
    told = world.node.rpc.ask("decodepsbt", psbt)["tx"]
    inputs = [{"txid": i["txid"], "vout": i["vout"], "sequence": i["sequence"]} for i in told["vin"]]
    outputs = [{o["scriptPubKey"]["address"]: str(o["value"])} for o in told["vout"]]
    return bitcoin.Tx.parse(world.node.rpc.ask("createrawtransaction", inputs, outputs, told["locktime"]))


@scenario("psbt: made here, signed by the node with the same words, taken in again and mined")
def round_trip(world):
    alice = world.wallet("alice")
    world.fund(alice, 60_000, 30_000)
    made = drafted(world, alice)
    same(sum(alice.sums()), 90_000, "nothing has moved")
    check(alice.sums()[1] > 0, "its coins are locked")
    told = world.node.rpc.ask("decodepsbt", made["psbt"])
    same((told["tx"]["txid"], int(told["fee"] * 10 ** 8)), (made["txid"], made["fee_sat"]), "what the node reads")
    done = signer.with_words_of(world.node, alice).ask("walletprocesspsbt", made["psbt"], True, "DEFAULT", True, False)
    same(alice.call("psbt.decode", psbt=done["psbt"])["inputs"][0]["state"], "signed", "what walletd reads")
    sent = alice.call("psbt.broadcast", psbt=done["psbt"], wait="park")
    same((sent["id"], sent["state"], sent["result"]["txid"]), (made["action_id"], "in_mempool", made["txid"]), "the payment")
    world.finish(alice, sent)


@scenario("psbt: made here, signed here, finished and sent by the node: the payment goes on by itself")
def finished_elsewhere(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    made = drafted(world, alice)
    signed = alice.call("psbt.sign", psbt=made["psbt"])
    same((signed["signed"], signed["open"], signed["action_id"]), (1, 0, made["action_id"]), "what was signed")
    final = world.node.rpc.ask("finalizepsbt", signed["psbt"])
    ours = alice.call("psbt.finalize", psbt=signed["psbt"])
    same((final["complete"], final["hex"]), (True, ours["hex"]), "the transaction, by the node and by walletd")
    world.node.send(final["hex"])
    sent = alice.wait({"id": made["action_id"]}, "in_mempool")
    same(sent["result"]["txid"], made["txid"], "the payment")
    no = refused("illegal_state", alice.call, "psbt.broadcast", field="psbt", psbt=signed["psbt"])
    check(made["txid"] in no.data["hint"], f"the hint: {no.data['hint']}")
    world.finish(alice, sent)


@scenario("psbt: one transaction of two wallets, walletd's and the node's, each signs its own input")
def joint(world):
    alice = world.wallet("alice")
    world.fund(alice, 50_000)
    ours, theirs = alice.coins()[0], world.node.inputs()[0]
    txid, vout = ours["outpoint"].split(":")
    worth = next(u["amount"] for u in world.node.wallet.ask("listunspent") if (u["txid"], u["vout"]) ==
                 (theirs["txid"], theirs["vout"]))
    back = alice.address()
    psbt = world.node.rpc.ask("createpsbt", [{"txid": txid, "vout": int(vout)}, theirs],
                              [{back: str(btc(49_000))}, {world.node.address(): str(worth - btc(1_000))}])
    psbt = world.node.rpc.ask("utxoupdatepsbt", psbt)
    decoded = alice.call("psbt.decode", psbt=psbt)
    same([i["ours"] for i in decoded["inputs"]], [True, False], "whose inputs they are")
    first = alice.call("psbt.sign", psbt=psbt)
    same((first["signed"], first["open"], first["spend_sat"]), (1, 1, 1_000), "what alice signs")
    second = world.node.wallet.ask("walletprocesspsbt", psbt)["psbt"]
    both = alice.call("psbt.combine", psbts=[first["psbt"], second])["psbt"]
    final = alice.call("psbt.finalize", psbt=both)
    same((final["open"], final["hex"]), (0, world.node.rpc.ask("finalizepsbt", both)["hex"]), "the transaction")
    world.node.send(final["hex"])
    alice.wait_tx(final["txid"], "pending")
    world.node.mine()
    alice.wait_sums(49_000, 0, 0)


@scenario("psbt: cancelled while it waits, and its coins are free")
def cancelled(world):
    alice = world.wallet("alice")
    world.fund(alice, 100_000)
    made = drafted(world, alice)
    alice.wait_sums(0, 100_000, 0)
    alice.again()
    alice.wait_sums(0, 100_000, 0)
    alice.cancel({"id": made["action_id"]})
    alice.wait_sums(100_000, 0, 0)
    same(alice.get({"id": made["action_id"]})["status"], "cancelled", "how it ended")


@scenario("psbt: of another wallet, with changed outputs, unsigned, cut off, or no PSBT: each refused with its own error")
def refusals(world):
    alice, bob = world.wallet("alice"), world.wallet("bob")
    world.fund(alice, 100_000, 50_000)
    world.fund(bob, 100_000)
    made, his = drafted(world, alice), drafted(world, bob)
    for method in ("psbt.sign", "psbt.broadcast"):
        refused("foreign_psbt", alice.call, method, field="psbt", psbt=his["psbt"])
    refused("unsigned_psbt", alice.call, "psbt.broadcast", field="psbt", psbt=made["psbt"])
    tx = tx_of(world, made["psbt"])
    inputs = [{"txid": i.txid, "vout": i.vout, "sequence": i.sequence} for i in tx.inputs]
    changed = world.node.rpc.ask("createpsbt", inputs, [{world.payee(): str(btc(tx.outputs[0].amount))}], tx.locktime)
    changed = world.node.rpc.ask("utxoupdatepsbt", changed)
    no = refused("changed_psbt", alice.call, "psbt.broadcast", field="psbt", psbt=changed)
    check("inputs or outputs" in str(no), str(no))
    for what, text in (("no base64", "psbt!"), ("no PSBT", "aGVsbG8="), ("cut off", made["psbt"][:80]),
                       ("with something behind", made["psbt"][:-4] + "AAAA")):
        for method in ("psbt.decode", "psbt.sign", "psbt.broadcast", "psbt.finalize"):
            try:
                refused("bad_psbt", alice.call, method, field="psbt", psbt=text)
            except AssertionError as wrong:
                raise AssertionError(f"{what}, {method}: {wrong}") from wrong
    refused("invalid_params", alice.call, "psbt.combine", field="psbts", psbts=[])
    refused("bad_psbt", alice.call, "psbt.combine", field="psbts", psbts=[made["psbt"], his["psbt"]])
    # Nothing of all that has moved anything.
    same((sum(alice.sums()), alice.get({"id": made["action_id"]})["state"]), (150_000, "awaiting_psbt"), "what is there")
    signed = alice.call("psbt.sign", psbt=made["psbt"])["psbt"]
    world.finish(alice, alice.call("psbt.broadcast", psbt=signed, wait="park"))
    refused("illegal_state", alice.call, "psbt.broadcast", field="psbt", psbt=signed)
    bob.cancel({"id": his["action_id"]})


@scenario("psbt: a locked wallet makes none and signs none, and takes in what was signed before")
def locked(world):
    alice = world.wallet("alice", passphrase=PASSPHRASE)
    world.fund(alice, 100_000)
    made = drafted(world, alice)
    signed = alice.call("psbt.sign", psbt=made["psbt"])["psbt"]
    alice.call("wallet.lock")
    refused("wallet_locked", drafted, world, alice)
    refused("wallet_locked", alice.call, "psbt.sign", psbt=made["psbt"])
    alice.call("wallet.unlock", passphrase=PASSPHRASE)
    world.finish(alice, alice.call("psbt.broadcast", psbt=signed, wait="park"))
