"""An Esplora REST server in front of a real bitcoind: the backend that walletd knows beside JSON-RPC, without another
program to install.

  server = esplora.Esplora(node.rpc)
  server.at("GET /tx/:txid", esplora_acts.throttled(1), times=2)
  server.at("GET /tx/:txid/status", esplora_acts.in_block(other), times=None)
  server.freeze(); ...; server.thaw()        the index stays behind; what is sent still reaches the node
  server.fees({1: 20.5, 3: 10.0, 6: 1.0})    estimates, of which a node of regtest has none
  ...                                        walletd talks to server.url
  check(not server.unused())
  server.stop()

It answers as the public servers do (Blockstream's API.md, and where that is silent the program behind it): fields,
texts, statuses, pages.  Some of their ways surprise, and are kept: a transaction that nobody knows has a status, 200
and not confirmed, and its outputs are unspent; what bitcoind refuses is 400 with bitcoind's words in a text, of which
there are two spellings (plain=True is Blockstream's newest: a number before the colon instead of JSON after it); the
amounts in a package's result are floats, and may be written as 1e-05.

A rule's method is an endpoint as in esplora_api.py, such as "GET /tx/:txid"; a call's params are what stands in its
path, and then the body of a POST.  What can be said otherwise is in http_gate.py, what is done with a call in acts.py
and esplora_acts.py; the code of an error is the HTTP status.  While the node does not answer, the index tells what it
knew, and what is sent is refused with 504.  sent() is every transaction and package that came.
"""
import collections
import json
import threading

import esplora_api
import esplora_index
import exact_json
import http_gate
from acts import Reply
from bitcoin import Tx
from bitcoin_rpc import BitcoinError, HttpRefused
from http_gate import ANY, Call  # noqa: F401

SEND, PACKAGE = "POST /tx", "POST /txs/package"
NOWHERE = "nowhere"

Sent = collections.namedtuple("Sent", "txids raws call")


class Esplora(http_gate.Gate):
    def __init__(self, rpc, plain=False, prefix=""):
        """prefix: where on the server it is, such as /api."""
        self.index = esplora_index.Index(rpc)
        self.api = esplora_api.Api(self.index, rpc, plain)
        self.reading = threading.Lock()
        self.frozen, self.prefix = False, prefix
        self.index.follow()
        super().__init__()
        self.url += prefix

    # What a test says and asks.

    def freeze(self):
        """From now on nothing new is seen: no block, no reorg, nothing of the mempool."""
        with self.reading:
            self.index.follow()
            self.frozen = True

    def thaw(self):
        self.frozen = False

    def fees(self, rates):
        """Estimates told instead of the node's: {blocks: satoshi per virtual byte}; None ends it."""
        self.api.fees = rates

    def reset(self):
        self.thaw()
        self.fees(None)
        super().reset()

    def sent(self):
        """In order, repeats included; a package is one.  What is no transaction is not among them."""
        with self.lock:
            calls = [call for call in self.calls if call.method in (SEND, PACKAGE)]
        found = []
        for call in calls:
            try:
                raws = [call.params[0]] if call.method == SEND else json.loads(call.params[0])
                found.append(Sent([Tx.parse(raw).txid() for raw in raws], raws, call))
            except ValueError:
                pass
        return found

    # What it does.

    def serve(self, handler, body):
        inside = handler.path.startswith(self.prefix + "/")
        found = inside and esplora_api.find(handler.command, handler.path[len(self.prefix):])
        name, params = found or (NOWHERE, [handler.path])
        if handler.command == "POST":
            params = [*params, body.decode("utf-8", "replace")]
        self.exchange(handler, [Call(next(self.requests), None, name, params, handler.headers)])

    def follow(self):
        if self.frozen:
            return
        try:
            self.index.follow()
        except (OSError, HttpRefused):
            pass  # the node is away: what is known is told
        except BitcoinError as why:
            if why.code != esplora_api.WARMING_UP:
                raise

    def answers(self, calls):
        return [self.answer(call) for call in calls]

    def answer(self, call):
        if call.method == NOWHERE:
            return {"error": {"code": 404, "message": f'endpoint does not exist "{call.params[0]}"'}}
        with self.reading:
            self.follow()
            try:
                return {"result": esplora_api.ENDPOINTS[call.method](self.api, *call.params)}
            except esplora_api.Refused as no:
                return {"error": {"code": no.status, "message": no.text}}

    def render(self, calls, batch):
        answer = calls[0].answer
        if "error" in answer:
            return Reply(answer["error"]["message"].encode(), answer["error"]["code"], "text/plain")
        told = answer["result"]
        if isinstance(told, bytes):
            return Reply(told, kind="application/octet-stream")
        if isinstance(told, str):
            return Reply(told.encode(), kind="text/plain")
        return Reply(exact_json.dumps(told).encode())

    def frame(self, calls):
        return b'{"hex":"', b'"}'
