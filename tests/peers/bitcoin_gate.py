"""A scripted bitcoind: stands between walletd and the real one, or alone, and does what it can't be made to do.

  gate = bitcoin_gate.Gate(node.port)        everything passes; Gate() alone knows only what rules say
  gate.at("sendrawtransaction", bitcoin_acts.lose_reply())
  gate.at("getblockheader", bitcoin_acts.changed(height=7), times=None)
  ...                                        walletd talks to gate.url, with the node's own cookie or user
  check(not gate.unused())
  gate.stop()

What can be said to it is in http_gate.py, what it does with a call in acts.py and bitcoin_acts.py.  Who asks is judged
by the node: its 401, 403 and 503 pass as they are.  So do its errors, with the HTTP status that bitcoind gives them
(JSON-RPC 1.0 and 2.0 differ), and its numbers, digit by digit.  sent() is every transaction and package that came.
"""
import collections

import exact_json
import http_gate
import rpc_gate
from acts import Reply
from bitcoin import Tx
from http_gate import ANY, BATCH  # noqa: F401

SEND, PACKAGE = "sendrawtransaction", "submitpackage"
# Of one call of JSON-RPC 1; with 2, and in a batch, an error is a success of HTTP.
STATUSES = {-32600: 400, -32601: 404}

Sent = collections.namedtuple("Sent", "txids raws call")


class AsItIs(Exception):
    """What the node said is no JSON-RPC."""

    def __init__(self, reply):
        super().__init__(reply.status)
        self.reply = reply


class Call(http_gate.Call):
    """version: of JSON-RPC."""

    def __init__(self, request, asked, headers):
        super().__init__(request, asked.get("id"), asked["method"], asked.get("params", []), headers)
        self.version = 2 if asked.get("jsonrpc") == "2.0" else 1


class Gate(rpc_gate.Gate):
    def sent(self):
        """In order, repeats included; a package is one."""
        with self.lock:
            calls = [call for call in self.calls if call.method in (SEND, PACKAGE)]
        raws = [call.params[:1] if call.method == SEND else call.params[0] for call in calls]
        return [Sent([Tx.parse(raw).txid() for raw in some], some, call) for some, call in zip(raws, calls)]

    def call(self, number, asked, handler):
        return Call(number, asked, handler.headers)

    def ask(self, calls, headers=None):
        if self.node_port is None:
            return [{"error": {"code": -32601, "message": "Method not found"}} for _ in calls]
        return [{"error": a["error"]} if a["error"] else {"result": a["result"]} for a in self.told(calls, headers)]

    def told(self, calls, headers):
        body = exact_json.dumps([{"jsonrpc": "1.0", "id": i, **call} for i, call in enumerate(calls)])
        return sorted(exact_json.loads(self.post(body, headers)), key=lambda answer: answer["id"])

    def upstream_headers(self, headers):
        login = headers and headers.get("Authorization")
        return {"Content-Type": "application/json", **({"Authorization": login} if login else {})}

    def upstream_body(self, reply):
        body = reply.read()
        if reply.status != 200:
            passed = {n: v for n, v in reply.getheaders() if n in ("WWW-Authenticate", "Retry-After")}
            raise AsItIs(Reply(body, reply.status, reply.getheader("Content-Type", "text/html"), passed))
        return body

    def reply(self, calls, acts, batch):
        try:
            return super().reply(calls, acts, batch)
        except AsItIs as found:
            return found.reply

    def envelope(self, call):
        if call.version == 2:
            return {"jsonrpc": "2.0", **call.answer, "id": call.id}
        return {"result": call.answer.get("result"), "error": call.answer.get("error"), "id": call.id}

    def render(self, calls, batch):
        reply = super().render(calls, batch)
        error = calls[0].answer.get("error")
        if error and not batch and calls[0].version == 1:
            reply.status = STATUSES.get(error["code"], 500)
        return reply.of(reply.body + b"\n")

    def frame(self, calls):
        return b'{"result":"', b'","error":null,"id":' + exact_json.dumps(calls[0].id).encode() + b"}\n"
