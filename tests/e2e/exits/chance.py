"""Exits in a world of accidents: blocks, reorganisations, strangers who pay, kills, other fees, in an order that a seed decides
(spec/exit.md 9.34).

Whatever the order: no coin is held twice, history has no state twice in a row, and when the accidents end, blocks and coins bring
every exit to its claim, with nothing lost but fees.  EXIT_SEEDS=first:last says which seeds; one that fails is run alone with
EXIT_SEEDS=n:n."""
import os
import random

import bitcoin_rpc
import onchain_books
from ark_world import DELTA, same, scenario
from exits.ledger import conserved
from exits.moves import RATE, fund, look, names, take, until, wait_until
from exits.others import child_of

FIRST, LAST = (int(n) for n in os.environ.get("EXIT_SEEDS", "1:1").split(":"))
ACTS = 14
RATES = ("2", "5", "9", "20")


class Accidents:
    """What may happen, each by the name of a method."""

    def __init__(self, w, d, vtxos, dice):
        self.w, self.d, self.vtxos, self.dice, self.told = w, d, vtxos, dice, []

    def one(self):
        what = self.dice.choice((self.block, self.block, self.block, self.rest, self.rest, self.reorg, self.kill, self.rate,
                                 self.stranger, self.bare))
        self.told.append(what.__name__)
        what()
        self.check()

    def block(self):
        self.w.node.mine()

    def rest(self):
        self.w.caught_up(self.d)

    def reorg(self):
        """Never below where the VTXOs were made: what they stand on is not in question here."""
        depth = self.dice.randint(1, min(5, self.w.node.height() - self.w.settled))
        if depth > 0:
            self.w.node.reorg(depth)

    def kill(self):
        self.d.kill()
        self.d.start()

    def rate(self):
        v = self.dice.choice(self.vtxos)
        if look(self.d, v)["state"] in ("start", "processing"):
            self.d.call("exit.feerate", vtxo_id=v["id"], feerate=self.dice.choice(RATES))

    def front(self, v):
        """The first of its transactions that is in no block, and whose parent is; None: there is none."""
        for raw in v["txs"]:
            if not self.w.node.block_of(self.w.node.rpc.ask("decoderawtransaction", raw)["txid"]):
                return raw
        return None

    def stranger(self):
        """Somebody pays, more or less than we do: the node decides whose it takes."""
        raw = self.front(self.dice.choice(self.vtxos))
        if raw:
            self.w.node.rpc.ask("submitpackage", [raw, child_of(self.w, raw, self.dice.choice((600, 2_000, 9_000)))])

    def bare(self):
        """A miner takes one without a child."""
        raw = self.front(self.dice.choice(self.vtxos))
        try:
            if raw:
                self.w.node.mine(txs=[raw])
        except bitcoin_rpc.BitcoinError as why:  # its parent is in no block
            same(why.code, -25, str(why))

    def check(self):
        with onchain_books.opened(self.d.datadir) as db:
            same(db.execute("PRAGMA foreign_key_check").fetchall(), [], "what the tables point to")
            twice = db.execute("SELECT spends.prev_txid FROM exit_child AS c JOIN onchain_tx AS t ON t.txid = c.txid JOIN"
                               " onchain_input AS spends ON spends.tx_id = t.id WHERE c.active = 1 AND c.height IS NULL"
                               " GROUP BY spends.prev_txid, spends.prev_vout HAVING count(*) > 1").fetchall()
        same(twice, [], "coins that pay for two at once")
        for v in self.vtxos:
            e = look(self.d, v, history=True)
            past = [{**s, "tip_height": None} for s in [h["status"] for h in e["history"]] + [e["status"]]]
            same([a for a, b in zip(past, past[1:]) if a == b], [], f"states twice in a row: {names(e)}")


def to_the_end(w, d, vtxos):
    fund(w, d, *[60_000] * 3)

    def claimable():
        w.caught_up(d)
        states = [look(d, v)["state"] for v in vtxos]
        if any(s in ("start", "processing") for s in states):
            if w.node.pooled():
                w.node.mine()
        elif "awaiting-delta" in states:
            w.node.mine(DELTA)
        return all(s == "claimable" for s in states)
    wait_until(claimable, "all to be claimable", within_s=300)
    d.call("exit.claim", feerate=RATE)
    wait_until(w.node.pooled, "the claim to be sent")
    w.node.mine()
    for v in vtxos:
        until(d, v, "claimed")
    while w.node.pooled():
        w.node.mine()
    w.caught_up(d)
    conserved(w, d, *vtxos)


def live(w, seed):
    dice = random.Random(seed)
    leaves = [{"user": w.keys[n], "amount_sat": 20_000 + n} for n in range(2)]
    vtxos = [*w.make({"round": {"preimage": "55" * 32, "leaves": leaves}}), w.board(w.keys[2], 50_000)]
    d = w.daemon()
    take(w, d, *vtxos)
    fund(w, d, *[30_000] * dice.randint(1, 3))
    w.settled = w.node.height()
    w.node.mine()
    d.call("exit.start", vtxo_ids=[v["id"] for v in vtxos], feerate=RATE)
    accidents = Accidents(w, d, vtxos, dice)
    try:
        for _ in range(ACTS):
            accidents.one()
        to_the_end(w, d, vtxos)
    except Exception as why:
        raise AssertionError(f"seed {seed}, after {' '.join(accidents.told)}") from why
    d.stop()


def one_seed(seed):
    def run(w):
        live(w, seed)
    run.__name__ = f"accidents of seed {seed}"
    return run


for number in range(FIRST, LAST + 1):
    scenario(one_seed(number))
