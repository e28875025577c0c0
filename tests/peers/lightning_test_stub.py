"""The scripted Lightning node: what it says and does is what Core Lightning was measured to (spec/splice.md 5.1, [M])."""
import json
import socket

import acts
import bitcoin
import lab
from lightning_bench import RATE, check, raises, same, test
from lightning_channel import AWAITING_SPLICE, NORMAL, UNILATERAL
from psbt import Psbt


@test("lightning stub: a splice out, mined, locked; what leaves the channel arrives, less the fee")
def _(world):
    address = world.node.address()
    done = world.splice(world.build_out(50_000, address=address))
    tx = bitcoin.Tx.parse(done["tx"])
    same((tx.txid(), tx.txid() in world.node.pooled()), (done["txid"], True), "the transaction")
    check(any(o.amount == 50_000 and o.script == bitcoin.segwit_script(address) for o in tx.outputs), "what is paid")
    told = world.state()
    same((told["state"], [r["funding_txid"] for r in told["inflight"]]), (AWAITING_SPLICE, [done["txid"]]), "in flight")
    same((told["funding_txid"], told["inflight"][0]["splice_amount"]), (world.channel.funding[0], -50_775), "and not locked")
    world.node.mine()
    told = world.state()
    same((told["state"], told["funding_txid"], told["funding_outnum"], "inflight" in told),
         (NORMAL, done["txid"], done["outnum"], False), "locked")
    same((told["to_us_msat"], told["total_msat"]), (549_225_000, 949_225_000), "what is in it")
    same(told["state_changes"][-1]["message"], "Lockin complete", "how it came about")
    same(tx.outputs[done["outnum"]].amount, 949_225, "its new output")


@test("lightning stub: a splice in spends reserved coins; its change is the wallet's again, and nothing is lost but the fee")
def _(world):
    before = world.stub.wealth()
    built = world.build_in(150_000)
    same(len(world.stub.coins.free(world.stub.height(), 1)), 1, "coins that nobody has reserved")
    signed = world.settle(built, sign=True)
    done = world.commit(signed)
    fee = Psbt.parse(done["psbt"]).fee()
    weight = bitcoin.Tx.parse(done["tx"]).weight()
    check(RATE * weight <= fee * 1000 <= (RATE + 60) * weight, f"a fee of {fee} for {weight}")
    world.node.mine()
    same((world.state()["to_us_msat"], world.stub.wealth()), (750_000_000, before - fee), "what is there")


@test("lightning stub: a PSBT is read and written in both versions, and is the same transaction")
def _(world):
    psbt, _ = world.build_in(150_000)
    old = world.ask("setpsbtversion", psbt=psbt, version=0)["psbt"]
    told = world.node.rpc.ask("decodepsbt", old)
    same(told["tx"]["txid"], Psbt.parse(psbt).tx().txid(), "as bitcoind reads it")
    same(world.ask("setpsbtversion", psbt=old, version=2)["psbt"], psbt, "there and back")
    world.refused(-32602, "setpsbtversion", psbt=psbt[:-6], version=0)


@test("lightning stub: a bump repeats the amount; both candidates are in flight, and either can confirm")
def _(world):
    address = world.node.address()
    first = world.splice(world.build_out(50_000, address=address))
    second = world.splice(world.build_out(50_000, rate=2000, address=address), rate=2000)
    told = world.state()
    same([(r["funding_txid"], r["feerate"]) for r in told["inflight"]],
         [(first["txid"], "1000perkw"), (second["txid"], "2000perkw")], "in flight")
    same((told["last_feerate"], told["next_feerate"]), ("2000perkw", "2083perkw"), "what comes next")
    same(world.node.pooled(), {second["txid"]}, "the mempool")
    world.node.mine(txs=[first["tx"]])
    same(world.state()["funding_txid"], first["txid"], "what is locked")
    same(world.state()["to_us_msat"], 549_225_000, "the figures of that one")


@test("lightning stub: a bump that pays too little is signed by both, refused by the mempool (350), and stays in flight")
def _(world):
    first = world.splice(world.build_out(50_000, rate=2000), rate=2000)
    final = world.settle(world.build_out(50_000, rate=1000), rate=1000)
    words = world.refused(350, "splice_signed", channel_id=world.channel.id, psbt=final)
    check("insufficient fee" in words, words)
    told = world.state()
    same((told["state"], len(told["inflight"]), told["last_feerate"]), (AWAITING_SPLICE, 2, "1000perkw"), "in flight")
    same(world.node.pooled(), {first["txid"]}, "the mempool")


@test("lightning stub: a peer that is silent, and goes: no reply, 355 for all others, until abort_channels frees the channel")
def _(world):
    built = world.build_out(50_000)
    world.channel.peer.frozen = True
    outcome, thread = world.in_background("splice_init", channel_id=world.channel.id, relative_amount=built[1],
                                          initialpsbt=built[0], feerate_per_kw="1000perkw")
    lab.wait_until(lambda: world.stub.count("hang"), "the command to wait")
    world.refused(355, "splice_init", channel_id=world.channel.id, relative_amount=built[1], initialpsbt=built[0],
                  feerate_per_kw="1000perkw")
    world.channel.disconnect()
    world.refused(351, "splice_update", channel_id=world.channel.id, psbt=built[0])
    world.refused(351, "abort_channels", channel_ids=[world.channel.id])
    world.channel.peer.frozen = False
    world.channel.connect()
    world.refused(355, "splice_update", channel_id=world.channel.id, psbt=built[0])
    same(outcome, [], "what the first one was answered")
    same(world.ask("abort_channels", channel_ids=[world.channel.id]), {}, "the abort")
    thread.join(20)
    same((outcome[0].code, outcome[0].message), (362, "requested by user"), "what it is answered at last")
    world.refused(351, "splice_init", channel_id=world.channel.id, relative_amount=built[1])
    lab.wait_until(lambda: world.state().get("owner"), "its daemon to be back")
    world.splice(built)
    same(world.stub.unlawful, [], "what must not be done")


@test("lightning stub: a silent peer that speaks again lets the command go on")
def _(world):
    world.channel.peer.frozen = True
    built = world.build_out(50_000)
    outcome, thread = world.in_background("splice_init", channel_id=world.channel.id, relative_amount=built[1],
                                          initialpsbt=built[0], feerate_per_kw="1000perkw")
    lab.wait_until(lambda: world.stub.count("hang"), "the command to wait")
    world.channel.peer.frozen = False
    thread.join(20)
    check("psbt" in outcome[0], f"the answer {outcome}")


@test("lightning stub: a disconnect between two commands forgets the round (358)")
def _(world):
    psbt = world.begin(world.build_out(50_000))
    world.channel.disconnect()
    told = world.state()
    same((told["peer_connected"], "reestablished" in told, "owner" in told), (False, False, False), "while it is away")
    same(world.ask("connect", id=world.channel.peer.id)["id"], world.channel.peer.id, "a connection")
    words = world.refused(358, "splice_update", channel_id=world.channel.id, psbt=psbt)
    check(words.endswith("this channel hasn't begun a splice."), words)
    world.splice(world.build_out(50_000))


@test("lightning stub: killed after the final update: a splice out, and one in that was signed early, go on by themselves")
def _(world):
    for built, sign in ((world.build_out(50_000), False), (world.build_in(150_000), True)):
        world.settle(built, sign=sign)
        told = world.state()
        same((told["state"], len(told["inflight"])), (NORMAL, 1), "before")
        world.stub.crash()
        raises((OSError, EOFError), world.ask, "getinfo")
        world.stub.start()
        told = world.state()
        same((told["state"], told["reestablished"]), (AWAITING_SPLICE, True), "after")
        txid = told["inflight"][0]["funding_txid"]
        check(txid in world.node.pooled(), "it is sent")
        world.node.mine()
        same(world.state()["funding_txid"], txid, "what is locked")
    same(world.stub.count("open"), 2, "submissions")


@test("lightning stub: killed with an unsigned splice in: an orphan row, which turns the next splice into a bump of nothing")
def _(world):
    built = world.build_in(150_000)
    world.settle(built)
    world.stub.crash()
    world.stub.start()
    told = world.state()
    same((told["state"], told["reestablished"], len(told["inflight"])), (NORMAL, True, 1), "the orphan")
    world.refused(363, "splice_init", channel_id=world.channel.id, relative_amount=150_000, initialpsbt=built[0],
                  feerate_per_kw="1000perkw")
    lab.wait_until(lambda: world.state().get("owner"), "its daemon to be back")
    world.ask("abort_channels", channel_ids=[world.channel.id])
    same("inflight" in world.state(), False, "whether the row is there")
    same(len(world.stub.coins.free(world.stub.height(), 1)), 1, "coins that are free")
    world.ask("unreserveinputs", psbt=built[0], reserve=2016)
    same(len(world.stub.coins.free(world.stub.height(), 1)), 2, "coins that are free again")
    lab.wait_until(lambda: world.state().get("owner"), "its daemon to be back")
    world.splice(world.build_in(150_000), sign=True)
    same(world.stub.unlawful, [], "what must not be done")


@test("lightning stub: abort_channels after our signatures closes the channel, and is written down as unlawful")
def _(world):
    world.splice(world.build_out(50_000))
    world.ask("abort_channels", channel_ids=[world.channel.id])
    same((world.state()["state"], len(world.stub.unlawful)), (UNILATERAL, 1), "what comes of it")


@test("lightning stub: a feerate without a unit is per kilobyte, and written down as unlawful")
def _(world):
    psbt, relative = world.build_out(50_000)
    world.ask("splice_init", channel_id=world.channel.id, relative_amount=relative, initialpsbt=psbt, feerate_per_kw=2000)
    same((world.stub.journal[-1].more["feerate_kw"], len(world.stub.unlawful)), (500, 1), "what it is taken for")


@test("lightning stub: fees too low (359) and too high (360), a rate below the floor (358), and more than there is (357)")
def _(world):
    channel, restarted = world.channel.id, lambda: lab.wait_until(lambda: world.state().get("owner"), "its daemon")
    for rate, told, code in ((1000, 1100, 359), (200_000, 1000, 360)):
        built = world.build_out(50_000, rate=rate)
        psbt = world.update(world.begin(built, told))["psbt"]
        world.refused(code, "splice_update", channel_id=channel, psbt=psbt)
        restarted()
    psbt = world.update(world.begin(world.build_out(50_000, rate=200_000), 1000, force_feerate=True))["psbt"]
    same(world.update(psbt)["commitments_secured"], True, "what is forced")
    world.ask("abort_channels", channel_ids=[channel])
    restarted()
    built = world.build_out(700_000)
    psbt = world.update(world.begin(built))["psbt"]
    world.refused(357, "splice_update", channel_id=channel, psbt=psbt)
    restarted()
    words = world.refused(358, "splice_init", channel_id=channel, relative_amount=-60_000, feerate_per_kw="252perkw")
    check("too low" in words, words)
    words = world.refused(358, "splice_init", channel_id=channel, relative_amount=-60_000, feerate_per_kw="1000perkw")
    same(words, "Can't start two splices on the same channel at once.", "what the refused one leaves behind")


@test("lightning stub: what a peer says when it aborts, a peer without splicing, and one that is not there")
def _(world):
    built = world.build_out(50_000)
    world.channel.peer.aborts["splice_init"] = "no splices today"
    same(world.refused(362, "splice_init", channel_id=world.channel.id, relative_amount=built[1], initialpsbt=built[0]),
         "Peer aborted for reason: no splices today", "its words")
    world.channel.peer.features = 0x8a2a59
    same(world.ask("listpeers", id=world.channel.peer.id)["peers"][0]["features"], "8a2a59", "its features")
    world.refused(354, "splice_init", channel_id=world.channel.id, relative_amount=built[1])
    world.refused(352, "splice_init", channel_id="11" * 32, relative_amount=built[1])
    world.channel.disconnect()
    world.channel.peer.reachable = False
    world.refused(401, "connect", id=world.channel.peer.id)
    world.refused(400, "connect", id=world.stub.id)


@test("lightning stub: a peer that adds and changes what it likes is told of in the next reply")
def _(world):
    stolen = world.stub.coins.all()[0]

    def meddle(psbt):
        psbt.add_input(stolen.txid, stolen.vout, bitcoin.Output(stolen.amount, stolen.script))
        psbt.outputs[0][b"\x03"] = (1).to_bytes(8, "little")
    world.channel.peer.meddle = meddle
    told = Psbt.parse(world.update(world.begin(world.build_out(50_000)))["psbt"])
    check((stolen.txid, stolen.vout) in told.outpoints(), "the coin that it adds")
    check(1 in [o.amount for o in told.paid()], "the amount that it changes")


@test("lightning stub: a splice of the peer's is a row of amount 0, and moves nothing of ours when it locks")
def _(world):
    world.stub.peer_coins.fund(500_000)
    txid = world.channel.foreign_splice(250_000)
    told = world.state()
    same((told["state"], [(r["funding_txid"], r["splice_amount"]) for r in told["inflight"]]),
         (AWAITING_SPLICE, [(txid, 0)]), "in flight")
    world.node.mine()
    told = world.state()
    same((told["funding_txid"], told["to_us_msat"], told["total_msat"]), (txid, 600_000_000, 1_250_000_000), "locked")
    out = world.channel.foreign_splice(-100_000)
    world.node.mine()
    told = world.state()
    same((told["funding_txid"], told["to_us_msat"], told["total_msat"]), (out, 600_000_000, 1_150_000_000), "and out again")


@test("lightning stub: the peer withholds its splice_locked: confirmed, and not locked")
def _(world):
    world.channel.peer.locks = False
    done = world.splice(world.build_out(50_000))
    world.node.mine(3)
    same(world.state()["state"], AWAITING_SPLICE, "while it does not lock")
    world.channel.peer.locks = True
    same(world.state()["funding_txid"], done["txid"], "when it does")


@test("lightning stub: closed together and alone: on chain, and forgotten in the end")
def _(world):
    other = world.stub.open_channel("b", 500_000, 400_000, peer=1)
    world.channel.close()
    other.force_close()
    same([c["state"] for c in world.ask("listpeerchannels")["channels"]], ["CLOSINGD_COMPLETE", UNILATERAL], "at first")
    world.node.mine()
    same([c["state"] for c in world.ask("listpeerchannels")["channels"]], ["ONCHAIN", "ONCHAIN"], "in a block")
    tx = bitcoin.Tx.parse(world.node.raw(other.closing_txid))
    same((tx.locktime >> 24, tx.inputs[0].sequence >> 24), (0x20, 0x80), "how a commitment looks")
    world.node.mine(100)
    world.ask("listpeerchannels")
    same(world.ask("listpeerchannels")["channels"], [], "at last")
    same([c["channel_id"] for c in world.ask("listclosedchannels")["closedchannels"]], [world.channel.id, other.id], "closed")
    world.refused(352, "splice_init", channel_id=other.id, relative_amount=-1)


@test("lightning stub: rules: lost before and after it acted, refused, delayed, never, and cut in half")
def _(world):
    built = world.build_out(50_000)
    world.stub.at("splice_init", acts.lose_request())
    raises((OSError, EOFError), world.begin, built)
    same(world.stub.count("open"), 0, "submissions")
    world.stub.at("splice_init", acts.lose_reply())
    raises((OSError, EOFError), world.begin, built)
    same(world.stub.count("open"), 1, "submissions")
    world.stub.at("getinfo", acts.error("Malformed", code=-32600))
    world.refused(-32600, "getinfo")
    world.stub.at("getinfo", acts.truncate(20))
    raises(EOFError, world.ask, "getinfo")
    hold = acts.Hold()
    world.stub.at("getinfo", hold)
    world.rpc.timeout = 0.3
    raises(socket.timeout, world.ask, "getinfo")
    hold.let_go()
    world.rpc.timeout = 20
    world.stub.at("getinfo", acts.drip(2000))
    same(world.ask("getinfo")["version"], "v26.06.6", "in drops")
    same(world.stub.unused(), [], "rules that nobody came by")


@test("lightning stub: requests back to back on one connection, and what is no request")
def _(world):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        connection.connect(world.stub.socket)
        asked = [{"jsonrpc": "2.0", "id": n, "method": m, "params": {}} for n, m in enumerate(("getinfo", "listpeers", "x"))]
        connection.sendall("".join(map(json.dumps, asked)).encode())
        text = b""
        while text.count(b"\n\n") < 3:
            text += connection.recv(1 << 16)
        told = [json.loads(t) for t in text.split(b"\n\n")[:3]]
        same([(t["id"], "result" in t) for t in told], [(0, True), (1, True), (2, False)], "the answers")
        same(told[2]["error"]["code"], -32601, "a method that is not there")
        connection.sendall(b'{"jsonrpc":"2.0","id":7,"method":"getinfo"}')
        same(json.loads(connection.recv(1 << 16))["error"]["message"], "No params", "one without parameters")
    world.refused(-32602, "splice_init", channel_id=world.channel.id)
    world.refused(-32602, "getinfo", what=1)


@test("lightning stub: coins are chosen, reserved, kept from others and given back")
def _(world):
    height = world.stub.height()
    first = world.ask("fundpsbt", satoshi="100000sat", feerate="1000perkw", startweight=640, excess_as_change=True,
                      reserve=2016)
    same([r["reserved_to_block"] for r in first["reservations"]], [height + 2016], "until when")
    world.ask("fundpsbt", satoshi="100000sat", feerate="1000perkw", startweight=640, excess_as_change=True, reserve=2016)
    words = world.refused(301, "fundpsbt", satoshi="100000sat", feerate="1000perkw", startweight=640)
    check(words.startswith("Could not afford"), words)
    coin = f"{first['reservations'][0]['txid']}:{first['reservations'][0]['vout']}"
    again = world.ask("utxopsbt", satoshi="100000sat", feerate="2000perkw", startweight=640, utxos=[coin], reservedok=True,
                      excess_as_change=True, reserve=2016)
    same(Psbt.parse(again["psbt"]).outpoints(), Psbt.parse(first["psbt"]).outpoints(), "the same coin")
    paid = Psbt.parse(first["psbt"]).paid()[0].amount - Psbt.parse(again["psbt"]).paid()[0].amount
    check(paid > 1000, f"{paid} more for twice the rate")
    world.ask("unreserveinputs", psbt=first["psbt"], reserve=4032)
    same(len(world.stub.coins.free(height, 1)), 1, "coins that are free")
    same(world.refused(-1, "signpsbt", psbt=world.build_out(10_000)[0])[:25], "No wallet inputs to sign.", "nothing to sign")
    world.refused(-32602, "addpsbtoutput", satoshi="10000sat", destination="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")


@test("lightning stub: blocks are waited for, and the node says when it is behind")
def _(world):
    height = world.stub.height()
    outcome, thread = world.in_background("waitblockheight", blockheight=height + 1, timeout=20)
    world.node.mine()
    thread.join(20)
    same(outcome, [{"blockheight": height + 1}], "a block")
    world.refused(2000, "waitblockheight", blockheight=height + 5, timeout=0.1)
    world.stub.warnings["warning_bitcoind_sync"] = "Bitcoind is not up-to-date with network."
    check("warning_bitcoind_sync" in world.ask("getinfo"), "the warning")
