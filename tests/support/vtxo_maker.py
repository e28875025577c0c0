"""VTXOs for tests: made by walletd-vtxo-maker with both parties' keys, funded on a chain of the test's own.

  maker = VtxoMaker(build, server=KEY, expiry_height=500, exit_delta=12)
  vtxos = maker.fund(node, board(KEY, 100_000, fee=330))      one, by a transaction that the node's wallet pays and mines
  vtxos = maker.fund(node, round_of([(KEY, 5_000), ...]))     a leaf each
  vtxos = maker.fund(node, board(...), hop(0, (KEY, 60_000), (KEY, 40_000)), hop(1, ...))
                                                              then what becomes of them; indices as in the list

A KEY is a secret key of 64 hex characters; in place of one, an output may be given as a dict (tests/tools/vtxo_maker/plan.h
says what there is).  A Vtxo's txs are its exit transactions, signed, in hex, first to last.  A VTXO that was spent on is
still in the list, and its exit as valid as ever: whoever publishes what spends it wins."""
import collections
import json
import os
import subprocess

Vtxo = collections.namedtuple("Vtxo", "id amount_sat depth spent hex txs")


class MakerError(Exception):
    """There is no such VTXO."""


def board(user, amount, fee=0):
    return {"board": {"user": user, "amount_sat": amount, "fee_sat": fee}}


def round_of(leaves, preimage="11" * 32, locked=False):
    return {"round": {"preimage": preimage, "locked": locked,
                      "leaves": [{"user": user, "amount_sat": amount} for user, amount in leaves]}}


def output(one):
    return one if isinstance(one, dict) else {"user": one[0], "amount_sat": one[1]}


def hop(spend, *outputs, isolated=(), checkpoint=True):
    return {"spend": spend, "checkpoint": checkpoint, "outputs": [output(o) for o in outputs],
            "isolated": [output(o) for o in isolated]}


class VtxoMaker:
    def __init__(self, build, server, expiry_height, exit_delta):
        self.program = os.path.join(build, "walletd-vtxo-maker")
        self.terms = {"server": server, "expiry_height": expiry_height, "exit_delta": exit_delta}

    def run(self, plan):
        done = subprocess.run([self.program], input=json.dumps({**self.terms, **plan}), capture_output=True,
                              encoding="utf-8", check=False)
        if done.returncode != 0:
            raise MakerError(done.stderr.strip())
        return json.loads(done.stdout)

    def target(self, first):
        """What must be on chain before there are VTXOs: a script in hex, and satoshi."""
        made = self.run(first)
        return made["script"], made["amount_sat"]

    def make(self, first, utxo, *hops):
        """utxo: "txid:vout" of that output."""
        return [Vtxo(**v) for v in self.run({**first, "utxo": utxo, "hops": list(hops)})["vtxos"]]

    def fund(self, node, first, *hops):
        script, amount = self.target(first)
        txid = node.pay(node.rpc.ask("decodescript", script)["address"], amount)
        node.mine(txs=[txid])
        paid = node.rpc.ask("getrawtransaction", txid, True)["vout"]
        vout = next(o["n"] for o in paid if o["scriptPubKey"]["hex"] == script)
        return self.make(first, f"{txid}:{vout}", *hops)
