"""What the scenarios of exits do with a daemon, and ask it."""
import lab
from ark_world import DELTA, same

WAIT_S = 120
RATE = "5"
# Some nodes want 240 sat more for each package (spec/exit.md 6.6).
SURCHARGES = (0, 240)


def wait_until(question, what, within_s=WAIT_S):
    """The first true answer.  A question costs the daemon something: many scenarios run at once."""
    return lab.wait_until(question, what, within_s, 0.1)


def fund(w, d, *amounts):
    for amount in amounts:
        w.node.pay(d.call("address.new", rail="onchain")["address"], amount)
    w.node.mine()
    w.caught_up(d)


def take(w, d, *vtxos):
    d.call("vtxo.import", vtxos="\n".join(v["hex"] for v in vtxos))
    w.caught_up(d)


def start(d, *vtxos, **more):
    return d.call("exit.start", vtxo_ids=[v["id"] for v in vtxos], **{"feerate": RATE, **more})


def look(d, v, **more):
    return d.call("exit.get", vtxo_id=v["id"], **more)


def until(d, v, state, what="it"):
    return wait_until(lambda: (lambda e: e if e["state"] == state else None)(look(d, v)), f"{what} to be {state}")


def is_sent(d, v, n):
    """Is its n-th transaction in the mempool, and has the daemon seen it there?  The exit, or None."""
    e = look(d, v, transactions=True)
    tx = e["transactions"][n - 1]
    return e if tx["status"] == "mempool" and tx.get("child") and tx["child"]["status"] == "sent" else None


def until_sent(w, d, v, n):
    return wait_until(lambda: is_sent(d, v, n), f"transaction {n} to be sent")


def children(e):
    return [t["child"]["txid"] if t["child"] else None for t in e["transactions"]]


def names(e):
    """What it went through, one letter for each state, and for each of its transactions."""
    states = {"start": "S", "processing": "P", "awaiting-delta": "D", "claimable": "K", "claim-in-progress": "I",
              "claimed": "F", "vtxo-already-spent": "X", "canceled": "N"}
    parts = {"verify-inputs": "v", "awaiting-input-confirmation": "i", "awaiting-cpfp-broadcast": "c",
             "awaiting-confirmation": "a", "confirmed": "C"}
    return " ".join(states[s["type"]] + "".join(parts[t["status"]["type"]] for t in s.get("transactions", ()))
                    for s in [h["status"] for h in e["history"]] + [e["status"]])


def to_claimable(w, d, v):
    """Blocks until it can be claimed, each seen by the daemon."""
    for n in range(1, v["depth"] + 1):
        until_sent(w, d, v, n)
        w.node.mine()
    until(d, v, "awaiting-delta")
    w.node.mine(DELTA)
    until(d, v, "claimable")


def attention(d):
    return [a for a in d.call("status")["attention"] if a["kind"] not in ("plaintext_seed", "no_backup")]


def coins(d):
    return d.call("utxo.list", limit=1000)["utxos"]


def spendable(d):
    return d.call("balance")["balances"]["onchain"]["sat"]["spendable"]


def claim(w, d, v, **more):
    done = d.call("exit.claim", vtxo_ids=[v["id"]], **{"feerate": RATE, **more})
    wait_until(lambda: done["txid"] in w.node.pooled(), "the claim to be sent")
    return done


def books(w, d):
    """What the daemon thinks that it has, the node has too."""
    w.caught_up(d)
    same(attention(d), [], "what asks for attention")
    for coin in coins(d):
        if coin["confirmations"]:
            txid, vout = coin["outpoint"].split(":")
            there = w.node.rpc.ask("gettxout", txid, int(vout), False)
            same(there is not None and round(there["value"] * 100_000_000) == coin["amount_sat"], True, f"the coin {coin}")
