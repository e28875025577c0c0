"""The scripted Lightning node.  It is what Core Lightning was measured to be (lightning_hazards.py), and knows besides what
a test wants to happen."""
import json
import os
import socket

import acts
import bitcoin
import lab
from lightning_bench import check, raises, same, test
from lightning_channel import AWAITING_SPLICE, UNILATERAL
from lightning_hazards import HAZARDS
from psbt import Psbt

RECORDED = os.path.join(lab.ROOT, "tests", "vectors", "lightning", "cln.json")
# In these our own node does what it must never do.
UNLAWFUL = ("abort_channels after our signatures", "a feerate without a unit")


def as_real(name, function):
    @test("lightning stub, as the real one: " + name)
    def _(world):
        function(world)
        same(len(world.stub.unlawful), sum(name.startswith(one) for one in UNLAWFUL), "what must not be done")


for one in HAZARDS:
    as_real(*one)


def shape(value, path=""):
    """{path of a field: its kind}, of all that is in an answer."""
    found = {path: type(value).__name__}
    for name, inner in value.items() if isinstance(value, dict) else ():
        found.update(shape(inner, f"{path}.{name}"))
    for inner in value if isinstance(value, list) else ():
        found.update(shape(inner, path + "[]"))
    return found


@test("lightning stub: each field of its answers is one of the real node's, and of that kind")
def _(world):
    with open(RECORDED, encoding="utf-8") as f:
        said = json.load(f)["said"]
    real = {}
    for one in said:
        real.setdefault(one["method"], {}).update(shape(one["result"]) if "result" in one else {})
    for ask in (lambda: world.rpc.ask("getinfo"), lambda: world.rpc.ask("feerates", style="perkw"),
                lambda: world.rpc.ask("listpeers"), lambda: world.rpc.ask("listfunds"), world.channel):
        ask()
    built = world.steps.build_in(150_000)
    world.rpc.ask("unreserveinputs", psbt=built[0], reserve=100)
    world.rpc.ask("reserveinputs", psbt=built[0], exclusive=False)
    world.steps.settle(built, sign=True)
    world.crash()
    world.channel()
    world.steps.splice(world.steps.build_out(50_000, 2000), 2000)
    world.model.force_close()
    world.node.mine(100)
    world.channel()
    world.rpc.ask("listclosedchannels")
    asked = {call.method for call in world.stub.calls}
    check(len(asked) >= 14, f"too few methods: {asked}")
    for call in world.stub.calls:
        told = shape(call.answer["result"])
        strange = {path: kind for path, kind in told.items() if real[call.method].get(path) != kind}
        same(strange, {}, f"fields of {call.method}")


@test("lightning stub: PSBTs of both versions are read and written, and what is none is refused")
def _(world):
    psbt, _ = world.steps.build_in(150_000)
    old = world.rpc.ask("setpsbtversion", psbt=psbt, version=0)["psbt"]
    told = world.node.rpc.ask("decodepsbt", old)
    same(told["tx"]["txid"], Psbt.parse(psbt).tx().txid(), "as bitcoind reads it")
    same(world.rpc.ask("setpsbtversion", psbt=old, version=2)["psbt"], psbt, "there and back")
    for text in (psbt[:-8], psbt + "AAAA", "hello", ""):
        world.refused(-32602, "setpsbtversion", psbt=text, version=0)


@test("lightning stub: a silent peer that speaks again lets the command go on")
def _(world):
    world.freeze()
    outcome = world.rpc.ask_later("splice_init", **world.steps.init_params(world.steps.build_out(50_000)))
    world.wait_begun()
    world.thaw()
    lab.wait_until(lambda: outcome, "the answer")
    check("psbt" in outcome[0], f"the answer {outcome}")


@test("lightning stub: a node that keeps no early signatures has an orphan, which turns the next splice into a bump of nothing")
def _(world):
    world.stub.forgets_early_signatures = True
    built = world.steps.build_in(150_000)
    world.steps.settle(built, sign=True)
    world.crash()
    same(world.channel()["state"], "CHANNELD_NORMAL", "after the start")
    world.refused(363, "splice_init", **world.steps.init_params(built))
    same(world.stub.count("signatures"), 0, "signatures")


@test("lightning stub: what a peer says when it aborts, and a peer without splicing")
def _(world):
    built = world.steps.build_out(50_000)
    world.model.peer.aborts["splice_init"] = "no splices today"
    same(world.refused(362, "splice_init", **world.steps.init_params(built)), "Peer aborted for reason: no splices today",
         "its words")
    world.steps.begin(built)
    world.model.peer.features = 0x8a2a59
    same(world.rpc.ask("listpeers", id=world.model.peer.id)["peers"][0]["features"], "8a2a59", "its features")
    world.refused(354, "splice_init", **world.steps.init_params(built))


@test("lightning stub: a peer that adds and changes what it likes is told of in the next reply")
def _(world):
    stolen = world.stub.coins.all()[0]

    def meddle(psbt):
        psbt.add_input(stolen.txid, stolen.vout, bitcoin.Output(stolen.amount, stolen.script))
        psbt.outputs[0][b"\x03"] = (1).to_bytes(8, "little")
    world.model.peer.meddle = meddle
    told = Psbt.parse(world.steps.fixed(world.steps.build_out(50_000)))
    check((stolen.txid, stolen.vout) in told.outpoints(), "the coin that it adds")
    check(1 in [o.amount for o in told.paid()], "the amount that it changes")


@test("lightning stub: a splice of the peer's is a row of amount 0, and moves nothing of ours when it locks")
def _(world):
    world.stub.peer_coins.fund(500_000)
    txid = world.model.foreign_splice(250_000)
    told = world.channel()
    same((told["state"], [(r["funding_txid"], r["splice_amount"]) for r in told["inflight"]]),
         (AWAITING_SPLICE, [(txid, 0)]), "in flight")
    world.node.mine()
    told = world.channel()
    same((told["funding_txid"], told["to_us_msat"], told["total_msat"]), (txid, 600_000_000, 1_250_000_000), "locked")
    out = world.model.foreign_splice(-100_000)
    world.node.mine()
    told = world.channel()
    same((told["funding_txid"], told["to_us_msat"], told["total_msat"]), (out, 600_000_000, 1_150_000_000), "and out again")


@test("lightning stub: the peer withholds its splice_locked: confirmed, and not locked")
def _(world):
    world.model.peer.locks = False
    done = world.steps.splice(world.steps.build_out(50_000))
    world.node.mine(3)
    same(world.channel()["state"], AWAITING_SPLICE, "while it does not lock")
    world.model.peer.locks = True
    same(world.channel()["funding_txid"], done["txid"], "when it does")


@test("lightning stub: closed together and alone: on chain, and forgotten in the end")
def _(world):
    other = world.stub.open_channel("b", 500_000, 400_000, peer=1)
    world.model.close()
    other.force_close()

    def states():
        return [c["state"] for c in world.rpc.ask("listpeerchannels")["channels"]]
    same(states(), ["CLOSINGD_COMPLETE", UNILATERAL], "at first")
    world.node.mine()
    same(states(), ["ONCHAIN", "ONCHAIN"], "in a block")
    tx = bitcoin.Tx.parse(world.node.raw(other.closing_txid))
    same((tx.locktime >> 24, tx.inputs[0].sequence >> 24), (0x20, 0x80), "how a commitment looks")
    world.node.mine(100)
    same(states(), [], "at last")
    same([c["channel_id"] for c in world.rpc.ask("listclosedchannels")["closedchannels"]], [world.channel_id, other.id],
         "closed")
    world.refused(352, "splice_init", channel_id=other.id, relative_amount=-1)


@test("lightning stub: two channels, two splices at a time, and no coin in both")
def _(world):
    other = world.stub.open_channel("b", 500_000, 400_000, peer=1)
    second = type(world.steps)(world.rpc, other.id, world.steps.address)
    one, two = world.steps.build_in(150_000), second.build_in(100_000)
    first, last = world.steps.fixed(one, sign=True), second.fixed(two, sign=True)
    check(not set(Psbt.parse(first).outpoints()) & set(Psbt.parse(last).outpoints()), "a coin in both")
    for steps, psbt in ((world.steps, first), (second, last)):
        steps.commit(steps.update(psbt)["psbt"])
    world.node.mine()
    same([c["to_us_msat"] for c in world.rpc.ask("listpeerchannels")["channels"]], [750_000_000, 500_000_000], "what they have")


@test("lightning stub: rules: lost before and after it acted, refused, delayed, never, and cut in half")
def _(world):
    built = world.steps.build_out(50_000)
    world.stub.at("splice_init", acts.lose_request())
    raises((OSError, EOFError), world.steps.begin, built)
    same(world.stub.count("open"), 0, "submissions")
    world.stub.at("splice_init", acts.lose_reply())
    raises((OSError, EOFError), world.steps.begin, built)
    same(world.stub.count("open"), 1, "submissions")
    world.stub.at("getinfo", acts.error("Malformed", code=-32600))
    world.refused(-32600, "getinfo")
    world.stub.at("getinfo", acts.truncate(20))
    raises(EOFError, world.rpc.ask, "getinfo")
    hold = acts.Hold()
    world.stub.at("getinfo", hold)
    world.rpc.timeout = 0.3
    raises(socket.timeout, world.rpc.ask, "getinfo")
    hold.let_go()
    world.rpc.timeout = 20
    world.stub.at("getinfo", acts.drip(2000))
    same(world.rpc.ask("getinfo")["version"], "v26.06.6", "in drops")
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
        connection.sendall(b'{"jsonrpc":"2.0","id":7,"method":"getinfo"}')
        same(json.loads(connection.recv(1 << 16))["error"]["message"], "No params", "one without parameters")


@test("lightning stub: blocks are waited for, and the node says when it is behind")
def _(world):
    height = world.stub.height()
    outcome = world.rpc.ask_later("waitblockheight", blockheight=height + 1, timeout=20)
    world.node.mine()
    lab.wait_until(lambda: outcome, "the answer")
    same(outcome, [{"blockheight": height + 1}], "a block")
    world.refused(2000, "waitblockheight", blockheight=height + 5, timeout=0.1)
    world.stub.warnings["warning_bitcoind_sync"] = "Bitcoind is not up-to-date with network."
    check("warning_bitcoind_sync" in world.rpc.ask("getinfo"), "the warning")
