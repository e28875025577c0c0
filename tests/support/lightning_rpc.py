"""A Lightning node's JSON-RPC over its unix socket as a test asks it.  Standard library alone.

  rpc = lightning_rpc.Rpc("/path/to/lightning-rpc")
  rpc.ask("getinfo")
  rpc.ask("splice_init", channel_id=..., relative_amount=-10_000)
  outcome = rpc.ask_later("splice_init", ...)          of a call that may take long
"""
import contextlib
import itertools
import json
import socket
import threading

TIMEOUT_S = 60


class LightningError(Exception):
    """The node said no."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error['message']} ({error['code']})")
        self.code, self.message = error["code"], error["message"]


class Rpc:
    def __init__(self, path, timeout=TIMEOUT_S):
        self.path, self.timeout, self.ids = path, timeout, itertools.count(1)

    def ask(self, method, **params):
        """On a connection of its own.  socket.timeout when no reply comes, EOFError when the node goes away."""
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
            connection.settimeout(self.timeout)
            connection.connect(self.path)
            asked = {"jsonrpc": "2.0", "id": f"test:{next(self.ids)}", "method": method, "params": params}
            connection.sendall(json.dumps(asked).encode())
            answer = read(connection)
        if answer["id"] != asked["id"]:
            raise ValueError(f"an answer to {answer['id']}, which nobody asked")
        if "error" in answer:
            raise LightningError(method, answer["error"])
        return answer["result"]

    def ask_later(self, method, **params):
        """A list that gets the result, or what was raised, when it comes."""
        outcome = []

        def run():
            try:
                outcome.append(self.ask(method, **params))
            except (LightningError, OSError, EOFError) as why:
                outcome.append(why)
        threading.Thread(target=run, daemon=True).start()
        return outcome


def read(connection):
    """One object; the blank line behind it ends it."""
    text = b""
    while not text.endswith(b"\n\n"):
        more = connection.recv(1 << 16)
        if not more:
            raise EOFError("the node went away")
        text += more
    return json.loads(text)
