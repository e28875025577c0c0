"""A gate that speaks JSON-RPC 2.0 over HTTP: stands between walletd and a real node, or alone, and does what a node
can't be made to do.  What can be said to it is in http_gate.py; a rule's method is JSON-RPC's.

  gate = rpc_gate.Gate(node.port)            everything passes; Gate() alone knows only what rules say

A node's own kind of gate adds what lasts: views of it that are not true.  A view looks at every call on its way in
(ask(call): the params to ask with) and at every result (see(call, answer): the answer that is told instead).
"""
import http.client

import exact_json
import http_gate
from acts import Reply
from http_gate import Call

NODE_TIMEOUT_S = 60
NO_CALL = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"not a JSON-RPC call"}}'


class Gate(http_gate.Gate):
    def __init__(self, node_port=None):
        self.node_port = node_port
        self.lasting = {}
        super().__init__()

    def reset(self):
        with self.lock:
            self.lasting = {}
        super().reset()

    def look(self, name, view):
        """From now on it looks like that; None ends it."""
        with self.lock:
            self.lasting.pop(name, None)
            if view:
                self.lasting[name] = view

    def call(self, number, asked, handler):
        return Call(number, asked["id"], asked["method"], asked.get("params", []), handler.headers)

    def serve(self, handler, body):
        number = next(self.requests)
        try:
            asked = exact_json.loads(body)
            batch = isinstance(asked, list)
            calls = [self.call(number, one, handler) for one in (asked if batch else [asked])]
        except (TypeError, KeyError, ValueError):
            calls = []
        if calls:
            self.exchange(handler, calls, batch)
        else:
            http_gate.Wire(handler, None, self.stopping).reply(Reply(NO_CALL))

    def answers(self, calls):
        with self.lock:
            lasting = list(self.lasting.values())
        asked = []
        for call in calls:
            params = call.params
            for view in lasting:
                params = view.ask(Call(call.request, call.id, call.method, params))
            asked.append({"method": call.method, "params": params})
        answers = self.ask(asked, calls[0].headers) if asked else []
        for view in lasting:
            answers = [view.see(call, found) if "result" in found else found for call, found in zip(calls, answers)]
        return answers

    def ask(self, calls, headers=None):
        """The node's answers to these (dicts of method and params), in order.  headers: of who asks."""
        if self.node_port is None:
            return [{"error": {"code": -32601, "message": f"no rule says what {c['method']} is"}} for c in calls]
        body = exact_json.dumps([{"jsonrpc": "2.0", "id": i, **call} for i, call in enumerate(calls)])
        found = {answer["id"]: answer for answer in exact_json.loads(self.post(body, headers))}
        return [{k: found[i][k] for k in ("result", "error") if k in found[i]} for i in range(len(calls))]

    def post(self, body, headers):
        """To the node; returns the body of its reply."""
        upstream = http.client.HTTPConnection("127.0.0.1", self.node_port, timeout=NODE_TIMEOUT_S)
        try:
            upstream.request("POST", "/", body, self.upstream_headers(headers))
            return self.upstream_body(upstream.getresponse())
        finally:
            upstream.close()

    def upstream_headers(self, _headers):
        return {"Content-Type": "application/json"}

    def upstream_body(self, reply):
        return reply.read()

    def envelope(self, call):
        return {"jsonrpc": "2.0", "id": call.id, **call.answer}

    def render(self, calls, batch):
        envelopes = [self.envelope(call) for call in calls]
        return Reply(exact_json.dumps(envelopes if batch else envelopes[0]).encode())

    def frame(self, calls):
        return b'{"jsonrpc":"2.0","id":' + exact_json.dumps(calls[0].id).encode() + b',"result":"0x', b'"}'
