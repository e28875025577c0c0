"""A scripted JSON-RPC endpoint: stands between walletd and a real EVM node, or alone, and does what a node can't be made
to do.

  gate = evm_gate.Gate(node.port)            everything passes; Gate() alone knows only what rules say
  gate.at("eth_sendRawTransaction", evm_acts.lose_reply())
  ...                                        walletd talks to gate.url
  check(not gate.unused())                   a rule that nobody came by would be a test that tests nothing
  gate.stop()

What can be said to it is in http_gate.py and rpc_gate.py.  What lasts here: freeze() and thaw() (the head stays behind),
spike() (fees).  sent() is every transaction that came.
"""
import collections

import rpc_gate
from http_gate import ANY, BATCH  # noqa: F401
from keccak import keccak256

SEND = "eth_sendRawTransaction"

Sent = collections.namedtuple("Sent", "hash raw call")


class Frozen:
    """The node as it was at this block: it knows of nothing that came after, but takes transactions."""

    MINED = ("blockNumber", "blockHash", "transactionIndex")

    def __init__(self, head):
        self.head = head

    def later(self, found):
        return bool(found) and found.get("blockNumber") is not None and int(found["blockNumber"], 16) > self.head

    def ask(self, call):
        now = ("latest",) if call.method == "eth_getTransactionCount" else ("latest", "pending")

        def then(value):
            if isinstance(value, dict):
                return {k: then(v) if k in ("fromBlock", "toBlock") else v for k, v in value.items()}
            return hex(self.head) if isinstance(value, str) and value in now else value
        return [then(p) for p in call.params]

    def see(self, call, found):
        value = found["result"]
        if call.method == "eth_blockNumber":
            value = hex(self.head)
        elif call.method == "eth_getTransactionReceipt" and self.later(value):
            value = None
        elif call.method == "eth_getTransactionByHash" and self.later(value):
            value = {**value, **dict.fromkeys(self.MINED)}
        elif call.method == "eth_getLogs":
            value = [log for log in value if not self.later(log)]
        elif call.method == "eth_getBlockByNumber" and value and int(value["number"], 16) > self.head:
            value = None
        return {"result": value}


class Spike:
    """Fees as they are, times a factor; the node's own stay as they are."""

    def __init__(self, factor):
        self.factor = factor

    def ask(self, call):
        return call.params

    def times(self, quantity):
        return hex(int(quantity, 16) * self.factor)

    def see(self, call, found):
        value = found["result"]
        if call.method == "eth_gasPrice":
            value = self.times(value)
        elif call.method == "eth_feeHistory":
            value = {**value, "baseFeePerGas": [self.times(fee) for fee in value["baseFeePerGas"]]}
        elif call.method.startswith("eth_getBlockBy") and value:
            value = {**value, "baseFeePerGas": self.times(value["baseFeePerGas"])}
        return {"result": value}


class Gate(rpc_gate.Gate):
    def freeze(self, head=None):
        """Nothing after this block (now: the node's head) is seen through the gate.  Returns its number."""
        if head is None:
            head = int(self.ask([{"method": "eth_blockNumber", "params": []}])[0]["result"], 16)
        self.look("head", Frozen(head))
        return head

    def thaw(self):
        self.look("head", None)

    def spike(self, factor):
        """Base fees are told this many times higher; 1 ends it."""
        self.look("fees", Spike(factor))

    def sent(self):
        """Every raw transaction that came, in order, repeats included."""
        raws = [(call, bytes.fromhex(call.params[0][2:])) for call in self.of(SEND)]
        return [Sent("0x" + keccak256(raw).hex(), raw, call) for call, raw in raws]
