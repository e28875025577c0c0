"""The coins of the scripted Lightning node (lightningd_stub.py): real outputs on a real chain, of scripts that want
preimages and no signature, with witnesses as long as those of real wallets and channels.  So its transactions are as heavy
as a real node's and the chain judges them, and no key is needed anywhere.

Amounts are satoshi, an outpoint is (txid, vout)."""
import collections
import hashlib

import bitcoin

DUST = 546
BASE_WEIGHT = 42  # version, locktime, marker, flag and both counts
OUTPUT_WEIGHT = 172
INPUT_WEIGHT = 4 * 41
# Sizes of preimages: with them a witness is as long as that of one key's path, or of two of two.
ONE_KEY, TWO_OF_TWO = (28,), (37, 37, 36)
COIN_INPUT_WEIGHT, FUNDING_INPUT_WEIGHT = INPUT_WEIGHT + 66, INPUT_WEIGHT + 220

Coin = collections.namedtuple("Coin", "txid vout amount script confirmations")


def fee_of(feerate_kw, weight):
    """Rounded up."""
    return -(-feerate_kw * weight // 1000)


def open_witness(name, sizes):
    """One that anybody can write who knows the name: preimages of these sizes, and the script that wants them."""
    preimages = [hashlib.sha512(f"{name} {n}".encode()).digest()[:size] for n, size in enumerate(sizes)]
    wants = [b"\xa8\x20" + hashlib.sha256(p).digest() for p in reversed(preimages)]
    return preimages + [b"\x88".join(wants) + b"\x87"]


def p2wsh(witness):
    """The output's script that such a witness is for."""
    return b"\0\x20" + hashlib.sha256(witness[-1]).digest()


class Coins:
    """The wallet.  node: a real_bitcoind.Bitcoind, which knows what is spent."""

    def __init__(self, node, name):
        self.node, self.name = node, name
        self.scripts = {}  # of outputs, and their witnesses
        self.known = {}  # outpoint -> amount, script
        self.reserved = {}  # outpoint -> height

    def script(self):
        """A new one of ours."""
        witness = open_witness(f"{self.name} coin {len(self.scripts)}", ONE_KEY)
        self.scripts[p2wsh(witness)] = witness
        return p2wsh(witness)

    def address(self):
        return bitcoin.segwit_address("bcrt", 0, self.script()[2:])

    def fund(self, *amounts):
        """The node pays so much, and a block has it."""
        for amount in amounts:
            address = self.address()
            self.notice(bitcoin.Tx.parse(self.node.raw(self.node.pay(address, amount))))
        self.node.mine()

    def notice(self, tx):
        """A transaction may pay us."""
        for vout, output in enumerate(tx.outputs):
            if output.script in self.scripts:
                self.known[(tx.txid(), vout)] = output

    def all(self, spent=False):
        """Those that nothing spends, in a block or in the mempool, or spent ones as well; the biggest first."""
        outpoints = list(self.known)
        told = self.node.rpc.ask_all([("gettxout", txid, vout, True) for txid, vout in outpoints])
        found = [Coin(*o, self.known[o].amount, self.known[o].script, t["confirmations"] if t else 0)
                 for o, t in zip(outpoints, told) if t or spent]
        return sorted(found, key=lambda c: (-c.amount, c.txid, c.vout))

    def listed(self):
        """As the wallet shows them: what is spent in the mempool alone it has until a block says otherwise."""
        free, outpoints = self.all(), list(self.known)
        told = self.node.rpc.ask_all([("gettxout", txid, vout, False) for txid, vout in outpoints])
        there = {(c.txid, c.vout) for c in free}
        return free + [Coin(*o, self.known[o].amount, self.known[o].script, t["confirmations"])
                       for o, t in zip(outpoints, told) if t and o not in there]

    def total(self):
        return sum(c.amount for c in self.all())

    def is_reserved(self, outpoint, height):
        return self.reserved.get(outpoint, 0) > height

    def reserved_to(self, outpoint, height):
        return self.reserved[outpoint] if self.is_reserved(outpoint, height) else None

    def free(self, height, minconf):
        return [c for c in self.all() if c.confirmations >= minconf and not self.is_reserved((c.txid, c.vout), height)]

    def reserve(self, outpoint, height, blocks):
        """How the reservation stands then, as the node tells it."""
        was = self.is_reserved(outpoint, height)
        until = max(self.reserved.get(outpoint, 0), height) + blocks
        self.reserved[outpoint] = until
        now = until > height
        return {"txid": outpoint[0], "vout": outpoint[1], "was_reserved": was, "reserved": now,
                **({"reserved_to_block": until} if now else {})}
