"""What every scripted endpoint of the tests is: an HTTP server on loopback that knows rules, and writes down what it is
asked.  In front of a node that speaks JSON-RPC it is an rpc_gate.py; of an Esplora, esplora.py.

  gate.at("eth_sendRawTransaction", acts.lose_reply())
  ...                                        walletd talks to gate.url
  check(not gate.unused())                   a rule that nobody came by would be a test that tests nothing
  gate.stop()

A rule is a method (what that is, a kind of gate says; BATCH is an HTTP request that is a batch, and ANY any HTTP
request) and an act, which is made by one of the functions of acts.py.  at() says for which calls (when, a function of
the Call), from which of them on (nth, counted from when the rule was made) and how often (times; None is as long as
the rule stands).  Calls in a batch are looked at one by one; what an act does to the HTTP reply it does to the whole
batch.  The first rule that fits wins.

down() and up(): the connection is refused meanwhile.  Every call is written down, in the order of arrival: calls, of(),
count().  Standard library and tests/support alone, which must be on sys.path.
"""
import collections
import http.client
import http.server
import itertools
import socket
import sys
import threading
import time

from acts import MEGABYTE, PLAIN, Reply

ANY, BATCH = "any request", "a batch"
GONE = (OSError, http.client.HTTPException)


class Call:
    """One call: what was asked, in which HTTP request (request, counted from 1) with which headers, and what it was
    answered (a dict with "result" or "error"; None until then, and for ever if nobody answered)."""

    def __init__(self, request, id_, method, params, headers=None):
        self.request, self.id, self.method, self.params, self.headers = request, id_, method, params, headers
        self.at = time.monotonic()
        self.answer = None

    def __repr__(self):
        return f"{self.method}{self.params!r:.100}"


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


class Wire:
    """The way back to whoever asked.  frame: what goes before and after an endless result."""

    def __init__(self, handler, frame, stopping):
        self.handler, self.frame, self.stopping = handler, frame, stopping

    def wait(self, seconds):
        """False when the gate stops meanwhile: then there is nothing to say any more."""
        if self.stopping.wait(seconds):
            self.close()
            return False
        return True

    def close(self):
        self.handler.close_connection = True

    def head(self, reply, length):
        self.handler.send_response(reply.status)
        self.handler.send_header("Content-Type", reply.kind)
        for name, value in reply.headers.items():
            self.handler.send_header(name, value)
        if length is not None:
            self.handler.send_header("Content-Length", str(length))
        self.handler.end_headers()

    def reply(self, reply, promised=None, last=False):
        self.head(reply, len(reply.body) if promised is None else promised)
        self.handler.wfile.write(reply.body)
        if last:
            self.close()

    def drip(self, reply, bytes_per_s):
        self.head(reply, len(reply.body))
        for at in range(len(reply.body)):
            self.handler.wfile.write(reply.body[at:at + 1])
            if not self.wait(1 / bytes_per_s):
                return

    def huge(self, size, declared):
        opening, closing = self.frame
        self.head(Reply(b""), len(opening) + size + len(closing) if declared else None)
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

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.gate.serve(self, body)

    do_GET = do_POST = pass_on


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
        # A daemon that was killed, or that would not hear more, leaves its connections behind.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

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
    """A kind of gate has serve(handler, body), which reads the request and calls exchange(), and answers(), render()
    and frame()."""

    def __init__(self):
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.requests = itertools.count(1)
        self.calls, self.rules = [], []
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
        """No rules, nothing written down."""
        with self.lock:
            self.calls, self.rules = [], []
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

    # What the gate does.

    def rule_for(self, call):
        act = None
        with self.lock:
            for rule in self.rules:
                if rule.takes(call, act is None):
                    act = rule.act
        return act or PLAIN

    def exchange(self, handler, calls, batch=False):
        """One HTTP request, of at least one call."""
        with self.lock:
            self.calls += calls
        first = calls[0]
        whole = [self.rule_for(Call(first.request, None, name, calls, first.headers))
                 for name in ([BATCH, ANY] if batch else [ANY])]
        acts = [self.rule_for(call) for call in calls]
        for act, call in zip(whole + acts, [first] * len(whole) + calls):
            if act.first:
                act.first(call)
        writer = next((act for act in whole + acts if act.send), None)
        wire = Wire(handler, self.frame(calls), self.stopping)
        reply = None
        if not writer or writer.passes_on:
            try:
                reply = self.reply(calls, acts, batch)
            except GONE:
                wire.close()
                return
        if writer:
            writer.send(wire, reply)
        else:
            wire.reply(reply)

    def reply(self, calls, acts, batch):
        """What goes back when nothing is done to it: the answers, as the acts have them.  GONE: nobody is there to
        ask."""
        found = iter(self.answers([call for call, act in zip(calls, acts) if act.passes_on]))
        for call, act in zip(calls, acts):
            answer = next(found) if act.passes_on else None
            call.answer = act.answer(call, answer) if act.answer else answer
        return self.render(calls, batch)

    def serve(self, handler, body):
        raise NotImplementedError

    def answers(self, calls):
        """What each of these is answered: a dict with "result" or "error"."""
        raise NotImplementedError

    def render(self, calls, batch):
        """The Reply that tells their answers."""
        raise NotImplementedError

    def frame(self, calls):
        """What goes before and after a result that has no end, in bytes."""
        raise NotImplementedError
