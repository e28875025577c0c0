"""The gate in front of the real node: what passes, what does not, and what it writes down."""
import http.client
import json
import socket
import threading
import time

import abi
import directives
import evm
import evm_acts
import evm_gate
import lab
import rlp
from evm_bench import check, raises, same, test

SEND = evm_gate.SEND
GONE = (OSError, http.client.HTTPException)


def behind(world, *options):
    """A node with the contract, a gate in front of it, and a client of the gate."""
    node = world.node(*options)
    contract, signer, _ = world.contract(node)
    gate = world.gate(node.port)
    return node, contract, signer, gate, evm.Node(gate.url)


def raw_of(world, node, contract, signer):
    """A signed transaction that delivers a directive, taken out of the pool again, and the directive."""
    (one, signature), = world.signed(contract, signer, 1)
    stranger = list(node.accounts())[2]
    node.chain.automine(False)
    tx = contract.execute(stranger, one, signature)
    raw = node.chain.ask("eth_getRawTransactionByHash", tx)
    check(node.chain.drop(tx), "the transaction was not in the pool")
    node.chain.automine(True)
    return one, tx, raw


def post(gate, body):
    connection = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=20)
    try:
        connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply, reply.read()
    finally:
        connection.close()


def envelope(id_, method, *params):
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


@test("gate: single calls and batches pass, and are written down")
def _(world):
    node, _, _, gate, client = behind(world)
    sender = list(node.accounts())[0]
    same(client.head(), node.chain.head(), "the head through the gate")
    same(client.ask_all([("eth_chainId",), ("eth_getBalance", sender, "latest")]),
         node.chain.ask_all([("eth_chainId",), ("eth_getBalance", sender, "latest")]), "a batch through the gate")
    refused = raises(evm.EvmError, client.ask, "eth_noSuchMethod")
    same(refused.code, -32601, "the node's own error")
    same(gate.count(), {"eth_blockNumber": 1, "eth_chainId": 1, "eth_getBalance": 1, "eth_noSuchMethod": 1}, "counts")
    same([(c.method, c.request) for c in gate.calls],
         [("eth_blockNumber", 1), ("eth_chainId", 2), ("eth_getBalance", 2), ("eth_noSuchMethod", 3)], "the order")
    same(gate.of("eth_chainId")[0].answer, {"result": "0x7a69"}, "the answer")
    gate.reset()
    same(gate.count(), {}, "after a reset")


@test("gate: many connections at once, and one that is kept")
def _(world):
    node, _, _, gate, client = behind(world)
    heads = []
    crowd = [threading.Thread(target=lambda: heads.append(client.head())) for _ in range(50)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    same((len(heads), set(heads)), (50, {node.chain.head()}), "what they heard")
    connection = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=20)
    for n in range(3):
        connection.request("POST", "/", json.dumps(envelope(n, "eth_chainId")))
        same(json.loads(connection.getresponse().read())["id"], n, "an answer on a kept connection")
    kept = connection.sock
    check(kept is not None, "the connection was not kept")
    gate.down()
    same(kept.recv(1), b"", "the kept connection when the gate goes down")
    connection.close()


@test("gate: the reply is lost and the node has acted; the request is lost and it has not")
def _(world):
    node, contract, signer, gate, client = behind(world)
    one, tx, raw = raw_of(world, node, contract, signer)
    gate.at(SEND, evm_acts.lose_request())
    gate.at(SEND, evm_acts.lose_reply())
    raises(GONE, client.ask, SEND, raw)
    same((node.chain.receipt(tx), gate.sent()[0].call.answer), (None, None), "the request is lost")
    raises(GONE, client.ask, SEND, raw)
    same(node.chain.mined(tx)["status"], "0x1", "the reply is lost")
    same(gate.sent()[1].call.answer, {"result": tx}, "what the node said")
    refused = raises(evm.EvmError, client.ask, SEND, raw)
    check("nonce too low" in refused.message, f"the third time: {refused.message}")
    same([s.hash for s in gate.sent()], [tx] * 3, "what was sent")
    same(rlp.transaction(gate.sent()[0].raw).data[:4], abi.selector(directives.EXECUTE), "what it calls")
    same((contract.effects(one.account), gate.unused()), (1, []), "effects, and rules that never acted")


@test("gate: a refusal with and without the transaction passed on")
def _(world):
    node, contract, signer, gate, client = behind(world)
    _, tx, raw = raw_of(world, node, contract, signer)
    gate.at(SEND, evm_acts.error("txpool is full", data={"limit": 1}))
    refused = raises(evm.EvmError, client.ask, SEND, raw)
    same((refused.code, refused.data, node.chain.receipt(tx)), (-32000, {"limit": 1}, None), "not passed on")
    gate.at(SEND, evm_acts.error("already known", passing_on=True))
    same(raises(evm.EvmError, client.ask, SEND, raw).message, "already known", "passed on")
    same(node.chain.mined(tx)["status"], "0x1", "the transaction")


@test("gate: which call, how often, and for whom")
def _(world):
    node, contract, signer, gate, client = behind(world)
    gate.at("eth_chainId", evm_acts.result("0x1"), nth=2, times=2)
    same([client.ask("eth_chainId") for _ in range(4)], ["0x7a69", "0x1", "0x1", "0x7a69"], "the 2nd and the 3rd")
    lasting = gate.at("eth_chainId", evm_acts.result("0x2"), times=None)
    same({client.ask("eth_chainId") for _ in range(5)}, {"0x2"}, "for as long as it stands")
    gate.lift(lasting)
    same(client.ask("eth_chainId"), "0x7a69", "lifted")
    used = abi.selector("isNonceUsed(address,uint64)")
    gate.at("eth_call", evm_acts.status(500), times=None, when=evm_acts.selector(used))
    seen = directives.Verifier(client)
    check(seen.is_signer(signer), "another function")
    raises(RuntimeError, seen.is_nonce_used, signer, 0)
    gate.at("eth_gasPrice", evm_acts.html())
    same(gate.unused(), ["eth_gasPrice"], "the rule that nobody came by")


@test("gate: HTML, statuses, half replies, wrong ids")
def _(world):
    _, _, _, gate, _ = behind(world)
    ask = envelope(1, "eth_chainId")
    gate.at("eth_chainId", evm_acts.html())
    reply, body = post(gate, ask)
    same((reply.status, reply.getheader("Content-Type"), body[:9]), (200, "text/html", b"<!DOCTYPE"), "HTML")
    for code, wait in ((429, 3), (500, None), (503, 0)):
        gate.at(evm_gate.ANY, evm_acts.status(code, wait))
        reply, _ = post(gate, ask)
        same((reply.status, reply.getheader("Retry-After")), (code, None if wait is None else str(wait)), "a status")
    gate.at("eth_chainId", evm_acts.truncate(10))
    same(len(raises(http.client.IncompleteRead, post, gate, ask).partial), 10, "half a reply")
    gate.at("eth_chainId", evm_acts.wrong_ids())
    check(json.loads(post(gate, ask)[1])["id"] != 1, "the id is right")
    gate.at("eth_chainId", evm_acts.mangle(lambda body: body.replace(b'"2.0"', b"2.0")))
    same(json.loads(post(gate, ask)[1])["jsonrpc"], 2.0, "changed as bytes")
    same(post(gate, "no call")[0].status, 200, "what is no call")
    check(b"-32600" in post(gate, [])[1], "an empty batch is answered like a call")
    check(not gate.unused(), "a rule never acted")


@test("gate: batches shuffled, refused as one, and one call of a batch answered with an error")
def _(world):
    _, _, _, gate, _ = behind(world)
    ask = [envelope(n, "eth_chainId" if n else "eth_blockNumber") for n in range(5)]
    gate.at(evm_gate.BATCH, evm_acts.shuffle())
    same([a["id"] for a in json.loads(post(gate, ask)[1])], [4, 3, 2, 1, 0], "the order of the answers")
    gate.at(evm_gate.BATCH, evm_acts.refuse_batch())
    refused = json.loads(post(gate, ask)[1])
    same((type(refused), refused["error"]["code"]), (dict, -32600), "one error object")
    gate.at("eth_chainId", evm_acts.error("busy"), nth=2)
    same(["error" in a for a in json.loads(post(gate, ask)[1])], [False, False, True, False, False], "one of five")
    gate.at("eth_chainId", evm_acts.lose_reply())
    raises(GONE, post, gate, ask)
    check("error" not in json.loads(post(gate, ask[0])[1]), "a single call is no batch")
    check(not gate.unused(), "a rule never acted")


@test("gate: slow, held and huge replies")
def _(world):
    _, _, _, gate, client = behind(world)
    gate.at("eth_chainId", evm_acts.delay(0.3))
    began = time.monotonic()
    same(client.ask("eth_chainId"), "0x7a69", "a late answer")
    check(time.monotonic() - began >= 0.3, "the answer was not late")
    gate.at("eth_chainId", evm_acts.drip(200))
    began = time.monotonic()
    same(client.ask("eth_chainId"), "0x7a69", "an answer that comes in drops")
    check(time.monotonic() - began >= 0.15, "the answer came at once")
    for declared in (True, False):
        gate.at("eth_chainId", evm_acts.huge(declared=declared))
        reply, body = post(gate, envelope("big", "eth_chainId"))
        same((len(body) > 50 << 20, reply.getheader("Content-Length") is not None), (True, declared), "50 MB")
        same(json.loads(body)["id"], "big", "the id of a huge answer")
    held = evm_acts.Hold()
    gate.at("eth_chainId", held)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(client.ask("eth_chainId")))
    asking.start()
    check(held.arrived.wait(10), "nothing arrived")
    time.sleep(0.1)
    same(answers, [], "answers while it is held")
    held.let_go()
    asking.join(10)
    same(answers, ["0x7a69"], "and then")


@test("gate: something happens just before the node acts, and just after")
def _(world):
    node, contract, signer, gate, client = behind(world)
    _, tx, raw = raw_of(world, node, contract, signer)
    seen = []
    node.chain.automine(False)

    def look():
        seen.append(bool(node.chain.pooled()))
    gate.at(SEND, evm_acts.before(look))
    gate.at(SEND, evm_acts.after(look), nth=2)
    same(client.ask(SEND, raw), tx, "sent")
    node.chain.drop(tx)
    same(client.ask(SEND, raw), tx, "sent again")
    same(seen, [False, True], "whether it was in the pool")


@test("gate: down and up on the same port")
def _(world):
    node, _, _, gate, client = behind(world)
    for _ in range(3):
        gate.down()
        raises(ConnectionRefusedError, client.head)
        with socket.socket() as other:
            raises(OSError, other.bind, ("127.0.0.1", gate.port))
        gate.up()
        same(client.head(), node.chain.head(), "up again")
    node.stop()
    raises(GONE, client.head)


@test("gate: receipts that appear and vanish")
def _(world):
    node, contract, signer, gate, client = behind(world)
    (one, signature), = world.signed(contract, signer, 1)
    tx = contract.execute(list(node.accounts())[2], one, signature)
    node.chain.mined(tx)
    gate.at("eth_getTransactionReceipt", evm_acts.flicker(False, True, False, True), times=None)
    same([client.receipt(tx) is not None for _ in range(6)], [False, True, False, True, True, True], "what was seen")


@test("gate: a head that stays behind")
def _(world):
    node, contract, signer, gate, client = behind(world)
    pairs = world.signed(contract, signer, 2)
    stranger = list(node.accounts())[2]
    node.chain.mined(contract.execute(stranger, *pairs[0]))
    stands = gate.freeze()
    same(stands, node.chain.head(), "where it stands")
    count = node.chain.count(stranger)
    tx = contract.execute(stranger, *pairs[1])
    node.chain.mined(tx)
    seen = directives.Verifier(client)
    same((client.head(), evm.number(client.block()["number"]), client.block(stands + 1)), (stands, stands, None), "head")
    same((client.receipt(tx), client.ask("eth_getTransactionByHash", tx)["blockNumber"]), (None, None), "the transaction")
    same(([e.nonce for e in seen.executed()], seen.is_nonce_used(signer, 1), seen.effects(pairs[0][0].account)),
         ([0], False, 1), "the contract")
    same((client.count(stranger), client.count(stranger, "pending")), (count, count + 1), "the counts")
    gate.thaw()
    same((client.head(), client.receipt(tx)["status"], seen.is_nonce_used(signer, 1)),
         (node.chain.head(), "0x1", True), "after the thaw")
    same(gate.freeze(1), 1, "an older block")
    same(seen.executed(), [], "at the older block")


@test("gate: a spike of the base fee")
def _(world):
    node, _, _, gate, client = behind(world)
    asked = [("eth_feeHistory", "0x5", "latest", [25, 60]), ("eth_getBlockByNumber", "latest", False), ("eth_gasPrice",)]
    history, block, price = node.chain.ask_all(asked)
    gate.spike(50)
    high_history, high_block, high_price = client.ask_all(asked)
    same([evm.number(f) for f in high_history["baseFeePerGas"]],
         [50 * evm.number(f) for f in history["baseFeePerGas"]], "the history")
    same(high_history["reward"], history["reward"], "the tips")
    same((evm.number(high_block["baseFeePerGas"]), evm.number(high_price)),
         (50 * evm.number(block["baseFeePerGas"]), 50 * evm.number(price)), "block and price")
    gate.spike(1)
    same(client.ask_all(asked), [history, block, price], "afterwards")


@test("gate: logs are refused by range")
def _(world):
    node, contract, signer, gate, client = behind(world)
    (one, signature), = world.signed(contract, signer, 1)
    node.chain.mined(contract.execute(list(node.accounts())[2], one, signature))
    node.chain.mine(20)
    gate.at("eth_getLogs", evm_acts.ranges_up_to(5), times=None)

    def logs(first, last):
        return client.ask("eth_getLogs", {"fromBlock": hex(first), "toBlock": hex(last), "address": contract.address})
    same(raises(evm.EvmError, logs, 0, 5).code, -32602, "6 blocks")
    check(logs(0, 4), "5 blocks")


@test("gate: alone it knows what rules say; stopped, it keeps nobody")
def _(world):
    gate = world.gate()
    client = evm.Node(gate.url)
    same(raises(evm.EvmError, client.head).code, -32601, "without a rule")
    gate.at("eth_blockNumber", evm_acts.result("0x10"), times=None)
    same(client.head(), 16, "with one")
    gate.at("eth_gasPrice", evm_acts.drip(0.01))
    held = evm_acts.Hold()
    gate.at("eth_chainId", held)
    gone = []

    def ask(method):
        raises(GONE, client.ask, method)
        gone.append(method)
    waiting = [threading.Thread(target=ask, args=(m,)) for m in ("eth_gasPrice", "eth_chainId")]
    for one in waiting:
        one.start()
    lab.wait_until(lambda: held.arrived.is_set() and gate.count("eth_gasPrice"), "both arrive")
    gate.stop()
    for one in waiting:
        one.join(5)
    same(sorted(gone), ["eth_chainId", "eth_gasPrice"], "who was let go")
    raises(ConnectionRefusedError, client.head)
