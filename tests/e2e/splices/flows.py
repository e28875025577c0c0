"""Splices that both suites run: in peace, over restarts, with the peer away, bumped, and reorganised."""
import random
import time

import lab
from splices.world import GRADUATED, check, refused, same, scenario


def payments(w, d):
    return w.row(d, past=100)["payments"]


def payment_of(w, d, txid):
    """The one whose candidates have this txid."""
    found = [p for p in payments(w, d) if txid in [c["txid"] for c in p["candidates"]]]
    same(len(found), 1, f"payments that {txid} finds")
    return found[0]


@scenario
def a_splice_out_to_our_own_wallet(w):
    d = w.daemon()
    done = w.out(d, 50_000, feerate="4", key="x")
    same(w.out(d, 50_000, feerate="4", key="x")["id"], done["id"], "the same key")
    refused("splice_in_progress", lambda: w.out(d, 50_000, feerate="4"), field="channel")
    txid = w.pending(d, done)
    same([(c["txid"], c["origin"]) for c in w.candidates(d)], [(txid, "ours")], "candidates")
    done = w.locked(d, done)
    same((done["result"]["txid"], len(w.events(d, "splice.locked"))), (txid, 1), "what is locked, and events of it")
    same(w.splice(d), None, "what is under way")
    w.books(txid)


@scenario
def a_splice_out_to_somebody_else(w):
    d = w.daemon()
    done = w.out(d, 60_000, feerate="4", address=w.node.address())
    txid = w.pending(d, done)
    w.locked(d, done)
    w.books(txid, given=60_000)


@scenario
def a_splice_in(w):
    d = w.daemon()
    done = w.into(d, 150_000, feerate="4")
    txid = w.pending(d, done)
    w.locked(d, done)
    w.books(txid)


@scenario
def one_after_the_other(w):
    d = w.daemon()
    txids = []
    for start, amount in ((w.out, 40_000), (w.into, 120_000), (w.out, 30_000)):
        done = start(d, amount, feerate="4")
        txids.append(w.pending(d, done))
        w.locked(d, done)
        w.knows_funding(d, txids[-1])
    w.books(*txids)


@scenario
def splice_resumed_after_restart(w):
    d = w.daemon()
    w.ln.peer_down()
    done = w.out(d, 50_000, feerate="4")
    w.waits_for(d, done, "peer_offline")
    d.kill()
    d.start()
    w.ln.peer_up()
    txid = w.pending(d, done)
    d.kill()
    d.start()
    w.locked(d, done)
    d.kill()
    d.start()
    w.caught_up(d)
    same((w.get(d, done)["result"]["txid"], w.splice(d)), (txid, None), "what is locked, and what is under way")
    w.submissions(1)
    same(len(w.node.pooled()), 0, "transactions on their way")
    w.books(txid)


@scenario
def splice_rbf_resumed_after_restart(w):
    d = w.daemon()
    done = w.out(d, 50_000, feerate="4")
    first = w.pending(d, done)
    w.ln.peer_down()
    bump = w.bump(d, feerate="8", max_feerate="10")
    w.waits_for(d, bump, "peer_offline")
    d.kill()
    d.start()
    w.ln.peer_up()
    w.state(d, bump, "done")
    second = w.candidates(d)[-1]["txid"]
    same(([c["txid"] for c in w.candidates(d)], w.node.pooled()), ([first, second], {second}), "candidates, and the mempool")
    w.locked(d, done)
    same(w.get(d, done)["result"]["txid"], second, "what is locked")
    same(payment_of(w, d, first)["payment_id"], payment_of(w, d, second)["payment_id"], "the record of both")
    w.books(second)


@scenario
def a_bump_of_a_splice_in(w):
    d = w.daemon()
    done = w.into(d, 150_000, feerate="4")
    first = w.pending(d, done)
    bump = w.bump(d, feerate="9", max_feerate="10")
    w.state(d, bump, "done")
    second = w.candidates(d)[-1]["txid"]
    check(second != first and w.node.pooled() == {second}, "the mempool has the second")
    w.locked(d, done)
    w.books(second)


@scenario
def earlier_candidate_confirms(w):
    d = w.daemon()
    done = w.out(d, 50_000, feerate="4")
    first = w.pending(d, done)
    raw = w.node.raw(first)
    w.state(d, w.bump(d, feerate="8", max_feerate="10"), "done")
    w.node.mine(txs=[raw])
    done = w.state(d, done, "done", within_s=90)
    same(done["result"]["txid"], first, "what is locked")
    lab.wait_until(lambda: payment_of(w, d, first)["txid"] == first, "it to be seen in a block")
    same(payment_of(w, d, first)["fee_sat"], w.fee_of(first), "the figures")
    w.books(first)


@scenario
def reorg_after_graduation_with_rbf(w):
    d = w.daemon()
    done = w.out(d, 50_000, feerate="4")
    first = w.pending(d, done)
    raw = w.node.raw(first)
    w.state(d, w.bump(d, feerate="8", max_feerate="10"), "done")
    second = w.candidates(d)[-1]["txid"]
    w.locked(d, done)
    w.node.mine(GRADUATED - 1)
    lab.wait_until(lambda: payment_of(w, d, second)["status"] == "succeeded", "it to graduate", within_s=60)
    one = payment_of(w, d, second)
    w.node.reorg(GRADUATED, txs=[raw])
    lab.wait_until(lambda: payment_of(w, d, first)["txid"] == first, "the other one to be seen", within_s=60)
    w.node.mine(GRADUATED)
    lab.wait_until(lambda: payment_of(w, d, first)["status"] == "succeeded", "it to graduate again", within_s=60)
    other = payment_of(w, d, first)
    same((other["payment_id"], len(payments(w, d)), other["fee_sat"]), (one["payment_id"], 1, w.fee_of(first)), "the record")
    w.submissions(2)


@scenario
def manual_splice_at_node(w):
    """Not adopted; ours waits, and comes after it."""
    d = w.daemon()
    by_hand = w.ln.steps.splice(w.ln.steps.build_out(30_000))
    done = w.out(d, 50_000, feerate="4")
    w.waits_for(d, done, "foreign_splice")
    same(w.candidates(d), [], "candidates of ours")
    w.ln.mine(1)
    txid = w.pending(d, done)
    w.locked(d, done)
    w.books(by_hand["txid"], txid, given=30_000)


@scenario
def cancelled_while_it_waits(w):
    d = w.daemon()
    w.ln.peer_down()
    done = w.out(d, 50_000, feerate="4")
    w.waits_for(d, done, "peer_offline")
    d.call("action.cancel", id=done["id"])
    w.state(d, done, "cancelled")
    same((w.splice(d), len(w.events(d, "splice.cancelled"))), (None, 1), "what is under way, and events")
    w.ln.peer_up()
    done = w.out(d, 50_000, feerate="4")
    txid = w.pending(d, done)
    refused("not_cancellable", lambda: d.call("action.cancel", id=done["id"]))
    w.locked(d, done)
    w.books(txid)


@scenario
def the_node_is_killed_with_it(w):
    """Both at once, again and again."""
    d = w.daemon()
    done = w.into(d, 150_000, feerate="4")
    for _ in range(2):
        d.kill()
        w.ln.crash()
        d.start()
    txid = w.pending(d, done)
    d.kill()
    w.ln.crash()
    d.start()
    w.locked(d, done)
    w.books(txid)


@scenario
def killed_at_random_moments(w):
    """walletd alone, in the middle of whatever it is at; each may cost an attempt, for those are counted before."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    print("seed", seed)
    d = w.daemon("--splice_attempts=9")
    txids = []
    for start in (w.out, w.into):
        done = start(d, 40_000, feerate="4")
        for _ in range(3):
            time.sleep(chance.uniform(0, 0.15))
            d.kill()
            d.start()
        txids.append(w.pending_at_last(d, done))
        w.locked(d, done)
        w.knows_funding(d, txids[-1])
    w.books(*txids)


@scenario
def hung_command(w):
    """The peer is silent, and goes, in the middle of a splice_init that nobody ever answers."""
    d = w.daemon()
    w.ln.freeze()
    done = w.out(d, 50_000, feerate="4")
    w.ln.wait_begun()
    d.kill()
    w.ln.peer_down()
    w.ln.thaw()
    d.start()
    w.waits_for(d, done, "peer_offline")
    w.ln.peer_up()
    txid = w.pending_at_last(d, done)
    w.locked(d, done)
    w.books(txid)


@scenario
def what_must_not_be_asked_for(w):
    d = w.daemon()
    for kind, field, call in (
            ("unknown_channel", "channel", lambda: w.out(d, 50_000, channel="11" * 32)),
            ("invalid_params", "channel", lambda: w.out(d, 50_000, channel="11")),
            ("dust", "amount_sat", lambda: w.out(d, 200)),
            ("insufficient_funds", "amount_sat", lambda: w.out(d, 700_000)),
            ("insufficient_funds", "amount_sat", lambda: w.into(d, 90_000_000)),
            ("wrong_network", "address", lambda: w.out(d, 50_000, address="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")),
            ("fee_out_of_range", "feerate", lambda: w.out(d, 50_000, feerate="9", max_feerate="5")),
            ("nothing_to_bump", "channel", lambda: w.bump(d))):
        refused(kind, call, field)
    w.submissions(0)
    w.books()
    same(w.events(d, "splice.accepted"), [], "events")
