"""A Bitcoin node's JSON-RPC as a test asks it.  Standard library alone.

  rpc = bitcoin_rpc.Rpc(port, cookie="/path/to/.cookie")       or user="alice", password="..."
  rpc.ask("getblockcount")
  rpc.ask_all([("getblockhash", 1), ("getblockhash", 2)])
  rpc.of_wallet("miner").ask("getbalance")

A hash is hex as shown to people.  An amount in this code is an int of satoshi, on the wire it is a Decimal of bitcoin:
sat() and btc() change one into the other.
"""
import base64
import decimal
import http.client
import itertools

import exact_json
from exact_json import loads

COIN = 10 ** 8
TIMEOUT_S = 120


class BitcoinError(Exception):
    """The node said no."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error['message']} ({error['code']})")
        self.code, self.message = error["code"], error["message"]


class HttpRefused(Exception):
    """What came is no JSON-RPC answer: 401, 403, 503."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body[:200]!r}")
        self.status, self.body = status, body


def sat(bitcoin):
    """Satoshi of an amount on the wire."""
    found = decimal.Decimal(bitcoin) * COIN
    if found != int(found):
        raise ValueError(f"{bitcoin} is no whole number of satoshi")
    return int(found)


def btc(satoshi):
    """The amount for the wire."""
    return decimal.Decimal(satoshi).scaleb(-8)


class Rpc:
    """One node, or a gate in front of it, on loopback."""

    def __init__(self, port, cookie=None, user=None, password=None, path="/"):
        self.port, self.cookie, self.user, self.password, self.path = port, cookie, user, password, path
        self.ids = itertools.count(1)

    def of_wallet(self, name):
        """The same node's wallet of this name."""
        return Rpc(self.port, self.cookie, self.user, self.password, "/wallet/" + name)

    def login(self):
        """A node that starts anew has a new cookie: so it is read each time."""
        if self.cookie is None:
            return f"{self.user}:{self.password}"
        with open(self.cookie, encoding="ascii") as f:
            return f.read()

    def authorization(self):
        """The header's value."""
        return "Basic " + base64.b64encode(self.login().encode()).decode()

    def post(self, body):
        """The HTTP status and the answer as bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", self.path, exact_json.dumps(body),
                               {"Content-Type": "application/json", "Authorization": self.authorization()})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def exchange(self, body):
        status, answer = self.post(body)
        try:
            return loads(answer)
        except ValueError:
            raise HttpRefused(status, answer) from None

    def envelope(self, method, params):
        return {"jsonrpc": "1.0", "id": next(self.ids), "method": method, "params": list(params)}

    def ask(self, method, *params):
        answer = self.exchange(self.envelope(method, params))
        if answer["error"]:
            raise BitcoinError(method, answer["error"])
        return answer["result"]

    def ask_all(self, calls, at_once=100):
        """The results of many (method, param, ...), in their order."""
        results = []
        for start in range(0, len(calls), at_once):
            batch = [self.envelope(method, params) for method, *params in calls[start:start + at_once]]
            answers = {a["id"]: a for a in self.exchange(batch)}
            for asked in batch:
                answer = answers[asked["id"]]
                if answer["error"]:
                    raise BitcoinError(asked["method"], answer["error"])
                results.append(answer["result"])
        return results
