"""The Esplora in front of the real bitcoind: it tells what the node has, in the shapes of the public servers."""
import contextlib
import http.client
import json
import os

import bitcoin
import bitcoin_test_node
import esplora
import esplora_acts
import esplora_shapes
from bitcoin_bench import check, raises, same, test
from bitcoin_rpc import sat
from http_gate import ANY, GONE

SEND = esplora.SEND
STRANGER = "12" * 32


class Client:
    """Asks it: text and JSON as they are, other statuses too."""

    def __init__(self, server):
        self.port, self.prefix = server.port, server.prefix

    def whole(self, path, body=None):
        """Status, headers and body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET" if body is None else "POST", self.prefix + path, body)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()

    def get(self, path, body=None):
        status, headers, told = self.whole(path, body)
        same(status, 200, f"{path}: {told[:200]!r}")
        kind = headers["Content-Type"]
        return json.loads(told) if kind == "application/json" else told if kind != "text/plain" else told.decode()

    def refused(self, path, body=None):
        status, headers, told = self.whole(path, body)
        same(headers["Content-Type"], "text/plain", f"{path}: the type of {told[:200]!r}")
        return status, told.decode()


def before(world, *options, **more):
    """A node whose wallet can pay, the server in front of it, and a client of that."""
    node = world.rich(*options)
    server = world.until_end(esplora.Esplora(node.rpc, **more))
    return node, server, Client(server)


def key_of(address):
    return bitcoin.scripthash(bitcoin.segwit_script(address))


def foreign():
    return bitcoin.segwit_address("bcrt", 1, os.urandom(32))


@test("esplora: tip, blocks, and what is beyond")
def _(world):
    node, _, client = before(world)
    tip = node.tip()
    same((client.get("/blocks/tip/height"), client.get("/blocks/tip/hash")), ("110", tip), "the tip")
    same([client.get(f"/block-height/{n}") for n in (0, 7)], [bitcoin.GENESIS["regtest"], node.hash_at(7)], "hashes")
    told, wanted = client.get("/block/" + tip), node.rpc.ask("getblock", tip)
    same(list(told), ["id", "height", "version", "timestamp", "tx_count", "size", "weight", "merkle_root",
                      "previousblockhash", "mediantime", "nonce", "bits", "difficulty"], "the fields of a block")
    theirs = {"id": "hash", "timestamp": "time", "tx_count": "nTx", "merkle_root": "merkleroot", "height": "height",
              "previousblockhash": "previousblockhash", "mediantime": "mediantime", "size": "size", "weight": "weight"}
    same({name: told[name] for name in theirs}, {name: wanted[theirs[name]] for name in theirs}, "the block")
    same(client.get("/block/" + node.hash_at(0))["previousblockhash"], None, "before the first")
    raw = client.get(f"/block/{tip}/raw")
    same((raw.hex(), client.get(f"/block/{tip}/header")), (node.rpc.ask("getblock", tip, 0), raw[:80].hex()), "bytes")
    same(client.get(f"/block/{tip}/txids"), wanted["tx"], "txids")
    same(client.get(f"/block/{tip}/status"), {"in_best_chain": True, "height": 110, "next_best": None}, "its status")
    same(client.get(f"/block/{node.hash_at(5)}/status")["next_best"], node.hash_at(6), "the next")
    same([b["height"] for b in client.get("/blocks")], list(range(110, 100, -1)), "the last ten")
    same([b["height"] for b in client.get("/blocks/3")], [3, 2, 1, 0], "the first four")
    for path, wanted in (("/block-height/111", (404, "Block not found")), ("/block-height/x", (400, "Invalid number")),
                         ("/block/" + STRANGER, (404, "Block not found")), ("/block/12", (400, "Invalid hex string")),
                         (f"/block/{STRANGER}/raw", (404, "Block not found")),
                         ("/nothing", (404, 'endpoint does not exist "/nothing"'))):
        same(client.refused(path), wanted, path)
    same(client.get(f"/block/{STRANGER}/status"), {"in_best_chain": False, "height": None, "next_best": None}, "none")


@test("esplora: a transaction, in the mempool and mined")
def _(world):
    node, _, client = before(world)
    address = node.address()
    txid = node.pay(address, 12_345, rate=3)
    entry, tx = node.rpc.ask("getmempoolentry", txid), bitcoin.Tx.parse(node.raw(txid))
    told = client.get("/tx/" + txid)
    same(list(told), ["txid", "version", "locktime", "vin", "vout", "size", "weight", "fee", "status"], "its fields")
    same((told["fee"], told["weight"], told["version"], told["locktime"], told["status"]),
         (sat(entry["fees"]["base"]), entry["weight"], tx.version, tx.locktime, {"confirmed": False}), "its numbers")
    same([(o["value"], o["scriptpubkey"]) for o in told["vout"]], [(o.amount, o.script.hex()) for o in tx.outputs],
         "outputs")
    same([(i["txid"], i["vout"], i["sequence"], i["witness"]) for i in told["vin"]],
         [(i.txid, i.vout, i.sequence, [w.hex() for w in i.witness]) for i in tx.inputs], "inputs")
    spent = told["vin"][0]
    same(spent["prevout"], client.get("/tx/" + spent["txid"])["vout"][spent["vout"]], "what it spends")
    same(told["fee"], sum(i["prevout"]["value"] for i in told["vin"]) - sum(o["value"] for o in told["vout"]), "fee")
    same(client.get(f"/tx/{txid}/status"), {"confirmed": False}, "status")
    same((client.get(f"/tx/{txid}/hex"), client.get(f"/tx/{txid}/raw").hex()), (node.raw(txid),) * 2, "bytes")
    same(client.refused(f"/tx/{txid}/merkle-proof"), (404, "Transaction not found or is unconfirmed"), "no proof")
    same(client.get("/mempool/txids"), [txid], "the mempool")
    block, = node.mine()
    head = node.rpc.ask("getblock", block)
    state = {"confirmed": True, "block_height": 111, "block_hash": block, "block_time": head["time"]}
    same((client.get(f"/tx/{txid}/status"), client.get("/tx/" + txid)), (state, {**told, "status": state}), "mined")
    proof = client.get(f"/tx/{txid}/merkle-proof")
    same(proof, {"block_height": 111, "merkle": [head["tx"][0]], "pos": 1}, "the proof")
    coinbase = client.get("/tx/" + head["tx"][0])
    same((coinbase["fee"], *(coinbase["vin"][0][name] for name in ("prevout", "is_coinbase", "vout"))),
         (0, None, True, 0xffffffff), "a coinbase")
    for path in ("", "/hex", "/raw", "/outspends"):
        same(client.refused(f"/tx/{STRANGER}{path}"), (404, "Transaction not found"), path)
    same(client.get(f"/tx/{STRANGER}/status"), {"confirmed": False}, "the status of what nobody knows")
    same(client.get(f"/tx/{STRANGER}/outspend/0"), {"spent": False}, "and its outputs")
    same(client.refused("/tx/12/status"), (400, "Invalid hex string"), "no txid")


@test("esplora: who spends an output, in the mempool and mined")
def _(world):
    node, server, client = before(world)
    first = node.pay(node.address(), 10_000)
    spent = bitcoin.Tx.parse(node.raw(first)).inputs[0]
    path = f"/tx/{spent.txid}/outspend/{spent.vout}"
    wanted = {"spent": True, "txid": first, "vin": 0, "status": {"confirmed": False}}
    same((client.get(path), client.get(f"/tx/{spent.txid}/outspends")[spent.vout]), (wanted, wanted), "in the mempool")
    server.freeze()
    second = node.send(node.conflict(first))
    unknown = (404, "Transaction not found")
    same((client.get(path)["txid"], client.refused("/tx/" + second)), (first, unknown), "left behind")
    server.thaw()
    same((client.get(path)["txid"], client.refused("/tx/" + first)), (second, unknown), "replaced")
    node.mine()
    same((client.get(path)["txid"], client.get(path)["status"]), (second, client.get(f"/tx/{second}/status")), "mined")
    node.reorg(1, txs=[])
    same((client.get(path)["txid"], client.get(path)["status"]), (second, {"confirmed": False}), "after a reorg")
    node.restart("-persistmempool=0")
    same(client.get(path), {"spent": False}, "forgotten")


@test("esplora: the coins and the history of scripts, as the node counts them")
def _(world):
    node, _, client = before(world)
    owners = [node.address(), foreign(), foreign()]
    for n in range(12):
        node.pay_all([(owners[n % 3], 10_000 + n), (owners[(n + 1) % 3], 20_000 + n)])
        if n % 4 == 3:
            node.mine()
    coin = node.coins(owners[0])[0]
    spending = node.pay(foreign(), 1_000, inputs=[{"txid": coin.txid, "vout": coin.vout}])
    node.mine()
    waiting = node.pay(owners[0], 777, inputs=node.inputs()[:1])
    for owner in owners:
        key = key_of(owner)
        told = sorted((c["txid"], c["vout"], c["value"], c["status"].get("block_height"))
                      for c in client.get(f"/scripthash/{key}/utxo"))
        same([c for c in told if c[3]], sorted((c.txid, c.vout, c.sat, c.height) for c in node.coins(owner)), "coins")
        same([c[0] for c in told if not c[3]], [waiting] if owner == owners[0] else [], "pending")
        stats = client.get("/scripthash/" + key)["chain_stats"]
        same(stats["funded_txo_sum"] - stats["spent_txo_sum"], sum(c.sat for c in node.coins(owner)), "sums")
        txs = client.get(f"/scripthash/{key}/txs")
        same(len(txs), stats["tx_count"] + (owner == owners[0]), "how many")
        heights = [t["status"].get("block_height", 10 ** 9) for t in txs]
        same(heights, sorted(heights, reverse=True), "newest first")
    key = key_of(owners[0])
    same([t["txid"] for t in client.get(f"/scripthash/{key}/txs")][:2], [waiting, spending], "the last two")
    same([t["txid"] for t in client.get(f"/scripthash/{key}/txs/mempool")], [waiting], "the mempool's")
    same(client.get(f"/scripthash/{key_of(foreign())}/txs"), [], "of a script that nobody used")
    same(client.refused("/scripthash/12/utxo"), (400, "Invalid scripthash"), "no script hash")


@test("esplora: pages of 25, 50 of the mempool, and too many coins")
def _(world):
    node, _, client = before(world)
    busy = foreign()
    key = key_of(busy)
    mined = []
    for _ in range(4):
        mined += [node.pay(busy, 1_000) for _ in range(15)]
        node.mine()
    pooled = [node.pay(busy, 1_000) for _ in range(52)]
    first = [t["txid"] for t in client.get(f"/scripthash/{key}/txs")]
    same((len(first), set(first[:50]) < set(pooled)), (75, True), "the first page")
    found, page = first[50:], first[50:]
    while page:
        page = [t["txid"] for t in client.get(f"/scripthash/{key}/txs/chain/{found[-1]}")]
        check(len(page) <= 25, "a page is longer")
        found += page
    same((len(found), set(found)), (60, set(mined)), "all pages")
    same([t["txid"] for t in client.get(f"/scripthash/{key}/txs/chain")], first[50:], "the first page of the chain")
    same(client.get(f"/scripthash/{key}/txs/chain/{STRANGER}"), [], "after one that is not there")
    node.mine()
    crowded = foreign()
    coin = node.wallet.ask("listunspent", 1)[0]
    amounts = [1_000] * 501 + [sat(coin["amount"]) - 501_000 - 100_000]
    tx = bitcoin.Tx(2, [bitcoin.Input(coin["txid"], coin["vout"], b"", 0, [])],
                    [bitcoin.Output(amount, bitcoin.segwit_script(crowded)) for amount in amounts], 0)
    node.send(node.signed(tx.serialize().hex()))
    same(client.refused(f"/scripthash/{key_of(crowded)}/utxo"),
         (400, "Too many unspent transaction outputs (>500). Contact support to raise limits."), "502 coins")


@test("esplora: reorgs of 1, 6 and 30 blocks")
def _(world):
    node, _, client = before(world)
    address = foreign()
    key = key_of(address)
    first, second, *_ = node.inputs()
    early = node.pay(address, 1_000, inputs=[first])
    block, = node.mine()
    node.mine(4)
    late = node.pay(address, 2_000, inputs=[second])
    last, = node.mine()
    same({c["txid"] for c in client.get(f"/scripthash/{key}/utxo")}, {early, late}, "before")
    node.reorg(1)
    same([(c["txid"], c["status"]["confirmed"]) for c in client.get(f"/scripthash/{key}/utxo")],
         [(early, True), (late, False)], "after one block")
    same(client.get(f"/block/{last}/status")["in_best_chain"], False, "the block that is out")
    same((client.get("/block/" + last)["height"], bitcoin.header(client.get(f"/block/{last}/raw")).hash), (116, last),
         "is still known")
    node.reorg(7, txs=[late])
    same([(c["txid"], c["status"].get("block_height")) for c in client.get(f"/scripthash/{key}/utxo")],
         [(late, 111), (early, None)], "after seven")
    same(client.get(f"/block/{block}/status")["in_best_chain"], False, "the first block, which is out, too")
    same(client.get("/blocks/tip/hash"), node.tip(), "the tip")
    node.reorg(30)
    same(client.get("/blocks/tip/hash"), node.tip(), "after thirty")
    same({c["txid"] for c in client.get(f"/scripthash/{key}/utxo")}, {early, late} & node.pooled(), "what is left")
    node.rollback(5)
    same((client.get("/blocks/tip/height"), client.get("/blocks/tip/hash")), (str(node.height()), node.tip()), "lower")
    same(sorted(client.get("/mempool/txids")), sorted(node.pooled()), "the mempool")


@test("esplora: transactions and packages that are sent, and every refusal in bitcoind's words")
def _(world):
    node, server, client = before(world)
    made = node.wallet.ask("send", [{node.address(): "0.0001"}], None, "unset", 2, {"add_to_wallet": False})["hex"]
    txid = bitcoin.Tx.parse(made).txid()
    same((client.get("/tx", made), node.pooled(), client.get(f"/tx/{txid}/hex")), (txid, {txid}, made), "a transaction")
    same(client.get("/tx", made), txid, "again")
    same(client.refused("/tx", "00"),
         (400, 'sendrawtransaction RPC error: {"code":-22,"message":"TX decode failed. Make sure the tx has at least'
               ' one input."}'), "no transaction")
    parent = bitcoin_test_node.package_parent(node)
    status, text = client.refused("/tx", parent)
    wanted = 'sendrawtransaction RPC error: {"code":-26,"message":"min relay fee not met'
    check(status == 400 and text.startswith(wanted), text)
    child = bitcoin_test_node.package_child(node, parent)
    told = client.get("/txs/package", json.dumps([parent, child]))
    same(told["package_msg"], "success", "a package")
    results = told["tx-results"].values()
    same({r["txid"] for r in results}, {bitcoin.Tx.parse(raw).txid() for raw in (parent, child)}, "its transactions")
    check(any("effective-feerate" in r["fees"] for r in results), "no rate")
    for body, wanted in (("[]", "submitpackage RPC error"), ("{}", "invalid type"), ("[", "Expecting value"),
                         ('["00"]', "Invalid transaction size for item 0"),
                         (json.dumps(["zz" * 60]), "Invalid transaction hex for item 0"),
                         (json.dumps(["00" * 60] * 26), "Exceeded maximum of 25 transactions")):
        status, text = client.refused("/txs/package", body)
        check(status == 400 and text.startswith(wanted), f"{body:.50}: {text}")
    same([len(s.txids) for s in server.sent() if s.call.answer.get("result")], [1, 1, 2], "what was sent")
    newest = world.until_end(esplora.Esplora(node.rpc, plain=True, prefix="/api"))
    told = Client(newest)
    same(told.refused("/tx", "00")[1][:31], "sendrawtransaction RPC error -2", "the other spelling")
    check(newest.url.endswith("/api") and told.get("/blocks/tip/height") == "110", "under a prefix")
    told.prefix = ""
    same(told.refused("/blocks/tip/height")[0], 404, "outside it")


@test("esplora: the node restarts, is gone, and comes back")
def _(world):
    node, _, client = before(world)
    node.restart()
    node.mine()
    same(client.get("/blocks/tip/height"), "111", "after a restart")
    node.stop()
    same(client.get("/blocks/tip/height"), "111", "when it is gone")
    status, text = client.refused("/tx", "00")
    check(status == 504 and text.startswith("sendrawtransaction failed"), text)
    node.start()
    node.ready()
    node.mine()
    same(client.get("/blocks/tip/height"), "112", "when it is back")


@test("esplora: estimates, faults and lies")
def _(world):
    node, server, client = before(world)
    txid = node.pay(node.address(), 10_000)
    block, = node.mine()
    same(client.get("/fee-estimates"), {}, "on regtest")
    server.fees({1: 20.5, 3: 10.25, 6: 1.0})
    same(client.get("/fee-estimates"), {"1": 20.5, "3": 10.25, "6": 1.0}, "as the test says")
    for act, wanted in ((esplora_acts.throttled(7), (429, "7")), (esplora_acts.throttled(), (429, None)),
                        (esplora_acts.status(503), (503, None)), (esplora_acts.unknown(), (404, None))):
        server.at("GET /tx/:txid", act)
        status, headers, _ = client.whole("/tx/" + txid)
        same((status, headers["Retry-After"]), wanted, "a status")
    server.at(ANY, esplora_acts.html())
    same(client.whole("/blocks/tip/hash")[1]["Content-Type"], "text/html", "HTML")
    server.at("GET /block/:hash/raw", esplora_acts.truncate(50))
    raises(GONE, client.whole, f"/block/{block}/raw")
    server.at("GET /block/:hash/raw", esplora_acts.huge(40 << 20))
    check(len(client.whole(f"/block/{block}/raw")[2]) > 40 << 20, "40 MB")
    server.at("GET /block/:hash/raw", esplora_acts.flipped())
    check(client.get(f"/block/{block}/raw").hex() != node.rpc.ask("getblock", block, 0), "the block is not changed")
    server.at(SEND, esplora_acts.lose_reply())
    later = node.rpc.ask("getblock", node.hash_at(2), 2)["tx"][0]["hex"]
    raises(GONE, client.whole, "/tx", later)
    same(server.sent()[-1].call.answer["error"]["code"], 400, "what the node said")
    server.at("GET /block-height/:height", esplora_acts.result(bitcoin.GENESIS["main"]), times=None,
              when=lambda call: call.params == ["0"])
    same([client.get(f"/block-height/{n}") for n in (0, 1)], [bitcoin.GENESIS["main"], node.hash_at(1)], "genesis")
    other = node.hash_at(100)
    for path, where in (("GET /tx/:txid", "/tx/" + txid), ("GET /tx/:txid/status", f"/tx/{txid}/status")):
        server.at(path, esplora_acts.in_block(other, block_height=100))
        server.at(path, esplora_acts.unconfirmed())
        told = client.get(where)
        told = told.get("status", told)
        same((told["block_hash"], told["block_height"], told["confirmed"]), (other, 100, True), "a block that lacks it")
        told = client.get(where)
        same(told.get("status", told), {"confirmed": False}, "in no block")
    server.at("GET /tx/:txid/outspend/:vout", esplora_acts.result({"spent": False}))
    server.at("GET /block/:hash", esplora_acts.changed(height=7))
    same(client.get("/block/" + block)["height"], 7, "a height")
    same(server.unused(), ["GET /tx/:txid/outspend/:vout"], "the rule that nobody came by")
    same(server.of("GET /tx/:txid")[0].params, [txid], "what was asked")
    server.reset()
    same((client.get("/fee-estimates"), client.get("/block/" + block)["height"]), ({}, 111), "after a reset")


@test("esplora: scripts as text, by the node's own names")
def _(world):
    node = world.node()
    other = {"OP_CHECKLOCKTIMEVERIFY": "OP_CLTV", "OP_CHECKSEQUENCEVERIFY": "OP_CSV"}
    for code in range(0x61, 0xbb):
        named = node.rpc.ask("decodescript", f"{code:02x}")["asm"]
        same(esplora_shapes.asm(bytes([code])), other.get(named, named), f"{code:#x}")
    for script, wanted in (("0014" + "ab" * 20, "OP_0 OP_PUSHBYTES_20 " + "ab" * 20), ("51024e73", "OP_PUSHNUM_1"
                           " OP_PUSHBYTES_2 4e73"), ("4c03010203", "OP_PUSHDATA1 010203"), ("4f60", "OP_PUSHNUM_NEG1"
                           " OP_PUSHNUM_16"), ("05ab", "<push past end>"), ("", "")):
        same(esplora_shapes.asm(bytes.fromhex(script)), wanted, script)
    for kind, name in (("bech32m", "v1_p2tr"), ("bech32", "v0_p2wpkh"), ("p2sh-segwit", "p2sh"), ("legacy", "p2pkh")):
        script = node.rpc.ask("validateaddress", node.address(kind))["scriptPubKey"]
        same(esplora_shapes.script_type(bytes.fromhex(script)), name, kind)
