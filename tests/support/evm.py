"""An EVM node as a test sees it: asked over JSON-RPC, and, where it is anvil, moved about.

Standard library alone.  Byte strings and hashes are "0x" text as on the wire; amounts are wei; accounts are lower case.
A Node may stand for the real node or for a gate in front of it (tests/peers/evm_gate.py): what moves the chain about is
best asked of the node itself, so that it is not counted at the gate.
"""
import http.client
import itertools
import json
import time

ETHER = 10 ** 18
TIMEOUT_S = 60


class EvmError(Exception):
    """The node said no."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error.get('message')}")
        self.code = error.get("code")
        self.message = error.get("message")
        self.data = error.get("data")


def number(quantity):
    """Of a quantity of JSON-RPC."""
    return int(quantity, 16)


def raw(text):
    """The bytes of "0x" text."""
    return bytes.fromhex(text[2:])


def text(data):
    return "0x" + bytes(data).hex()


class Node:
    """One JSON-RPC endpoint on loopback."""

    def __init__(self, url):
        self.url = url
        self.port = int(url.rsplit(":", 1)[1])
        self.ids = itertools.count(1)

    def post(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = reply.read()
        finally:
            connection.close()
        if reply.status != 200:
            raise RuntimeError(f"{self.url}: {reply.status} {answer[:200]!r}")
        return json.loads(answer)

    def envelope(self, method, params):
        return {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": list(params)}

    def ask(self, method, *params):
        answer = self.post(self.envelope(method, params))
        if "error" in answer:
            raise EvmError(method, answer["error"])
        return answer["result"]

    def ask_all(self, calls, at_once=100):
        """The results of many (method, param, ...), in their order."""
        results = []
        for start in range(0, len(calls), at_once):
            batch = [self.envelope(method, params) for method, *params in calls[start:start + at_once]]
            answers = {a["id"]: a for a in self.post(batch)}
            for asked in batch:
                answer = answers[asked["id"]]
                if "error" in answer:
                    raise EvmError(asked["method"], answer["error"])
                results.append(answer["result"])
        return results

    # What any node knows.

    def head(self):
        return number(self.ask("eth_blockNumber"))

    def block(self, which="latest"):
        return self.ask("eth_getBlockByNumber", which if isinstance(which, str) else hex(which), False)

    def balance(self, account):
        return number(self.ask("eth_getBalance", account, "latest"))

    def count(self, account, which="latest"):
        """How many transactions of this account are mined, or, with "pending", known."""
        return number(self.ask("eth_getTransactionCount", account, which))

    def receipt(self, tx_hash):
        """None while it is not mined."""
        return self.ask("eth_getTransactionReceipt", tx_hash)

    def mined(self, tx_hash, within_s=10):
        """Its receipt; waits for it, because it is not there at once even where each transaction makes a block."""
        deadline = time.monotonic() + within_s
        while True:
            found = self.receipt(tx_hash)
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{tx_hash} is not mined")
            time.sleep(0.01)

    def view(self, to, data, which="latest"):
        """The answer of a contract to a call that changes nothing, in bytes."""
        return raw(self.ask("eth_call", {"to": to, "data": text(data)}, which))

    def view_all(self, calls, which="latest"):
        """The same of many (to, data)."""
        return [raw(found) for found in
                self.ask_all([("eth_call", {"to": to, "data": text(data)}, which) for to, data in calls])]

    def hashes(self, messages):
        """Keccak-256 of each of these bytes, by the node: its code is not ours, and faster."""
        return [raw(found) for found in self.ask_all([("web3_sha3", text(m)) for m in messages])]

    def pooled(self):
        """What waits to be mined: {account: {account nonce: transaction}}, queued ones (behind a gap) included."""
        pool = self.ask("txpool_content")
        found = {}
        for part in ("pending", "queued"):
            for account, txs in pool[part].items():
                found.setdefault(account.lower(), {}).update({int(nonce): tx for nonce, tx in txs.items()})
        return found


class Chain(Node):
    """A node that a test may move about: anvil's own methods."""

    def send(self, sender, to=None, data=b"", value=0, **more):
        """Sends a transaction of one of the node's own accounts; returns its hash.  more: nonce, gas, and the like."""
        tx = {"from": sender, "data": text(data), "value": hex(value),
              **{name: hex(n) if isinstance(n, int) else n for name, n in more.items()}}
        if to:
            tx["to"] = to
        return self.ask("eth_sendTransaction", tx)

    def send_as(self, sender, *args, **more):
        """The same for an account whose key the node does not have.  Its signature is made up, so what goes out of the
        chain or the pool can't be sent again."""
        self.ask("anvil_impersonateAccount", sender)
        try:
            return self.send(sender, *args, **more)
        finally:
            self.ask("anvil_stopImpersonatingAccount", sender)

    def do(self, sender, to=None, data=b"", **more):
        """Sends it, has it mined, and wants it to have worked; returns the receipt."""
        tx_hash = self.send(sender, to, data, **more)
        if not self.ask("anvil_getAutomine"):
            self.mine()
        receipt = self.mined(tx_hash)
        if receipt["status"] != "0x1":
            raise AssertionError(f"{tx_hash} failed on chain")
        return receipt

    def send_raw(self, tx):
        return self.ask("eth_sendRawTransaction", tx if isinstance(tx, str) else text(tx))

    def fund(self, account, wei=100 * ETHER):
        """Sets what it has."""
        self.ask("anvil_setBalance", account, hex(wei))

    def mine(self, blocks=1):
        self.ask("anvil_mine", hex(blocks))

    def automine(self, on):
        """Whether each transaction makes a block of its own at once."""
        self.ask("evm_setAutomine", on)

    def block_time(self, seconds):
        """A block every so many seconds; 0 ends that."""
        self.ask("evm_setIntervalMining", seconds)

    def next_base_fee(self, wei):
        """Of the next block alone; those after it move from there by the usual rule."""
        self.ask("anvil_setNextBlockBaseFeePerGas", hex(wei))

    def reorg(self, depth, transactions=()):
        """The last blocks are replaced by as many others.  What was in them is gone, from the pool as well, but for
        transactions: pairs of a raw transaction and the number (0 is the first) of the new block that holds it."""
        self.ask("anvil_reorg", depth, [[tx, at] for tx, at in transactions])

    def reorg_between_blocks(self, depth, mines):
        """The same while transactions come; mines: whether each makes a block of its own at once.  First all that wait are mined,
        and the node's own miner comes to rest: a block that it makes in the middle of a reorganisation stays in the chain
        without its effects, and what was in it is mined once more, or never again."""
        self.automine(False)
        self.mine()
        seen = None
        while (head := self.head()) != seen:
            seen = head
            time.sleep(0.05)
        self.reorg(depth)
        self.automine(mines)
        if mines:
            self.mine()  # what came meanwhile

    def rollback(self, depth):
        """The last blocks are gone, and nothing is in their place."""
        self.ask("anvil_rollback", depth)

    def drop(self, tx_hash):
        """Out of the pool, as if it had never come; True when it was there."""
        return self.ask("anvil_dropTransaction", tx_hash) is not None

    def drop_all(self):
        self.ask("anvil_dropAllTransactions")

    def advance(self, seconds):
        """The next block is so much later."""
        self.ask("evm_increaseTime", hex(seconds))
