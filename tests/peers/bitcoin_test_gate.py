"""The gate in front of the real bitcoind: what passes, what does not, and what it writes down."""
import http.client
import json

import bitcoin
import bitcoin_acts
import bitcoin_gate
import bitcoin_rpc
from bitcoin_bench import check, raises, same, test
from http_gate import GONE

SEND = bitcoin_gate.SEND


def behind(world, *options):
    """A node whose wallet can pay, a gate in front of it, and a client of the gate."""
    node = world.rich(*options)
    gate = world.gate(node.port)
    return node, gate, bitcoin_rpc.Rpc(gate.port, node.cookie)


def raw_of(node):
    """A transaction of the node's wallet, in hex, that was sent nowhere, and its txid."""
    made = node.wallet.ask("send", [{node.address(): "0.0001"}], None, "unset", 2, {"add_to_wallet": False})["hex"]
    return made, bitcoin.Tx.parse(made).txid()


def whole(port, rpc, body):
    """Status, the type of the content, and the body, as they come."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/", body, {"Authorization": rpc.authorization()})
        reply = connection.getresponse()
        return reply.status, reply.getheader("Content-Type"), reply.read()
    finally:
        connection.close()


@test("bitcoin gate: what passes is what the node says, to the byte")
def _(world):
    node, gate, client = behind(world)
    txid = node.pay(node.address(), 12_345)
    asked = [("getblockhash", [1]), ("getblockhash", [10 ** 6]), ("getblockheader", [node.tip(), True]),
             ("getblock", [node.tip(), 2]), ("getblockchaininfo", []), ("noSuchMethod", []),
             ("getrawtransaction", [txid, 1]), ("getmempoolentry", [txid]), ("gettxout", [txid, 7]),
             ("sendrawtransaction", ["00"]), ("getblockhash", ["x"])]
    for version in ({}, {"jsonrpc": "1.0"}, {"jsonrpc": "2.0"}):
        calls = [{**version, "id": n, "method": method, "params": params} for n, (method, params) in enumerate(asked)]
        for body in [json.dumps(call) for call in calls] + [json.dumps(calls)]:
            same(whole(gate.port, client, body), whole(node.port, client, body), body)
    named = json.dumps({"jsonrpc": "2.0", "id": None, "method": "getblockhash", "params": {"height": 3}})
    same(whole(gate.port, client, named), whole(node.port, client, named), "by name, with an id of null")
    same(gate.count("getblockhash"), 3 * 2 * 3 + 1, "how often")
    same(gate.of("getblockhash")[0].answer, {"result": node.hash_at(1)}, "the answer")
    check(gate.of("getblockhash")[0].headers["Authorization"], "the headers")


@test("bitcoin gate: cookies of before and after a restart, and a node that is gone")
def _(world):
    node, gate, client = behind(world)
    with open(node.cookie, encoding="ascii") as f:
        user, _, password = f.read().partition(":")
    stale = bitcoin_rpc.Rpc(gate.port, user=user, password=password)
    same(stale.ask("getblockcount"), 110, "before")
    node.restart()
    same(raises(bitcoin_rpc.HttpRefused, stale.ask, "getblockcount").status, 401, "with the old cookie")
    same(client.ask("getblockcount"), 110, "with the new one")
    node.stop()
    raises(GONE, stale.ask, "getblockcount")
    gate.down()
    raises(ConnectionRefusedError, stale.ask, "getblockcount")
    gate.up()
    node.start()
    node.ready()
    same(client.ask("getblockcount"), 110, "when all is back")


@test("bitcoin gate: 401, 403, 503, a warm-up, and any refusal")
def _(world):
    _, gate, client = behind(world)
    for act, status, body in ((bitcoin_acts.unauthorized(), 401, b""), (bitcoin_acts.forbidden(), 403, b""),
                              (bitcoin_acts.busy(), 503, b"Work queue depth exceeded"),
                              (bitcoin_acts.html(), 200, None)):
        gate.at("getblockcount", act)
        refused = raises(bitcoin_rpc.HttpRefused, client.ask, "getblockcount")
        same((refused.status, refused.body if body is not None else None), (status, body), "a status")
    gate.at("getblockcount", bitcoin_acts.warming_up())
    ask = json.dumps({"jsonrpc": "1.0", "id": 5, "method": "getblockcount", "params": []})
    status, kind, body = whole(gate.port, client, ask)
    same((status, kind), (500, "application/json"), "a warm-up")
    same(bitcoin_rpc.loads(body),
         {"result": None, "error": {"code": -28, "message": "Loading block index…"}, "id": 5}, "its body")
    gate.at("getblockcount", bitcoin_acts.error("whatever", code=-32601))
    same(whole(gate.port, client, ask)[0], 404, "the status of a method that is not there")
    same(client.ask("getblockcount"), 110, "afterwards")
    check(not gate.unused(), "a rule never acted")


@test("bitcoin gate: the reply is lost and the node has acted; the request is lost and it has not")
def _(world):
    node, gate, client = behind(world)
    raw, txid = raw_of(node)
    gate.at(SEND, bitcoin_acts.lose_request())
    gate.at(SEND, bitcoin_acts.lose_reply())
    raises(GONE, client.ask, SEND, raw)
    same((node.pooled(), gate.sent()[0].call.answer), (set(), None), "the request is lost")
    raises(GONE, client.ask, SEND, raw)
    same((node.pooled(), gate.sent()[1].call.answer), ({txid}, {"result": txid}), "the reply is lost")
    same(client.ask(SEND, raw), txid, "the third time")
    gate.at(SEND, bitcoin_acts.error("min relay fee not met, 0 < 110", code=-26))
    same(raises(bitcoin_rpc.BitcoinError, client.ask, SEND, raw).code, -26, "a refusal")
    client.ask("submitpackage", [raw])
    same([s.txids for s in gate.sent()], [[txid]] * 5, "what was sent")
    same(gate.sent()[0].raws, [raw], "its bytes")
    check(not gate.unused(), "a rule never acted")


@test("bitcoin gate: half replies, 40 MB, slow ones, batches in disorder")
def _(world):
    node, gate, client = behind(world)
    gate.at("getblock", bitcoin_acts.truncate(100))
    raises(GONE, client.ask, "getblock", node.tip(), 0)
    for declared in (True, False):
        gate.at("getblock", bitcoin_acts.huge(40 << 20, declared=declared))
        same(len(client.ask("getblock", node.tip(), 0)), 40 << 20, "a huge block")
    gate.at("getblockcount", bitcoin_acts.drip(500))
    same(client.ask("getblockcount"), 110, "in drops")
    calls = [{"jsonrpc": "1.0", "id": n, "method": "getblockhash", "params": [n]} for n in range(3)]
    gate.at(bitcoin_gate.BATCH, bitcoin_acts.shuffle())
    told = bitcoin_rpc.loads(whole(gate.port, client, json.dumps(calls))[2])
    same([a["id"] for a in told], [2, 1, 0], "the order in a batch")
    same([a["result"] for a in told], [node.hash_at(n) for n in (2, 1, 0)], "the answers")
    gate.at("getblockhash", bitcoin_acts.error("no", code=-8), nth=2)
    told = bitcoin_rpc.loads(whole(gate.port, client, json.dumps(calls))[2])
    same([bool(a["error"]) for a in told], [False, True, False], "one of three")
    check(not gate.unused(), "a rule never acted")


@test("bitcoin gate: lies about the chain, headers, blocks and transactions")
def _(world):
    node, gate, client = behind(world)
    txid = node.pay(node.address(), 12_345)
    block, = node.mine()
    honest = client.ask("getblockheader", block)
    gate.at("getblockchaininfo", bitcoin_acts.other_chain(), times=None)
    gate.at("getblockhash", bitcoin_acts.result(bitcoin.GENESIS["main"]), times=None, when=lambda c: c.params == [0])
    same((client.ask("getblockchaininfo")["chain"], client.ask("getblockhash", 0), client.ask("getblockhash", 1)),
         ("main", bitcoin.GENESIS["main"], node.hash_at(1)), "another chain")
    same(node.hash_at(0), bitcoin.GENESIS["regtest"], "the true genesis block")
    gate.reset()
    gate.at("getblockchaininfo", bitcoin_acts.syncing())
    told = client.ask("getblockchaininfo")
    same((told["initialblockdownload"], told["headers"] - told["blocks"]), (True, 1_000), "far behind")
    gate.at("getblockheader", bitcoin_acts.changed(height=7, previousblockhash=None))
    told = client.ask("getblockheader", block)
    same((told["height"], "previousblockhash" in told), (7, False), "a header's fields")
    same({**told, "height": 111, "previousblockhash": honest["previousblockhash"]}, honest, "its others")
    gate.at("getblockheader", bitcoin_acts.flipped(at=20))
    raw = bytes.fromhex(client.ask("getblockheader", block, False))
    check(bitcoin.header(raw).hash != block, "the header is not changed")
    gate.at("getblock", bitcoin_acts.flipped())
    head, txs = bitcoin.block(bytes.fromhex(client.ask("getblock", block, 0)))
    same((head.hash, bitcoin.merkle_root([t.txid() for t in txs]) == head.merkle_root), (block, False), "a block")
    other = node.hash_at(100)
    gate.at("getrawtransaction", bitcoin_acts.in_block(other))
    told = client.ask("getrawtransaction", txid, True)
    same((told["blockhash"], node.block_of(txid)), (other, block), "the block that a transaction is in")
    gate.at("getblock", bitcoin_acts.result(node.rpc.ask("getblock", other, 0)))
    same(bitcoin.block(bytes.fromhex(client.ask("getblock", block, 0)))[0].hash, other, "one block for another")
    check(not gate.unused(), "a rule never acted")


@test("bitcoin gate: alone it knows what rules say")
def _(world):
    gate = world.gate()
    client = bitcoin_rpc.Rpc(gate.port, user="a", password="b")
    refused = raises(bitcoin_rpc.BitcoinError, client.ask, "getblockcount")
    same((refused.code, refused.message), (-32601, "Method not found"), "without a rule")
    gate.at("getblockcount", bitcoin_acts.result(5), times=None)
    same(client.ask("getblockcount"), 5, "with one")
