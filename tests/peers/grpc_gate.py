"""Rules for calls of gRPC, as http_gate.py has them for others: in a scripted ldk-server, and in front of a real one.

  gate = grpc_gate.Gate(server)              server: a real_ldk_server.LdkServer; the gate has its certificate
  gate.at("SpliceOut", acts.lose_reply())    a rule, as of http_gate.py; also those of ldk_acts.py
  gate.of("SpliceOut")                       the calls that came, whatever became of them
  gate.stop(); gate.start()                  on the same port"""
import threading

import grpc_server
import ldk_rpc
from acts import PLAIN
from grpc_server import Answer
from http_gate import Call, Rule
from protobuf import fields, unframed


class Serving:
    """One call after the other is written down and answered, as the rules have it.  lock, calls, rules and answer(call, body) are
    whose this is."""

    def serve(self, wire, path, headers, body):
        try:
            asked = fields(unframed(body))
        except (ValueError, IndexError):
            asked = None
        call = Call(0, None, path.removeprefix(ldk_rpc.SERVICE), asked, headers)
        with self.lock:
            self.calls.append(call)
            found = [rule.act for rule in self.rules if rule.takes(call, True)][:1]
        act = found[0] if found else PLAIN
        if act.first:
            act.first(call)
        answer = self.answer(call, body) if act.passes_on else None
        if act.answer:
            answer = act.answer(call, answer)
        call.answer = answer
        told = None
        if answer is not None and "error" in answer:
            no = answer["error"]
            told = Answer(status=no["code"], words=no["message"], in_trailers=no.get("in_trailers", False))
        elif answer is not None:
            told = Answer(answer["result"])
        if act.send:
            act.send(wire, told)
        elif told is None:
            wire.close()
        else:
            wire.reply(told)


class Gate(Serving):
    def __init__(self, node):
        self.node, self.lock, self.calls, self.rules = node, threading.RLock(), [], []
        self.server, self.port = None, 0
        self.start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def start(self):
        self.server = grpc_server.Server(self.serve, self.node.certificate, self.node.tls_key, self.port)
        self.port = self.server.port

    def stop(self):
        if self.server:
            self.server.stop()
            self.server = None

    def at(self, method, act, nth=1, times=1):
        rule = Rule(method, act, nth, times, None)
        with self.lock:
            self.rules.append(rule)
        return rule

    def unused(self):
        """Rules that never came to act."""
        return [rule.method for rule in self.rules if rule.fired == 0]

    def of(self, method):
        with self.lock:
            return [call for call in self.calls if call.method == method]

    def answer(self, call, body):
        """The node's; None when it has none."""
        try:
            return {"result": ldk_rpc.exchange(self.node.url, self.node.certificate, call.method, body, call.headers.get("x-auth", ""))}
        except ldk_rpc.LdkError as no:
            return {"error": {"code": no.status, "message": no.words}}
        except ldk_rpc.NoAnswer:
            return None
