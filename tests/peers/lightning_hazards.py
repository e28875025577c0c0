"""What Core Lightning was measured to do (spec/splice.md 5.1, [M]), as tests that a real pair of nodes and the scripted one
pass alike: the real pair in tests/e2e/run_lightning, the scripted node in test_peers.py.

Each is a function of a Duo, which is a node and its peer with one channel between them, most of it ours:

  duo.node, duo.rpc, duo.steps             a bitcoind; our node's JSON-RPC, and splice_steps.Steps upon it
  duo.channel()                            as listpeerchannels shows it
  duo.peer_down(), duo.peer_up()           it goes away; it comes back, and the channel is reestablished
  duo.freeze(), duo.thaw()                 the peer says nothing more, and speaks again
  duo.wait_begun()                         until a splice_init has come to our node
  duo.crash()                              our node is killed and started again, and the channel reestablished
  duo.mine(n)                              blocks, which both have seen
  duo.DEPTH                                blocks until a splice is locked
  duo.submissions()                        rounds that were begun at our node
  duo.wealth()                             what is ours, in wallet and channel
"""
import bitcoin
import lab
from lightning_rpc import LightningError
from peer_bench import check, raises, same
from psbt import Psbt
from splice_steps import RESERVE

NORMAL, AWAITING_SPLICE = "CHANNELD_NORMAL", "CHANNELD_AWAITING_SPLICE"
CLOSING = ("AWAITING_UNILATERAL", "FUNDING_SPEND_SEEN", "ONCHAIN")
HAZARDS = []


def hazard(name):
    def register(function):
        HAZARDS.append((name, function))
        return function
    return register


def refused(duo, code, method, **params):
    """Its words."""
    why = raises(LightningError, duo.rpc.ask, method, **params)
    same(why.code, code, f"the code of {why}")
    return why.message


def freed(duo):
    """The channel's daemon is a new one, as it is a moment after an abort: until then commands are answered by the abort
    (362).  The channel as it is then."""
    psbt = duo.steps.build_out(10_000)[0]

    def fresh():
        try:
            duo.steps.update(psbt)
        except LightningError as why:
            return why.code == 358 and why.message.endswith("this channel hasn't begun a splice.")
        return False
    lab.wait_until(fresh, "the channel to be free", within_s=60)
    return duo.channel()


def rows(duo):
    return [r["funding_txid"] for r in duo.channel().get("inflight", [])]


def reserved(duo):
    """Coins that the wallet keeps for something."""
    return len([o for o in duo.rpc.ask("listfunds")["outputs"] if o["reserved"] and o["status"] != "spent"])


def lock(duo, txid):
    """A block upon it, and both sides say so."""
    duo.mine(1)
    lab.wait_until(lambda: duo.channel()["funding_txid"] == txid and duo.channel()["state"] == NORMAL, "it to lock",
                   within_s=60)


@hazard("out: what leaves the channel arrives, less the fee that the formula tells")
def _(duo):
    before = duo.channel()
    done = duo.steps.splice(duo.steps.build_out(50_000))
    tx = bitcoin.Tx.parse(done["tx"])
    same((tx.txid(), done["txid"] in duo.node.pooled()), (done["txid"], True), "the transaction")
    check(bitcoin.Output(50_000, bitcoin.segwit_script(duo.steps.address)) in tx.outputs, "what it pays")
    told = duo.channel()
    same((told["state"], rows(duo), told["funding_txid"]), (AWAITING_SPLICE, [done["txid"]], before["funding_txid"]),
         "in flight")
    same(told["inflight"][0]["splice_amount"], -50_775, "our part")
    lock(duo, done["txid"])
    told = duo.channel()
    same((told["funding_outnum"], "inflight" in told, told["channel_id"]), (done["outnum"], False, before["channel_id"]),
         "locked")
    same((told["to_us_msat"] - before["to_us_msat"], told["total_msat"] - before["total_msat"]), (-50_775_000, -50_775_000),
         "what has left")
    same(told["state_changes"][-1]["message"], "Lockin complete", "how it came about")
    same(tx.outputs[done["outnum"]].amount * 1000, told["total_msat"], "its new output")


@hazard("in: reserved coins go into the channel, the change comes back, and nothing is lost but the fee")
def _(duo):
    before = duo.wealth()
    built = duo.steps.build_in(150_000)
    same(reserved(duo), len(Psbt.parse(built[0]).inputs), "coins that are reserved")
    done = duo.steps.splice(built, sign=True)
    old = duo.rpc.ask("setpsbtversion", psbt=done["psbt"], version=0)["psbt"]
    same(duo.node.rpc.ask("decodepsbt", old)["tx"]["txid"], done["txid"], "the PSBT as bitcoind reads it")
    lock(duo, done["txid"])
    fee = int(duo.node.rpc.ask("getmempoolentry", done["txid"])["fees"]["base"] * 10 ** 8) if done["txid"] in \
        duo.node.pooled() else Psbt.parse(done["psbt"]).fee()
    lab.wait_until(lambda: duo.wealth() == before - fee, f"{before} less {fee} to be there")


@hazard("coins that a PSBT names by their outpoints alone: reserved for so many blocks more, and released whole")
def _(duo):
    named = Psbt.parse(duo.steps.build_in(150_000)[0])
    named.outputs = []
    for one in named.inputs:
        for name in [n for n in one if n[0] not in (0x0e, 0x0f, 0x10)]:
            del one[name]

    def reserved_to():
        told = {(o["txid"], o["output"]): o.get("reserved_to_block") for o in duo.rpc.ask("listfunds")["outputs"]}
        return {told[outpoint] for outpoint in named.outpoints()}
    to = duo.node.height() + RESERVE
    same(reserved_to(), {to}, "until when they are reserved")
    duo.rpc.ask("reserveinputs", psbt=named.text(0), reserve=150, exclusive=False)
    same(reserved_to(), {to + 150}, "until when they are reserved then")
    duo.rpc.ask("unreserveinputs", psbt=named.text(0), reserve=1_000_000)
    same((reserved_to(), reserved(duo)), ({None}, 0), "until when at last, and coins that are reserved")
    duo.rpc.ask("unreserveinputs", psbt=named.text(0), reserve=1_000_000)
    same(reserved(duo), 0, "coins that are reserved when it is said twice")


@hazard("the order of a PSBT's parts changes with the first update, and not after it: what was signed early stays signed")
def _(duo):
    second = duo.steps.fixed(duo.steps.build_in(150_000), sign=True)
    third = duo.steps.update(second)
    same((third["commitments_secured"], third["signatures_secured"]), (True, True), "the final update")
    same(Psbt.parse(third["psbt"]).tx().txid(), Psbt.parse(second).tx().txid(), "the transaction")
    same((duo.channel()["state"], rows(duo)), (NORMAL, [Psbt.parse(second).tx().txid()]), "what is in flight")


@hazard("a bump repeats the amount: both candidates are in flight, and the one that is mined is locked")
def _(duo):
    first = duo.steps.splice(duo.steps.build_out(50_000))
    second = duo.steps.splice(duo.steps.build_out(50_000, rate=2000), rate=2000)
    same(rows(duo), [first["txid"], second["txid"]], "in flight")
    told = duo.channel()
    same((told["last_feerate"], told["next_feerate"]), ("2000perkw", "2083perkw"), "what comes next")
    same(duo.node.pooled(), {second["txid"]}, "the mempool")
    duo.node.mine(txs=[first["tx"]])
    lock(duo, first["txid"])


@hazard("a bump that pays too little is signed by both, refused by the mempool (350), and stays in flight")
def _(duo):
    first = duo.steps.splice(duo.steps.build_out(50_000, rate=2000), rate=2000)
    final = duo.steps.settle(duo.steps.build_out(50_000, rate=1500), rate=1500)
    words = refused(duo, 350, "splice_signed", channel_id=duo.steps.channel_id, psbt=final)
    check("insufficient fee" in words, words)
    same((duo.channel()["state"], len(rows(duo)), duo.node.pooled()), (AWAITING_SPLICE, 2, {first["txid"]}), "in flight")


@hazard("a bump of a splice in, with the coins that the first one has spent")
def _(duo):
    built = duo.steps.build_in(150_000)
    first = duo.steps.splice(built, sign=True)
    coins = [f"{txid}:{vout}" for txid, vout in Psbt.parse(built[0]).outpoints()]
    again = duo.rpc.ask("utxopsbt", satoshi="150000sat", feerate="2000perkw", startweight=640, utxos=coins, reservedok=True,
                        excess_as_change=True, reserve=RESERVE)
    second = duo.steps.splice((again["psbt"], 150_000), rate=2000, sign=True)
    same((rows(duo), duo.node.pooled()), ([first["txid"], second["txid"]], {second["txid"]}), "in flight")
    lock(duo, second["txid"])


@hazard("a peer that is silent, and goes: no reply, then 355, until abort_channels frees the channel")
def _(duo):
    built = duo.steps.build_out(50_000)
    duo.freeze()
    outcome = duo.rpc.ask_later("splice_init", **duo.steps.init_params(built))
    duo.wait_begun()
    refused(duo, 355, "splice_update", channel_id=duo.steps.channel_id, psbt=built[0])
    duo.peer_down()
    refused(duo, 351, "abort_channels", channel_ids=[duo.steps.channel_id])
    duo.thaw()
    duo.peer_up()
    refused(duo, 355, "splice_update", channel_id=duo.steps.channel_id, psbt=built[0])
    same(outcome, [], "what the first one was answered")
    same(duo.rpc.ask("abort_channels", channel_ids=[duo.steps.channel_id]), {}, "the abort")
    lab.wait_until(lambda: outcome, "an answer at last")
    same((outcome[0].code, outcome[0].message), (362, "requested by user"), "the answer")
    freed(duo)
    duo.steps.splice(built)


@hazard("a peer that goes between two commands: the round is forgotten (358)")
def _(duo):
    psbt = duo.steps.begin(duo.steps.build_out(50_000))
    duo.peer_down()
    told = duo.channel()
    same((told["peer_connected"], "reestablished" in told, "owner" in told), (False, False, False), "while it is away")
    refused(duo, 351, "splice_update", channel_id=duo.steps.channel_id, psbt=psbt)
    duo.peer_up()
    words = refused(duo, 358, "splice_update", channel_id=duo.steps.channel_id, psbt=psbt)
    check(words.endswith("this channel hasn't begun a splice."), words)
    duo.steps.splice(duo.steps.build_out(50_000))


@hazard("killed after the final update: a splice out goes on by itself")
def _(duo):
    duo.steps.settle(duo.steps.build_out(50_000))
    resumed(duo)


@hazard("killed after the final update: a splice in that was signed early goes on by itself")
def _(duo):
    duo.steps.settle(duo.steps.build_in(150_000), sign=True)
    resumed(duo)


def resumed(duo):
    told = duo.channel()
    txid, = rows(duo)
    same((told["state"], duo.node.pooled()), (NORMAL, set()), "before")
    duo.crash()
    lab.wait_until(lambda: txid in duo.node.pooled(), "it to be sent", within_s=60)
    same(duo.channel()["state"], AWAITING_SPLICE, "after")
    lock(duo, txid)


@hazard("the connection is cut by hand after the final update: it comes back by itself, and the splice goes on")
def _(duo):
    duo.steps.settle(duo.steps.build_in(150_000), sign=True)
    txid, = rows(duo)
    refused(duo, -1, "disconnect", id=duo.channel()["peer_id"])
    same(duo.rpc.ask("disconnect", id=duo.channel()["peer_id"], force=True), {}, "by force")
    lab.wait_until(lambda: duo.channel()["state"] == AWAITING_SPLICE, "it to be signed", within_s=60)
    lab.wait_until(lambda: txid in duo.node.pooled(), "it to be sent", within_s=60)
    lock(duo, txid)


@hazard("killed after the final update with an unsigned splice in: an orphan, which abort_channels takes away")
def _(duo):
    built = duo.steps.build_in(150_000)
    duo.steps.settle(built)
    duo.crash()
    told = duo.channel()
    same((told["state"], len(told["inflight"])), (NORMAL, 1), "the orphan")
    duo.rpc.ask("abort_channels", channel_ids=[duo.steps.channel_id])
    told = freed(duo)
    same((told["state"], "inflight" in told, reserved(duo)), (NORMAL, False, len(Psbt.parse(built[0]).inputs)),
         "whether it is there, and coins that are still reserved")
    duo.rpc.ask("unreserveinputs", psbt=built[0], reserve=RESERVE)
    same(reserved(duo), 0, "coins that are still reserved")
    duo.steps.splice(duo.steps.build_in(150_000), sign=True)


@hazard("abort_channels before there is a row frees the channel")
def _(duo):
    duo.steps.fixed(duo.steps.build_out(50_000))
    duo.rpc.ask("abort_channels", channel_ids=[duo.steps.channel_id])
    told = freed(duo)
    same((told["state"], "inflight" in told), (NORMAL, False), "what is left")
    duo.steps.splice(duo.steps.build_out(50_000))


@hazard("abort_channels after our signatures closes the channel")
def _(duo):
    duo.steps.splice(duo.steps.build_out(50_000))
    duo.rpc.ask("abort_channels", channel_ids=[duo.steps.channel_id])
    lab.wait_until(lambda: duo.channel()["state"] in CLOSING, "it to close", within_s=60)


@hazard("a feerate without a unit is per kilobyte")
def _(duo):
    psbt, relative = duo.steps.build_out(50_000, rate=500)
    psbt = duo.steps.ask("splice_init", channel_id=duo.steps.channel_id, relative_amount=relative, initialpsbt=psbt,
                         feerate_per_kw=2000)["psbt"]
    duo.steps.update(duo.steps.update(psbt)["psbt"])
    same(duo.channel()["inflight"][0]["feerate"], "500perkw", "what it is taken for")


@hazard("fees too low (359), too high (360) and forced")
def _(duo):
    for rate, told, code in ((1000, 1100, 359), (9_000, 1000, 360)):
        psbt = duo.steps.fixed(duo.steps.build_out(50_000, rate=rate), told)
        refused(duo, code, "splice_update", channel_id=duo.steps.channel_id, psbt=psbt)
        freed(duo)
    duo.steps.settle(duo.steps.build_out(50_000, rate=9_000), 1000, force_feerate=True)


@hazard("more than there is (357), and one splice at a time (358)")
def _(duo):
    psbt, _ = duo.steps.build_in(50_000)
    psbt = duo.steps.fixed((psbt, 900_000))
    refused(duo, 357, "splice_update", channel_id=duo.steps.channel_id, psbt=psbt)
    freed(duo)
    built = duo.steps.build_out(50_000)
    duo.steps.begin(built)
    same(refused(duo, 358, "splice_init", **duo.steps.init_params(built)),
         "Can't start two splices on the same channel at once.", "a second one")
    duo.rpc.ask("abort_channels", channel_ids=[duo.steps.channel_id])
    freed(duo)
    duo.steps.splice(built)


@hazard("a missing signature (358) can be added, and the splice goes on")
def _(duo):
    psbt = duo.steps.settle(duo.steps.build_in(150_000))
    words = refused(duo, 358, "splice_signed", channel_id=duo.steps.channel_id, psbt=psbt)
    check("missing a signature" in words, words)
    duo.steps.commit(duo.rpc.ask("signpsbt", psbt=psbt)["signed_psbt"])


@hazard("when the final update's reply is lost, what was given for it finishes the splice; when the last one's is, it is over")
def _(duo):
    for built, sign in ((duo.steps.build_out(50_000), False), (duo.steps.build_in(150_000), True)):
        psbt = duo.steps.fixed(built, sign=sign)
        duo.steps.update(psbt)
        same((duo.channel()["state"], len(rows(duo))), (NORMAL, 1), "while nobody goes on")
        done = duo.steps.commit(psbt)
        same(duo.node.pooled(), {done["txid"]}, "the mempool")
        words = refused(duo, 358, "splice_signed", channel_id=duo.steps.channel_id, psbt=psbt)
        check(words.endswith("this channel hasn't begun a splice."), words)
        lock(duo, done["txid"])


@hazard("a round that nobody remembers is in the way (358), and abort_channels takes it away, before it is final and after")
def _(duo):
    built = duo.steps.build_out(50_000)
    for stop in (duo.steps.begin, duo.steps.fixed, duo.steps.settle):
        stop(built)
        words = refused(duo, 358, "splice_init", **duo.steps.init_params(built))
        same(words, "Can't start two splices on the same channel at once.", f"after {stop.__name__}")
        duo.rpc.ask("abort_channels", channel_ids=[duo.steps.channel_id])
        same("inflight" in freed(duo), False, "whether anything is in flight")
    duo.steps.splice(built)


@hazard("words of refusal: nothing to sign, coins that are not there, a channel that is not there, another network")
def _(duo):
    words = refused(duo, -1, "signpsbt", psbt=duo.steps.build_out(10_000)[0])
    check(words.startswith("No wallet inputs to sign."), words)
    words = refused(duo, 301, "fundpsbt", satoshi="90000000000sat", feerate="1000perkw", startweight=640)
    check(words.startswith("Could not afford"), words)
    refused(duo, 352, "splice_init", channel_id="11" * 32, relative_amount=-10_000)
    refused(duo, -1, "addpsbtoutput", satoshi="10000sat", destination="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    refused(duo, -32602, "splice_init", channel_id=duo.steps.channel_id)
    refused(duo, -32602, "getinfo", what=1)
    refused(duo, -32601, "splice_undo")
    refused(duo, 400, "connect", id="02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9")
    duo.peer_down()
    refused(duo, 400, "connect", id=duo.channel()["peer_id"])
    refused(duo, 401, "connect", id=duo.channel()["peer_id"], host="127.0.0.1", port=1)
