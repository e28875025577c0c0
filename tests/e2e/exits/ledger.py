"""What became of the money: the daemon's books and the node's blocks, held against each other, to the satoshi.

  conserved(w, d, a, b)              of a daemon that has taken the VTXOs a and b, when nothing of it is on its way
  conserved(w, d, a, lost=[a])       ... and what others have taken of them

Which scripts are the wallet's, what its transactions moved and what they paid as fees, the node says; of the daemon the
database is read, as a crash would leave it.  What was paid in and the VTXOs that were claimed are coins, payments and fees;
the other VTXOs are still counted, where the daemon says that they are."""
import collections

import bitcoin
import onchain_books
from ark_world import same
from bitcoin_rpc import sat

P2A = bitcoin.P2A.hex()
SCRIPTS = 100  # of each chain of keys
SPENDABLE, LOCKED, PENDING, _, FEES, OUTSIDE, _, EXITING = range(1, 9)  # accounts of the ledger

Moved = collections.namedtuple("Moved", "txid own came got fee paid vtxos")


def addresses(w, xpub):
    """Of the wallet, by the node's own derivation."""
    found = set()
    for chain in (0, 1):
        told = w.node.rpc.ask("getdescriptorinfo", f"tr({bitcoin.test_network_key(xpub)}/{chain}/*)")
        found.update(w.node.rpc.ask("deriveaddresses", told["descriptor"], [0, SCRIPTS - 1]))
    return found


def moved(tx, ours, vtxos):
    """What a transaction of a block moved.  own: it is the wallet's; then what came beside coins of ours (an anchor's value,
    VTXOs), the fee, and what others were paid."""
    spent = [(f"{i['txid']}:{i['vout']}", i["prevout"]) for i in tx["vin"] if "prevout" in i]
    coins = [p for _, p in spent if p["scriptPubKey"].get("address") in ours]
    anchors = [p for _, p in spent if p["scriptPubKey"]["hex"] == P2A]
    known = [v for at, _ in spent for v in vtxos if v["id"] == at]
    got = sum(sat(o["value"]) for o in tx["vout"] if o["scriptPubKey"].get("address") in ours)
    if not coins and not known and not (anchors and got):
        return Moved(tx["txid"], False, got, got, 0, 0, [])
    came = sum(sat(p["value"]) for p in anchors) + sum(v["amount_sat"] for v in known)
    paid = sum(sat(o["value"]) for o in tx["vout"]) - got
    return Moved(tx["txid"], True, came, got, sat(tx["fee"]), paid, known)


def history(w, ours, vtxos):
    found = []
    for height in range(w.began + 1, w.node.height() + 1):
        for tx in w.node.rpc.ask("getblock", w.node.hash_at(height), 3)["tx"]:
            one = moved(tx, ours, vtxos)
            if one.got or one.own:
                found.append(one)
    return found


def accounts(d):
    with onchain_books.opened(d.datadir) as db:
        rows = onchain_books.read(db, "SELECT rail, account, total FROM account_total")
        xpub = onchain_books.read(db, "SELECT xpub FROM onchain_wallet")[0].xpub
    found = {"onchain": collections.Counter(), "ark": collections.Counter()}
    for row in rows:
        found[row.rail][row.account] = row.total
    return found, xpub


def fees_told(d, vtxos):
    """{txid: fee} of the children that the daemon says it has paid."""
    told = {}
    begun = {e["vtxo_id"] for e in d.call("exit.list", filter="all", limit=1000)["exits"]}
    for v in (v for v in vtxos if v["id"] in begun):
        for tx in d.call("exit.get", vtxo_id=v["id"], transactions=True)["transactions"]:
            if tx["child"] and tx["child"]["origin"] == "wallet":
                told[tx["child"]["txid"]] = tx["child"]["fee_sat"]
    return told


def conserved(w, d, *vtxos, lost=(), paid=0):
    """paid: to others, on purpose."""
    w.caught_up(d)
    same(w.node.pooled(), set(), "what is on its way")
    books, xpub = accounts(d)
    ours = addresses(w, xpub)
    txs = history(w, ours, [v for v in vtxos if v not in lost])
    coins = sum(value for value, *_ in onchain_books.unspent_at(w.node, xpub, ()).values())
    own = [one for one in txs if one.own]
    fees = sum(one.fee for one in own)
    claimed = [v for one in own for v in one.vtxos]
    # The chain.
    same(coins, sum(one.came for one in txs) - fees - paid, "the coins, and where they came from")
    same(sum(one.paid for one in own), paid, "what others were paid")
    # The daemon.
    onchain, ark = books["onchain"], books["ark"]
    same(sum(onchain[a] for a in (SPENDABLE, LOCKED, PENDING)), coins, "the ledger, and the coins")
    same(onchain[FEES] + ark[FEES], fees, "the ledger's fees, and the blocks'")
    same(ark[FEES], sum(one.fee for one in own if one.vtxos), "the fees of claims")
    same(sum(ark[a] for a in (SPENDABLE, LOCKED, EXITING)),
         sum(v["amount_sat"] for v in vtxos if v not in claimed and v not in lost), "VTXOs that are left")
    for rail, sums in books.items():
        same(sum(sums.values()), 0, f"all accounts of {rail}")
    told = fees_told(d, vtxos)
    for one in own:
        if not one.vtxos and one.txid in told:
            same(told[one.txid], one.fee, f"the fee of {one.txid}")
    return fees
