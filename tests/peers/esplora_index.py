"""What an Esplora knows of a node's chain and mempool: which transactions touch a script, who spends an output.  Read
from the node by RPC alone: blocks and transactions as it describes them (getblock with verbosity 2), so that they are
its words and not ours.

  index = esplora_index.Index(rpc)
  index.follow()                             reads on from where it was, across reorgs

It is all in memory: meant for chains of tests."""
import bitcoin
import bitcoin_rpc
from bitcoin_rpc import sat

BLOCKS_AT_ONCE = 20
NOT_FOUND = -5


class Tx:
    """One that is known.  told: how the node describes it; block and place (in the block) are None while it is in the
    mempool alone; keys: the hashes of the scripts that it pays to or spends from."""

    def __init__(self, told, block=None, place=None):
        self.told, self.block, self.place = told, block, place
        self.txid, self.keys = told["txid"], set()
        self.outputs = [(sat(o["value"]), bytes.fromhex(o["scriptPubKey"]["hex"])) for o in told["vout"]]

    def spends(self):
        """Its inputs in order, as outpoints; none of a coinbase."""
        return [(i["txid"], i["vout"]) for i in self.told["vin"] if "coinbase" not in i]


class Block:
    def __init__(self, told):
        self.told = {name: value for name, value in told.items() if name != "tx"}
        self.hash, self.height, self.time = told["hash"], told["height"], told["time"]
        self.previous = told.get("previousblockhash")
        self.txids = [tx["txid"] for tx in told["tx"]]


class Index:
    def __init__(self, rpc):
        self.rpc = rpc
        self.chain = []      # blocks, by height
        self.known = {}      # every block that was ever in the chain, by hash
        self.mined = {}      # Tx by txid
        self.pool = {}       # Tx by txid, in the order of arrival; what is mined may still be here for a moment
        self.touching = {}   # {script hash: {txid: None}}, mined or not, in the order in which they were read
        self.spenders = {}   # {outpoint: {txid: input}}; of two, one is mined and the other about to leave

    # Reading.

    def follow(self):
        self.follow_chain()
        self.follow_pool()

    def follow_chain(self):
        tip = self.rpc.ask("getbestblockhash")
        ahead, head = [], tip
        while not (head in self.known and self.is_in_chain(self.known[head])):
            ahead.append(head)
            head = self.rpc.ask("getblockheader", head).get("previousblockhash")
            if head is None:
                break
        while self.chain and self.chain[-1].hash != head:
            self.disconnect(self.chain.pop())
        ahead.reverse()
        for start in range(0, len(ahead), BLOCKS_AT_ONCE):
            asked = [("getblock", hash_, 2) for hash_ in ahead[start:start + BLOCKS_AT_ONCE]]
            for told in self.rpc.ask_all(asked):
                self.connect(told)

    def connect(self, told):
        block = Block(told)
        self.chain.append(block)
        self.known[block.hash] = block
        for place, described in enumerate(told["tx"]):
            tx = Tx(described, block, place)
            self.mined[tx.txid] = tx
            self.add(tx)

    def disconnect(self, block):
        for txid in block.txids:
            self.remove(self.mined.pop(txid))

    def follow_pool(self):
        now = self.rpc.ask("getrawmempool")
        for txid in set(self.pool) - set(now):
            self.remove(self.pool.pop(txid))
        came = [tx for tx in map(self.read, (txid for txid in now if txid not in self.pool)) if tx]
        # All of them first: one may spend from another, in any order.
        self.pool.update({tx.txid: tx for tx in came})
        for tx in came:
            self.add(tx)

    def read(self, txid):
        """One of the mempool; None when it left since."""
        try:
            return Tx(self.rpc.ask("getrawtransaction", txid, True))
        except bitcoin_rpc.BitcoinError as why:
            if why.code != NOT_FOUND:
                raise
            return None

    def add(self, tx):
        scripts = [script for _, script in tx.outputs]
        scripts += [found[1] for found in map(self.output, tx.spends()) if found]
        tx.keys = {bitcoin.scripthash(script) for script in scripts}
        for key in tx.keys:
            self.touching.setdefault(key, {})[tx.txid] = None
        for n, outpoint in enumerate(tx.spends()):
            self.spenders.setdefault(outpoint, {})[tx.txid] = n

    def remove(self, tx):
        """Unless it is also in the other place, the chain or the mempool."""
        if tx.txid in self.mined or tx.txid in self.pool:
            return
        for key in tx.keys:
            del self.touching[key][tx.txid]
        for outpoint in tx.spends():
            del self.spenders[outpoint][tx.txid]

    # Asking.

    def is_in_chain(self, block):
        return block.height < len(self.chain) and self.chain[block.height] is block

    def tx(self, txid):
        return self.mined.get(txid) or self.pool.get(txid)

    def output(self, outpoint):
        """(satoshi, script); None when its transaction is not known."""
        tx = self.tx(outpoint[0])
        return tx.outputs[outpoint[1]] if tx and outpoint[1] < len(tx.outputs) else None

    def spender(self, outpoint):
        """(txid, input) of who spends it, the mined one first; None while nobody does."""
        found = self.spenders.get(outpoint, {})
        first = min(found, key=lambda txid: txid not in self.mined, default=None)
        return (first, found[first]) if first else None

    def history(self, key):
        """The transactions that touch a script: those of the mempool and those that are mined, newest first."""
        found = [self.tx(txid) for txid in self.touching.get(key, {})]
        mined = sorted((tx for tx in found if tx.block), key=lambda tx: (tx.block.height, tx.place), reverse=True)
        return [tx for tx in reversed(found) if not tx.block], mined

    def coins(self, key):
        """(Tx, output) of what a script has and nobody spends."""
        pooled, mined = self.history(key)
        return [(tx, n) for tx in mined + pooled for n, (_, script) in enumerate(tx.outputs)
                if bitcoin.scripthash(script) == key and not self.spender((tx.txid, n))]
