"""What a gate (http_gate.py) does with a call: each function here makes one act.  What is for one kind of node alone
is in evm_acts.py and bitcoin_acts.py.

The node here is whoever answers when the gate does nothing."""
import threading

import exact_json

MEGABYTE = 1 << 20


class Reply:
    """An HTTP reply."""

    def __init__(self, body, status=200, kind="application/json", headers=()):
        self.body, self.status, self.kind, self.headers = body, status, kind, dict(headers)

    def of(self, body):
        """The same with another body."""
        return Reply(body, self.status, self.kind, self.headers)


class Act:
    """A hand put in at one moment or another on a call's way.  passes_on: the node is asked.  first(call): before that.
    answer(call, found): makes the answer of the node's, which is None when it was not asked.  send(wire, reply): writes
    the reply (http_gate.Wire; None when the node was not asked)."""

    def __init__(self, passes_on=True, first=None, answer=None, send=None):
        self.passes_on, self.first, self.answer, self.send = passes_on, first, answer, send


PLAIN = Act()


def error(message, code=-32000, data=None, passing_on=False):
    """The node says no, whether or not it has acted."""
    said = {"code": code, "message": message, **({"data": data} if data is not None else {})}
    return Act(passing_on, answer=lambda *_: {"error": said})


def result(value, passing_on=False):
    return Act(passing_on, answer=lambda *_: {"result": value})


def edit(function):
    """The node's result, changed: function(result)."""
    return Act(answer=lambda _, found: {"result": function(found["result"])} if "result" in found else found)


def changed(**fields):
    """An object with other values in these fields, or without those that are None."""
    def change(found):
        told = {**found, **fields}
        return {name: value for name, value in told.items() if name not in fields or value is not None}
    return edit(change)


def flipped(at=-1):
    """For a result in hex or in bytes: another digit, or byte, there."""
    def change(found):
        told = list(found)
        told[at] = found[at] ^ 1 if isinstance(found, bytes) else f"{int(found[at], 16) ^ 1:x}"
        return bytes(told) if isinstance(found, bytes) else "".join(told)
    return edit(change)


def flicker(*shown):
    """The node's result where shown says so, else null: flicker(False, True, False, True) hides it, shows it, hides it,
    and shows it from then on.  The rule wants times=None."""
    turns = iter(shown)
    return edit(lambda found: found if next(turns, shown[-1]) else None)


def lose_request():
    """The connection ends, and the node never hears of it."""
    return Act(False, send=lambda wire, _: wire.close())


def lose_reply():
    """The node acts, and the connection ends without a word."""
    return Act(send=lambda wire, _: wire.close())


def before(function):
    """Something happens before the node is asked."""
    return Act(first=lambda _: function())


def after(function):
    """Something happens when the node has acted, and before anybody hears of it: the moment to kill the daemon."""
    def send(wire, reply):
        function()
        wire.reply(reply)
    return Act(send=send)


def delay(seconds):
    """The node acts at once, and the reply takes so long."""
    def send(wire, reply):
        if wire.wait(seconds):
            wire.reply(reply)
    return Act(send=send)


class Hold(Act):
    """The node acts; the reply waits until let_go().  arrived is set when a reply waits."""

    def __init__(self):
        super().__init__(send=self.hold)
        self.arrived, self.gone = threading.Event(), threading.Event()

    def hold(self, wire, reply):
        self.arrived.set()
        while not self.gone.is_set():
            if not wire.wait(0.02):
                return
        wire.reply(reply)

    def let_go(self):
        self.gone.set()


def drip(bytes_per_s):
    """The reply comes a byte at a time."""
    return Act(send=lambda wire, reply: wire.drip(reply, bytes_per_s))


def truncate(keep):
    """The head of the reply promises all of it; so many bytes come."""
    return Act(send=lambda wire, reply: wire.reply(reply.of(reply.body[:keep]), promised=len(reply.body), last=True))


def huge(size=50 * MEGABYTE, declared=True):
    """A well-formed answer with a result of so many digits, its length declared or not."""
    return Act(False, send=lambda wire, _: wire.huge(size, declared))


def body_of(data, status=200, kind="text/html", **headers):
    """This instead of what the node would say, which is not asked.  Headers with _ for -."""
    said = Reply(data, status, kind, {name.replace("_", "-"): value for name, value in headers.items()})
    return Act(False, send=lambda wire, _: wire.reply(said))


def html():
    return body_of(b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works!</body></html>\n")


def status(code, retry_after_s=None):
    """An HTTP status that is no success; the node is not asked."""
    more = {} if retry_after_s is None else {"Retry_After": str(retry_after_s)}
    return body_of(f"{code}\n".encode(), code, "text/plain", **more)


def mangle(function):
    """The node acts, and its reply is changed as bytes: function(body)."""
    return Act(send=lambda wire, reply: wire.reply(reply.of(function(reply.body))))


def wrong_ids():
    """Answers of ids that nobody asked with."""
    def change(body):
        found = exact_json.loads(body)
        for answer in found if isinstance(found, list) else [found]:
            answer["id"] = "no id of yours"
        return exact_json.dumps(found).encode()
    return mangle(change)


def shuffle():
    """The answers of a batch in another order, always the same: from the last to the first.  For BATCH."""
    return mangle(lambda body: exact_json.dumps(exact_json.loads(body)[::-1]).encode())


def refuse_batch(message="batch requests are not supported", code=-32600):
    """One error object for the whole batch; the node is not asked.  For BATCH."""
    said = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return body_of(exact_json.dumps(said).encode(), kind="application/json")
