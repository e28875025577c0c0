"""A scripted JSON-RPC endpoint: stands between walletd and a real EVM node, or alone, and does what a node can't be made
to do.

  gate = evm_gate.Gate(node.port)            everything passes; Gate() alone knows only what rules say
  gate.at("eth_sendRawTransaction", evm_acts.lose_reply())
  ...                                        walletd talks to gate.url
  check(not gate.unused())                   a rule that nobody came by would be a test that tests nothing
  gate.stop()

A rule is a method (or BATCH: an HTTP request that is a batch; or ANY: any HTTP request) and an act, which is made by one
of the functions of evm_acts.py.  at() says for which calls (when, a function of the Call), from which of them on (nth,
counted from when the rule was made) and how often (times; None is as long as the rule stands).  Calls in a batch are
looked at one by one; what an act does to the HTTP reply it does to the whole batch.  The first rule that fits wins.

What lasts: down() and up() (the connection is refused), freeze() and thaw() (the head stays behind), spike() (fees).

Every call is written down, in the order of arrival: calls, count(), sent().  Loopback only; standard library and
tests/support, which must be on sys.path.
"""
import collections
import http.client
import http.server
import itertools
import json
import socket
import threading
import time

from evm_acts import MEGABYTE, PLAIN
from keccak import keccak256

ANY, BATCH = "any request", "a batch"
SEND = "eth_sendRawTransaction"
NODE_TIMEOUT_S = 60


class Call:
    """One call: what was asked, in which HTTP request (request, counted from 1), and what it was answered (a dict with
    "result" or "error"; None until then, and for ever if nobody answered)."""

    def __init__(self, request, id_, method, params):
        self.request, self.id, self.method, self.params = request, id_, method, params
        self.at = time.monotonic()
        self.answer = None

    def __repr__(self):
        return f"{self.method}{self.params!r:.100}"


Sent = collections.namedtuple("Sent", "hash raw call")


class Rule:
    def __init__(self, method, act, nth, times, when):
        self.method, self.act, self.nth, self.times, self.when = method, act, nth, times, when
        self.seen = self.fired = 0

    def takes(self, call, free):
        """Counts this call, and says whether the rule is for it.  free: no other rule has taken it."""
        if call.method != self.method or (self.when and not self.when(call)):
            return False
        self.seen += 1
        if not free or self.seen < self.nth or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


# What lasts: each looks at every call on its way in (ask: the params to ask with) and at every answer (see).

class Frozen:
    """The node as it was at this block: it knows of nothing that came after, but takes transactions."""

    MINED = ("blockNumber", "blockHash", "transactionIndex")

    def __init__(self, head):
        self.head = head

    def later(self, found):
        return bool(found) and found.get("blockNumber") is not None and int(found["blockNumber"], 16) > self.head

    def ask(self, call):
        now = ("latest",) if call.method == "eth_getTransactionCount" else ("latest", "pending")

        def then(value):
            if isinstance(value, dict):
                return {k: then(v) if k in ("fromBlock", "toBlock") else v for k, v in value.items()}
            return hex(self.head) if isinstance(value, str) and value in now else value
        return [then(p) for p in call.params]

    def see(self, call, found):
        value = found["result"]
        if call.method == "eth_blockNumber":
            value = hex(self.head)
        elif call.method == "eth_getTransactionReceipt" and self.later(value):
            value = None
        elif call.method == "eth_getTransactionByHash" and self.later(value):
            value = {**value, **dict.fromkeys(self.MINED)}
        elif call.method == "eth_getLogs":
            value = [log for log in value if not self.later(log)]
        elif call.method == "eth_getBlockByNumber" and value and int(value["number"], 16) > self.head:
            value = None
        return {"result": value}


class Spike:
    """Fees as they are, times a factor; the node's own stay as they are."""

    def __init__(self, factor):
        self.factor = factor

    def ask(self, call):
        return call.params

    def times(self, quantity):
        return hex(int(quantity, 16) * self.factor)

    def see(self, call, found):
        value = found["result"]
        if call.method == "eth_gasPrice":
            value = self.times(value)
        elif call.method == "eth_feeHistory":
            value = {**value, "baseFeePerGas": [self.times(fee) for fee in value["baseFeePerGas"]]}
        elif call.method.startswith("eth_getBlockBy") and value:
            value = {**value, "baseFeePerGas": self.times(value["baseFeePerGas"])}
        return {"result": value}


class Wire:
    """The way back to whoever asked."""

    def __init__(self, handler, calls, stopping):
        self.handler, self.calls, self.stopping = handler, calls, stopping

    def wait(self, seconds):
        """False when the gate stops meanwhile: then there is nothing to say any more."""
        if self.stopping.wait(seconds):
            self.close()
            return False
        return True

    def close(self):
        self.handler.close_connection = True

    def head(self, status_code, kind, length, headers):
        self.handler.send_response(status_code)
        self.handler.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.handler.send_header("Content-Length", str(length))
        self.handler.end_headers()

    def reply(self, body, status_code=200, kind="application/json", headers=(), promised=None, last=False):
        self.head(status_code, kind, len(body) if promised is None else promised, dict(headers))
        self.handler.wfile.write(body)
        if last:
            self.close()

    def drip(self, body, bytes_per_s):
        self.head(200, "application/json", len(body), {})
        for at in range(len(body)):
            self.handler.wfile.write(body[at:at + 1])
            if not self.wait(1 / bytes_per_s):
                return

    def huge(self, size, declared):
        opening = b'{"jsonrpc":"2.0","id":' + json.dumps(self.calls[0].id).encode() + b',"result":"0x'
        closing = b'"}'
        self.head(200, "application/json", len(opening) + size + len(closing) if declared else None, {})
        self.handler.wfile.write(opening)
        for left in range(size, 0, -MEGABYTE):
            if not self.wait(0):
                return
            self.handler.wfile.write(b"0" * min(left, MEGABYTE))
        self.handler.wfile.write(closing)
        self.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        self.server.gate.serve(asked, self)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # the default of 5 loses connections of a crowd

    def __init__(self, address, gate):
        self.gate = gate
        self.open, self.lock = set(), threading.Lock()
        super().__init__(address, Handler)

    def process_request(self, request, client_address):
        with self.lock:
            self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        with self.lock:
            self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass  # a daemon that was killed, or that would not hear more, leaves its connections behind

    def end(self):
        self.shutdown()
        self.server_close()
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the other side was first


class Gate:
    def __init__(self, node_port=None):
        self.node_port = node_port
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.requests = itertools.count(1)
        self.calls, self.rules, self.lasting = [], [], {}
        # Bound and deaf: while the gate is down, the port stays ours, and whoever calls is refused.
        self.holder = socket.socket()
        self.holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.holder.bind(("127.0.0.1", 0))
        self.port = self.holder.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = None
        self.up()

    # What a test says.

    def at(self, method, act, nth=1, times=1, when=None):
        """Adds a rule, which lift() takes away again."""
        rule = Rule(method, act, nth, times, when)
        with self.lock:
            self.rules.append(rule)
        return rule

    def lift(self, rule):
        with self.lock:
            self.rules.remove(rule)

    def unused(self):
        """Rules that never came to act."""
        with self.lock:
            return [rule.method for rule in self.rules if rule.fired == 0]

    def reset(self):
        """No rules, nothing that lasts, nothing written down."""
        with self.lock:
            self.calls, self.rules, self.lasting = [], [], {}
        self.up()

    def down(self):
        """Connections end and new ones are refused."""
        if self.server:
            self.server.end()
            self.server = None

    def up(self):
        if not self.server:
            self.server = Server(("127.0.0.1", self.port), self)
            threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def freeze(self, head=None):
        """Nothing after this block (now: the node's head) is seen through the gate.  Returns its number."""
        if head is None:
            head = int(self.ask([{"method": "eth_blockNumber", "params": []}])[0]["result"], 16)
        with self.lock:
            self.lasting["head"] = Frozen(head)
        return head

    def thaw(self):
        with self.lock:
            self.lasting.pop("head", None)

    def spike(self, factor):
        """Base fees are told this many times higher; 1 ends it."""
        with self.lock:
            self.lasting["fees"] = Spike(factor)

    def stop(self):
        self.stopping.set()
        self.down()
        self.holder.close()

    # What a test asks.

    def of(self, method):
        with self.lock:
            return [call for call in self.calls if call.method == method]

    def count(self, method=None):
        """How many calls of a method came; or {method: how many}."""
        with self.lock:
            counted = collections.Counter(call.method for call in self.calls)
        return counted[method] if method else dict(counted)

    def sent(self):
        """Every raw transaction that came, in order, repeats included."""
        raws = [(call, bytes.fromhex(call.params[0][2:])) for call in self.of(SEND)]
        return [Sent("0x" + keccak256(raw).hex(), raw, call) for call, raw in raws]

    # What the gate does.

    def rule_for(self, call):
        act = None
        with self.lock:
            for rule in self.rules:
                if rule.takes(call, act is None):
                    act = rule.act
        return act or PLAIN

    def serve(self, asked, handler):
        batch = isinstance(asked, list)
        number = next(self.requests)
        try:
            calls = [Call(number, a["id"], a["method"], a.get("params", [])) for a in (asked if batch else [asked])]
        except (TypeError, KeyError):
            calls = []
        wire = Wire(handler, calls, self.stopping)
        if not calls:
            wire.reply(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"not a JSON-RPC call"}}')
            return
        with self.lock:
            self.calls += calls
        whole = [self.rule_for(Call(number, None, BATCH, calls))] if batch else []
        whole.append(self.rule_for(Call(number, None, ANY, calls)))
        acts = [self.rule_for(call) for call in calls]
        for act, call in zip(whole + acts, [calls[0]] * len(whole) + calls):
            if act.first:
                act.first(call)
        writer = next((act for act in whole + acts if act.send), None)
        body = b""
        if not writer or writer.passes_on:
            try:
                answers = self.answers(calls, acts)
            except (OSError, http.client.HTTPException):
                wire.close()
                return
            envelopes = [{"jsonrpc": "2.0", "id": call.id, **answer} for call, answer in zip(calls, answers)]
            body = json.dumps(envelopes if batch else envelopes[0]).encode()
        if writer:
            writer.send(wire, body)
        else:
            wire.reply(body)

    def answers(self, calls, acts):
        with self.lock:
            lasting = list(self.lasting.values())
        passed = []
        for call, act in zip(calls, acts):
            if act.passes_on:
                params = call.params
                for view in lasting:
                    params = view.ask(Call(call.request, call.id, call.method, params))
                passed.append({"method": call.method, "params": params})
        found = iter(self.ask(passed))
        answers = []
        for call, act in zip(calls, acts):
            answer = next(found) if act.passes_on else None
            for view in lasting:
                if answer and "result" in answer:
                    answer = view.see(call, answer)
            call.answer = act.answer(call, answer) if act.answer else answer
            answers.append(call.answer)
        return answers

    def ask(self, calls):
        """The node's answers, in order."""
        if not calls:
            return []
        if self.node_port is None:
            return [{"error": {"code": -32601, "message": f"no rule says what {c['method']} is"}} for c in calls]
        body = json.dumps([{"jsonrpc": "2.0", "id": i, **call} for i, call in enumerate(calls)])
        upstream = http.client.HTTPConnection("127.0.0.1", self.node_port, timeout=NODE_TIMEOUT_S)
        try:
            upstream.request("POST", "/", body, {"Content-Type": "application/json"})
            found = {answer["id"]: answer for answer in json.loads(upstream.getresponse().read())}
        finally:
            upstream.close()
        return [{k: found[i][k] for k in ("result", "error") if k in found[i]} for i in range(len(calls))]
