"""The endpoints of an Esplora, as functions of an index (esplora_index.py) and of the node behind it.

A function returns what is told: text, bytes, or what becomes JSON; or it raises Refused.  ENDPOINTS has them by their
names, "GET /tx/:txid"; they get what stands in the path, and then the body of a POST."""
import json
import re

import bitcoin
import esplora_shapes as shapes
from bitcoin_rpc import BitcoinError, HttpRefused

PAGE, POOL_PAGE, BLOCKS, COINS, PACKAGE = 25, 50, 10, 500, 25
FEE_TARGETS = (*range(1, 26), 144, 504, 1008)
WARMING_UP = -28
ENDPOINTS = {}


class Refused(Exception):
    """Answered with another status than 200."""

    def __init__(self, text, status=400):
        super().__init__(text)
        self.text, self.status = text, status


def endpoint(name):
    def register(function):
        ENDPOINTS[name] = function
        return function
    return register


def words(name):
    return re.split("[ /]+", name)


def find(command, path):
    """The name of the endpoint that is asked, and what stands in its path; None where there is none."""
    asked = [command, *path.split("?")[0].split("/")[1:]]
    for name in ENDPOINTS:
        known = words(name)
        if len(known) == len(asked) and all(k == a or k.startswith(":") for k, a in zip(known, asked)):
            return name, [a for k, a in zip(known, asked) if k.startswith(":")]
    return None


# What stands in a path.

def number(text):
    if not re.fullmatch("[0-9]{1,9}", text):
        raise Refused("Invalid number")
    return int(text)


def digest(text, complaint="Invalid hex string"):
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise Refused(complaint)
    return text.lower()


def block_at(api, height):
    if height >= len(api.index.chain):
        raise Refused("Block not found", 404)
    return api.index.chain[height]


def block_of(api, text):
    """One that is or was in the chain."""
    found = api.index.known.get(digest(text))
    if not found:
        raise Refused("Block not found", 404)
    return found


def tx_of(api, text):
    found = api.index.tx(digest(text))
    if not found:
        raise Refused("Transaction not found", 404)
    return found


def script_of(text):
    return digest(text, "Invalid scripthash")


class Api:
    """plain: bitcoind's errors are spelled as Blockstream's newest server spells them.  fees: what is told instead of
    the node's estimates, {blocks: satoshi per virtual byte}."""

    def __init__(self, index, rpc, plain=False):
        self.index, self.rpc, self.plain, self.fees = index, rpc, plain, None

    def forward(self, method, *params):
        """Asks the node for whoever asked us."""
        try:
            return self.rpc.ask(method, *params)
        except BitcoinError as why:
            told = json.dumps({"code": why.code, "message": why.message}, separators=(",", ":"), ensure_ascii=False)
            text = f"{method} RPC error {why.code}: {why.message}" if self.plain else f"{method} RPC error: {told}"
            raise Refused(text, 503 if why.code == WARMING_UP else 400) from why
        except (OSError, HttpRefused) as why:
            raise Refused(f"{method} failed: {why}", 504) from why


# The chain.

@endpoint("GET /blocks/tip/height")
def tip_height(api):
    return str(len(api.index.chain) - 1)


@endpoint("GET /blocks/tip/hash")
def tip_hash(api):
    return api.index.chain[-1].hash


@endpoint("GET /blocks")
def blocks(api):
    return blocks_from(api, str(len(api.index.chain) - 1))


@endpoint("GET /blocks/:height")
def blocks_from(api, height):
    top = block_at(api, number(height)).height
    return [shapes.block(api.index.chain[n]) for n in range(top, max(top - BLOCKS, -1), -1)]


@endpoint("GET /block-height/:height")
def hash_at(api, height):
    return block_at(api, number(height)).hash


@endpoint("GET /block/:hash")
def block(api, hash_):
    return shapes.block(block_of(api, hash_))


@endpoint("GET /block/:hash/status")
def block_status(api, hash_):
    found = api.index.known.get(digest(hash_))
    if not found or not api.index.is_in_chain(found):
        return {"in_best_chain": False, "height": None, "next_best": None}
    after = api.index.chain[found.height + 1:found.height + 2]
    return {"in_best_chain": True, "height": found.height, "next_best": after[0].hash if after else None}


@endpoint("GET /block/:hash/header")
def block_header(api, hash_):
    return api.forward("getblockheader", block_of(api, hash_).hash, False)


@endpoint("GET /block/:hash/raw")
def block_raw(api, hash_):
    return bytes.fromhex(api.forward("getblock", block_of(api, hash_).hash, 0))


@endpoint("GET /block/:hash/txids")
def block_txids(api, hash_):
    return block_of(api, hash_).txids


# Transactions.

@endpoint("GET /tx/:txid")
def tx(api, txid):
    return shapes.transaction(api.index, tx_of(api, txid))


@endpoint("GET /tx/:txid/status")
def tx_status(api, txid):
    return shapes.status(api.index.tx(digest(txid)))


@endpoint("GET /tx/:txid/raw")
def tx_raw(api, txid):
    return bytes.fromhex(tx_of(api, txid).told["hex"])


@endpoint("GET /tx/:txid/hex")
def tx_hex(api, txid):
    return tx_of(api, txid).told["hex"]


@endpoint("GET /tx/:txid/merkle-proof")
def tx_proof(api, txid):
    found = api.index.mined.get(digest(txid))
    if not found:
        raise Refused("Transaction not found or is unconfirmed", 404)
    _, branch = bitcoin.merkle_branch(found.block.txids, found.place)
    return {"block_height": found.block.height, "merkle": branch, "pos": found.place}


@endpoint("GET /tx/:txid/outspend/:vout")
def outspend(api, txid, vout):
    return shapes.spending(api.index, (digest(txid), number(vout)))


@endpoint("GET /tx/:txid/outspends")
def outspends(api, txid):
    found = tx_of(api, txid)
    return [shapes.spending(api.index, (found.txid, n)) for n in range(len(found.outputs))]


# Scripts.

@endpoint("GET /scripthash/:hash")
def script(api, hash_):
    key = script_of(hash_)
    pooled, mined = api.index.history(key)
    return {"scripthash": hash_, "chain_stats": shapes.stats(api.index, key, mined),
            "mempool_stats": shapes.stats(api.index, key, pooled)}


@endpoint("GET /scripthash/:hash/txs")
def script_txs(api, hash_):
    return script_pool(api, hash_) + script_chain(api, hash_)


@endpoint("GET /scripthash/:hash/txs/mempool")
def script_pool(api, hash_):
    pooled, _ = api.index.history(script_of(hash_))
    return [shapes.transaction(api.index, found) for found in pooled[:POOL_PAGE]]


@endpoint("GET /scripthash/:hash/txs/chain")
def script_chain(api, hash_):
    _, mined = api.index.history(script_of(hash_))
    return [shapes.transaction(api.index, found) for found in mined[:PAGE]]


@endpoint("GET /scripthash/:hash/txs/chain/:txid")
def script_chain_after(api, hash_, txid):
    """Nothing after one that is not there: it may have gone with its block."""
    _, mined = api.index.history(script_of(hash_))
    after = next((n + 1 for n, found in enumerate(mined) if found.txid == txid), len(mined))
    return [shapes.transaction(api.index, found) for found in mined[after:after + PAGE]]


@endpoint("GET /scripthash/:hash/utxo")
def script_coins(api, hash_):
    found = api.index.coins(script_of(hash_))
    if len(found) > COINS:
        raise Refused(f"Too many unspent transaction outputs (>{COINS}). Contact support to raise limits.")
    return [shapes.coin(*one) for one in found]


# The rest.

@endpoint("GET /mempool/txids")
def pool_txids(api):
    return list(api.index.pool)


@endpoint("GET /fee-estimates")
def fee_estimates(api):
    if api.fees is not None:
        return {str(blocks_): rate for blocks_, rate in api.fees.items()}
    told = {n: api.forward("estimatesmartfee", n).get("feerate") for n in FEE_TARGETS}
    return {str(n): float(rate * 100_000) for n, rate in told.items() if rate is not None}


@endpoint("POST /tx")
def send(api, body):
    return api.forward("sendrawtransaction", body)


@endpoint("POST /txs/package")
def send_package(api, body):
    try:
        raws = json.loads(body)
    except ValueError as why:
        raise Refused(str(why)) from why
    if not isinstance(raws, list) or not all(isinstance(raw, str) for raw in raws):
        raise Refused("invalid type: expected a sequence of strings")
    if len(raws) > PACKAGE:
        raise Refused(f"Exceeded maximum of {PACKAGE} transactions")
    for n, raw in enumerate(raws):
        if not 120 <= len(raw) < 800_000:
            raise Refused(f"Invalid transaction size for item {n}")
        if not re.fullmatch("([0-9a-fA-F]{2})*", raw):
            raise Refused(f"Invalid transaction hex for item {n}")
    # Amounts pass through floats there, which write 1e-05 where the node wrote 0.00001000.
    return json.loads(json.dumps(api.forward("submitpackage", raws), default=float))
