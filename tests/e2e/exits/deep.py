"""Chains that part below all that a wallet keeps of the one before: it looks for everything anew, from its birthday on."""
from ark_world import BITCOIND, DELTA, ESPLORA, same, scenario
from exits.ledger import conserved
from exits.moves import RATE, attention, claim, fund, look, names, start, take, until, until_sent, wait_until
from exits.others import child_of

KEPT = 100  # blocks, of a wallet that began near the tip
WINDOW = 2016


def two(w):
    return w.board(w.keys[0], 50_000), w.board(w.keys[1], 40_000)


def to_claimable(w, d, a, b):
    """Both."""
    take(w, d, a, b)
    start(d, a, b)
    for v in (a, b):
        until_sent(w, d, v, 1)
    w.node.mine()
    for v in (a, b):
        until(d, v, "awaiting-delta")
    w.node.mine(DELTA)
    for v in (a, b):
        until(d, v, "claimable")


def another_chain(w, d, a, b, depth):
    """From so deep on there are other blocks, which the daemon sees when it is there again: the first has what is to be put on
    chain of a, with a child of somebody else's, and nothing of b.  Of what was in all but the highest ten the node knows
    nothing any more."""
    d.kill()
    w.node.rollback(depth)
    w.node.mine(depth + 5, txs=[a["txs"][0], child_of(w, a["txs"][0], 1_000)])
    d.start()
    w.caught_up(d)
    until(d, a, "claimable")
    same((look(d, a)["fees_sat"], look(d, a)["confirmed_txs"]), (0, 1), "what it cost, and how far it is")


def to_the_end(w, d, a, b, done=None):
    """done: the claim of b, which was made before."""
    wait_until(lambda: len(w.node.pooled()) == 2, "the package to be sent again")
    w.node.mine()
    until(d, b, "awaiting-delta")
    w.node.mine(DELTA)
    if done:
        wait_until(lambda: done in w.node.pooled(), "the claim to be sent again")
    else:
        until(d, b, "claimable")
    d.call("exit.claim", feerate=RATE)
    wait_until(lambda: len(w.node.pooled()) == (2 if done else 1), "the claim of what is left to be sent")
    w.node.mine()
    for v in (a, b):
        until(d, v, "claimed")
    w.node.mine(5)
    for v in (a, b):
        wait_until(lambda v=v: not look(d, v)["live"], "it to be over")
        same((look(d, v)["attempt"], names(look(d, v, history=True))[-1]), (1, "F"), "its end")
    same(attention(d), [], "what asks for attention")
    conserved(w, d, a, b)


@scenario(backends=(), by_hand=(BITCOIND, ESPLORA), slow=True)
def blocks_go_further_back_than_is_kept(w):
    """9.18: of a wallet that was restored near the tip; a node's filters, or its index, say where older blocks concern it."""
    a, b = two(w)
    first = w.daemon()
    fund(w, first, 60_000, 60_000)
    first.stop()
    w.node.mine(1_150)
    kept = w.node.height() - KEPT
    d = w.daemon()
    w.caught_up(d)
    to_claimable(w, d, a, b)
    done = claim(w, d, b)["txid"]
    w.node.mine()
    until(d, b, "claimed")
    another_chain(w, d, a, b, w.node.height() - kept + 3)
    to_the_end(w, d, a, b, done)


@scenario(backends=(), by_hand=(BITCOIND, ESPLORA), slow=True)
def blocks_go_further_back_than_two_weeks(w):
    """9.18: of a wallet that was there all the time."""
    a, b = two(w)
    d = w.daemon()
    fund(w, d, 60_000, 60_000)
    to_claimable(w, d, a, b)
    w.node.mine(WINDOW)
    w.caught_up(d)
    another_chain(w, d, a, b, WINDOW + DELTA + 1)
    to_the_end(w, d, a, b)
