"""What a gate in front of an EVM node (evm_gate.py) does with a call: each function here makes one act."""
import json
import threading

MEGABYTE = 1 << 20


class Act:
    """A hand put in at one moment or another on a call's way.  passes_on: the node is asked.  first(call): before that.
    answer(call, found): makes the answer of the node's, which is None when it was not asked.  send(wire, body): writes
    the HTTP reply (evm_gate.Wire)."""

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


def flicker(*shown):
    """The node's result where shown says so, else null: flicker(False, True, False, True) hides it, shows it, hides it,
    and shows it from then on.  The rule wants times=None."""
    turns = iter(shown)
    return edit(lambda found: found if next(turns, shown[-1]) else None)


def ranges_up_to(blocks, message="query exceeds max block range"):
    """eth_getLogs of more blocks than so many is refused.  The range must be in numbers."""
    def answer(call, found):
        asked = call.params[0]
        if int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) + 1 > blocks:
            return {"error": {"code": -32602, "message": message}}
        return found
    return Act(answer=answer)


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
    def send(wire, body):
        function()
        wire.reply(body)
    return Act(send=send)


def delay(seconds):
    """The node acts at once, and the reply takes so long."""
    def send(wire, body):
        if wire.wait(seconds):
            wire.reply(body)
    return Act(send=send)


class Hold(Act):
    """The node acts; the reply waits until let_go().  arrived is set when a reply waits."""

    def __init__(self):
        super().__init__(send=self.hold)
        self.arrived, self.gone = threading.Event(), threading.Event()

    def hold(self, wire, body):
        self.arrived.set()
        while not self.gone.is_set():
            if not wire.wait(0.02):
                return
        wire.reply(body)

    def let_go(self):
        self.gone.set()


def drip(bytes_per_s):
    """The reply comes a byte at a time."""
    return Act(send=lambda wire, body: wire.drip(body, bytes_per_s))


def truncate(keep):
    """The head of the reply promises all of it; so many bytes come."""
    return Act(send=lambda wire, body: wire.reply(body[:keep], promised=len(body), last=True))


def huge(size=50 * MEGABYTE, declared=True):
    """A well-formed answer with a result of so many digits, its length declared or not."""
    return Act(False, send=lambda wire, _: wire.huge(size, declared))


def body_of(data, status=200, kind="text/html", **headers):
    """This instead of what the node would say, which is not asked.  Headers with _ for -."""
    return Act(False, send=lambda wire, _: wire.reply(data, status, kind, headers))


def html():
    return body_of(b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works!</body></html>\n")


def status(code, retry_after_s=None):
    """An HTTP status that is no success; the node is not asked."""
    more = {} if retry_after_s is None else {"Retry_After": str(retry_after_s)}
    return body_of(f"{code}\n".encode(), code, "text/plain", **more)


def mangle(function):
    """The node acts, and its reply is changed as bytes: function(body)."""
    return Act(send=lambda wire, body: wire.reply(function(body)))


def wrong_ids():
    """Answers of ids that nobody asked with."""
    def change(body):
        found = json.loads(body)
        for answer in found if isinstance(found, list) else [found]:
            answer["id"] = "no id of yours"
        return json.dumps(found).encode()
    return mangle(change)


def shuffle():
    """The answers of a batch in another order, always the same: from the last to the first.  For BATCH."""
    return mangle(lambda body: json.dumps(json.loads(body)[::-1]).encode())


def refuse_batch(message="batch requests are not supported", code=-32600):
    """One error object for the whole batch; the node is not asked.  For BATCH."""
    said = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return body_of(json.dumps(said).encode(), kind="application/json")


def selector(four_bytes):
    """For when=: an eth_call of this function of a contract."""
    wanted = "0x" + bytes(four_bytes).hex()

    def fits(call):
        sent = call.params[0]
        return (sent.get("data") or sent.get("input") or "").lower().startswith(wanted)
    return fits
