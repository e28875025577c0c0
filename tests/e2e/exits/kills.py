"""SIGKILL at each state of an exit, and blocks that go at each."""
import os
import shlex
import subprocess

from ark_world import BITCOIND, DELTA, ESPLORA, same, scenario
from exits.ledger import conserved
from exits.moves import RATE, attention, fund, is_sent, look, names, take, until, until_sent, wait_until

KEPT = ("state", "live", "waiting_for", "blocks_left", "broadcast_txs", "confirmed_txs", "fees_sat", "last_error")


class Operator:
    """Types, and writes down what is typed and what comes back, for whoever wants to read it: EXIT_TRANSCRIPT names a file."""

    def __init__(self, w, d):
        self.program, self.d = os.path.join(w.build, "walletctl"), d
        self.file = os.environ.get("EXIT_TRANSCRIPT")

    def write(self, text):
        if self.file:
            with open(self.file, "a", encoding="utf-8") as f:
                f.write(text + "\n")

    def types(self, *words):
        done = subprocess.run([self.program, "--socket=" + self.d.socket, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, check=True).stdout.decode().rstrip()
        self.write(f"$ walletctl {shlex.join(words)}\n{done}")
        return done

    def kills(self, v):
        """kill -9, and a start: the exit is where it was, or further, and nothing of its past is another."""
        before = look(self.d, v, history=True)
        self.d.kill()
        self.d.start()
        after = look(self.d, v, history=True)
        same(names(after).startswith(names(before)), True, f"its past: {names(before)}, then {names(after)}")
        same(after["attempt"], before["attempt"], "the attempt")
        shown = ", ".join(f"{name}: {before[name]}" for name in KEPT if before.get(name) is not None)
        self.write(f"# {before['state']} ({shown})\n$ kill -9; walletd\n# {after['state']}: {names(after)}")


@scenario
def killed_at_each_state(w):
    """9.13: a whole exit, from its start to its last confirmation, with a kill wherever it stands still."""
    v = w.make({"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 0}}, hops=[
        {"spend": 0, "checkpoint": False, "outputs": [{"amount_sat": 50_000, "user": w.keys[1]}]}])[1]
    d = w.daemon()
    take(w, d, v)
    operator = Operator(w, d)
    operator.types("exit", "start", f'vtxo_ids=["{v["id"]}"]', "feerate=" + RATE, "idempotency_key=begin")
    operator.kills(v)  # at its start, or a moment later
    operator.types("exit", "start", f'vtxo_ids=["{v["id"]}"]', "feerate=" + RATE, "idempotency_key=begin")
    wait_until(lambda: look(d, v)["waiting_for"] == "funds", "it to miss money")
    operator.kills(v)  # c: nobody pays
    fund(w, d, 100_000)
    for n in range(1, v["depth"] + 1):
        until_sent(w, d, v, n)
        operator.types("exit", "list")
        operator.kills(v)  # a: on its way
        same(len(w.node.pooled()), 2, "transactions on their way")
        w.node.mine()
    until(d, v, "awaiting-delta")
    operator.types("exit", "list")
    operator.kills(v)
    w.node.mine(DELTA)
    until(d, v, "claimable")
    operator.types("exit", "list")
    operator.kills(v)
    operator.types("exit", "claim", "feerate=" + RATE, "idempotency_key=claim")
    done = d.call("exit.claim", feerate=RATE, idempotency_key="claim")
    operator.kills(v)
    same(d.call("exit.claim", feerate=RATE, idempotency_key="claim")["txid"], done["txid"], "the same claim")
    until(d, v, "claim-in-progress")
    operator.kills(v)
    w.node.mine()
    until(d, v, "claimed")
    operator.kills(v)
    w.node.mine(6)
    wait_until(lambda: not look(d, v)["live"], "it to be over")
    operator.kills(v)
    operator.types("exit", "list", "filter=finished")
    operator.types("balance")
    same(names(look(d, v, history=True)), "S Pvv Pci Pai PCc PCa D K I F", "its history")
    same(attention(d), [], "what asks for attention")
    conserved(w, d, v)


def to_confirmed(w, d, v, n):
    """Blocks until so many are in one.  The next one may be in the same, where it waited for that in a mempool."""
    while (now := look(d, v)["confirmed_txs"]) < n:
        wait_until(lambda: look(d, v)["confirmed_txs"] != now or is_sent(d, v, now + 1), f"{now + 1} to be sent")
        if look(d, v)["confirmed_txs"] == now:
            w.node.mine()
            w.caught_up(d)


@scenario(backends=(), by_hand=(BITCOIND, ESPLORA), slow=True)
def blocks_go_at_each_state(w):
    """9.14 to 9.17, a block or a few at a time: what they held is in the mempool again, and mined again."""
    v = w.make({"board": {"user": w.keys[0], "amount_sat": 50_000, "fee_sat": 0}}, hops=[
        {"spend": 0, "checkpoint": False, "outputs": [{"amount_sat": 50_000, "user": w.keys[1]}]}])[1]
    d = w.daemon()
    take(w, d, v)
    d.call("exit.start", vtxo_ids=[v["id"]], feerate=RATE)
    wait_until(lambda: look(d, v)["waiting_for"] == "funds", "it to miss money")
    w.node.reorg(1)  # the block of what it stands on
    wait_until(lambda: look(d, v)["waiting_for"] == "parent", "it to wait for that")
    w.node.mine()
    wait_until(lambda: look(d, v)["waiting_for"] == "funds", "it to miss money again")
    fund(w, d, 100_000)
    for n in range(1, v["depth"] + 1):
        to_confirmed(w, d, v, n)
        w.node.reorg(1 + w.node.height() - look(d, v, transactions=True)["transactions"][n - 1]["height"])
        wait_until(lambda n=n: look(d, v)["confirmed_txs"] < n, f"{n} to be open again")
        to_confirmed(w, d, v, n)
    until(d, v, "awaiting-delta")
    w.node.mine(DELTA)
    until(d, v, "claimable")
    w.node.rollback(1)
    until(d, v, "awaiting-delta")
    w.node.mine(2)
    until(d, v, "claimable")
    done = d.call("exit.claim", feerate=RATE)
    until(d, v, "claim-in-progress")
    w.node.reorg(1)
    w.caught_up(d)
    for depth in (1, 3, 5):
        wait_until(lambda: done["txid"] in w.node.pooled(), "the claim to be on its way")
        w.node.mine()
        until(d, v, "claimed")
        w.node.mine(depth - 1)
        w.caught_up(d)
        w.node.reorg(depth)
        wait_until(lambda: look(d, v)["state"] in ("claim-in-progress", "claimable"), "its claim to be open again")
    wait_until(lambda: done["txid"] in w.node.pooled(), "the claim to be on its way")
    w.node.mine()
    until(d, v, "claimed")
    w.node.mine(5)
    wait_until(lambda: not look(d, v)["live"], "it to be over")
    same(attention(d), [], "what asks for attention")
    conserved(w, d, v)
