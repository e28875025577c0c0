"""Splices whose node, peer or wire does what a test says: with the scripted node alone.

Those that do something at each call of a round do it at one that chance chooses, unless WHOLE=1 is in the environment: then
at all of them, one splice after the other."""
import os
import random
import threading

import acts
import bitcoin
import lab
from splices.world import check, refused, same, scenario, scripted

# In the order in which a round makes these calls; which of them, counted from one.
ROUND_OUT = (("addpsbtoutput", 1), ("splice_init", 1), ("splice_update", 1), ("splice_update", 2), ("splice_signed", 1))
ROUND_IN = (("fundpsbt", 1), ("splice_init", 1), ("splice_update", 1), ("signpsbt", 1), ("splice_update", 2),
            ("splice_signed", 1))


WHOLE = os.environ.get("WHOLE") == "1"


def some(calls):
    chosen = calls if WHOLE else (random.choice(calls),)
    print("at", *chosen)
    return chosen


def ready(w, d):
    """One after the other in one world: what came before is locked, and walletd knows."""
    w.caught_up(d)
    lab.wait_until(lambda: w.row(d)["funding"] == ":".join(map(str, w.ln.model.funding)), "walletd to know the channel",
                   within_s=60)


def killed_at_each(w, start, calls, how):
    """A SIGKILL at each of these calls; each splice comes to its end, once."""
    d, stub, txids = w.daemon(), w.ln.stub, []
    for method, nth in some(calls):
        ready(w, d)
        before = stub.count("lock")
        stub.at(method, how(d.kill), nth=nth)
        done = start(w, d)
        lab.wait_until(lambda: not d.alive(), f"walletd to be killed at {method} {nth}")
        d.start()
        txids.append(w.pending_at_last(d, done))
        w.locked(d, done)
        same(stub.count("lock"), before + 1, "locks")
    same((stub.unused(), stub.unlawful), ([], []), "rules that nobody came by, and what must not be done")
    w.books(*txids)


@scripted
def killed_before_each_call_of_a_splice_out(w):
    killed_at_each(w, lambda w, d: w.out(d, 20_000, feerate="4"), ROUND_OUT, acts.before)


@scripted
def killed_after_each_call_of_a_splice_out(w):
    killed_at_each(w, lambda w, d: w.out(d, 20_000, feerate="4"), ROUND_OUT, acts.after)


@scripted
def killed_before_each_call_of_a_splice_in(w):
    killed_at_each(w, lambda w, d: w.into(d, 20_000, feerate="4"), ROUND_IN, acts.before)


@scripted
def killed_after_each_call_of_a_splice_in(w):
    killed_at_each(w, lambda w, d: w.into(d, 20_000, feerate="4"), ROUND_IN, acts.after)


@scripted
def disconnect_mid_negotiation(w):
    """After splice_init, after the first update, after the final one, after the signatures."""
    d, stub, txids = w.daemon(), w.ln.stub, []
    for method, nth, rounds in some((("splice_init", 1, 2), ("splice_update", 1, 2), ("splice_update", 2, 1),
                                     ("splice_signed", 1, 1))):
        ready(w, d)
        before, gone = stub.count("open"), threading.Event()

        def leave(gone=gone):
            w.ln.model.disconnect()
            gone.set()
        stub.at(method, acts.after(leave), nth=nth)
        done = w.out(d, 20_000, feerate="4")
        check(gone.wait(60), "the peer was to go")
        same(len(w.events(d, "splice.negotiation_failed")), 0, "events")
        w.ln.peer_up()
        txids.append(w.pending_at_last(d, done))
        same(stub.count("open") - before, rounds, f"rounds after a break at {method} {nth}")
        w.locked(d, done)
    same(stub.unlawful, [], "what must not be done")
    w.books(*txids)


@scripted
def the_wire_is_cut(w):
    """A reply that is lost is an unknown, and asked for; nothing happens twice."""
    d, stub, txids = w.daemon(), w.ln.stub, []
    for how, (method, nth) in some([(how, call) for how in (acts.lose_request, acts.lose_reply) for call in ROUND_IN]):
        ready(w, d)
        stub.at(method, how(), nth=nth)
        done = w.into(d, 20_000, feerate="4")
        txids.append(w.pending_at_last(d, done))
        w.locked(d, done)
    same((stub.unused(), stub.unlawful), ([], []), "rules that nobody came by, and what must not be done")
    w.books(*txids)


@scripted
def unsigned_in_orphan(w):
    """A splice in whose transaction is final and that nobody of us has signed, and the node is gone: spec/splice.md 5.1.6."""
    d, stub = w.daemon(WALLETD_FAILPOINTS="splice.sign_early:error:0,splice.final:crash:1"), w.ln.stub
    done = w.into(d, 150_000, feerate="4")
    lab.wait_until(lambda: not d.alive(), "walletd to be killed")
    w.ln.crash()
    orphan, = w.ln.model.rows
    same((orphan.own_sigs, stub.count("signatures")), (False, 0), "what is signed")
    d.start()
    txid = w.pending_at_last(d, done)
    check(txid != orphan.txid, "a fresh round")
    w.locked(d, done)
    same((stub.count("abort"), stub.count("open"), stub.unlawful), (1, 2, []), "aborts, rounds, and what must not be done")
    same(len(stub.coins.free(stub.height(), 1)), len(stub.coins.all()), "coins that are free")
    w.books(txid)


@scripted
def signatures_that_the_node_has_lost(w):
    """As above, but ours were handed over: nothing may be taken back, and nothing is said to be on its way."""
    d, stub = w.daemon(WALLETD_FAILPOINTS="splice.final:crash:1"), w.ln.stub
    stub.forgets_early_signatures = True
    done = w.into(d, 150_000, feerate="4")
    lab.wait_until(lambda: not d.alive(), "walletd to be killed")
    w.ln.crash()
    d.start()
    w.waits_for(d, done, "node_busy")
    same((stub.count("abort"), stub.count("open"), len(w.events(d, "splice.pending"))), (0, 1, 0), "aborts, rounds, and events")
    check(any("restart the node" in one for one in d.call("action.explain", id=done["id"])["story"]), "and the remedy")


@scripted
def an_orphan_that_is_not_ours(w):
    """A round by hand that nobody signed and that cannot be resumed: it is left alone, and waited for."""
    d, stub = w.daemon(), w.ln.stub
    stub.abort_s = 0
    built = w.ln.steps.build_in(150_000)
    w.ln.steps.settle(built)
    w.ln.crash()
    done = w.out(d, 50_000, feerate="4")
    w.waits_for(d, done, "foreign_splice")
    same((stub.count("abort"), stub.count("open")), (0, 1), "aborts and submissions")
    w.ln.rpc.ask("abort_channels", channel_ids=[w.channel_id])
    w.ln.rpc.ask("unreserveinputs", psbt=built[0], reserve=2016)
    txid = w.pending_at_last(d, done)
    w.locked(d, done)
    w.books(txid)


@scripted
def budget_exhausted(w):
    d, stub = w.daemon(), w.ln.stub
    stub.at("splice_init", acts.error("Feerate too low. Your funding only provided 1msat in fees", code=357), times=None)
    done = w.into(d, 150_000, feerate="4")
    w.failed(d, done, "splice_failed")
    same(len(stub.of("splice_init")), 3, "submissions")
    same(len(stub.coins.free(stub.height(), 1)), 2, "coins that are free")
    w.books()


@scripted
def peer_abort(w):
    d, stub = w.daemon(), w.ln.stub
    w.ln.model.peer.aborts["splice_update"] = "go away\x1b[31m\n<b>"
    done = w.into(d, 150_000, feerate="4")
    done = w.failed(d, done, "splice_failed")
    check("go away" in done["error"]["message"] and "\x1b" not in done["error"]["message"], f"its words: {done['error']}")
    same((stub.count("open"), len(stub.coins.free(stub.height(), 1))), (1, 2), "submissions, and coins that are free")
    w.books()


@scripted
def competing_splice(w):
    """The peer begins one between our look and our submission."""
    d, stub = w.daemon(), w.ln.stub
    stub.peer_coins.fund(500_000)
    theirs = []
    stub.at("addpsbtoutput", acts.after(lambda: theirs.append(w.ln.model.foreign_splice(100_000))))
    stub.at("splice_init", acts.error("Can't begin a splice while currently in STFU", code=358))
    done = w.out(d, 50_000, feerate="4")
    w.waits_for(d, done, "foreign_splice")
    w.ln.mine(1)
    txid = w.pending_at_last(d, done)
    same((stub.count("open", rbf=True), w.ln.model.funding[0]), (0, theirs[0]), "bumps of theirs, and what is locked")
    w.locked(d, done)
    w.books(txid)


@scripted
def a_meddling_peer(w):
    """It adds a coin of ours, changes what is paid: nothing of ours is signed."""
    d, stub = w.daemon(), w.ln.stub
    for meddle in (add_our_coin, pay_less):
        before = stub.count("sign") + stub.count("signatures")
        w.ln.model.peer.meddle = lambda psbt, meddle=meddle: meddle(stub, psbt)
        done = w.into(d, 150_000, feerate="4", max_feerate="5")
        w.state(d, done, "failed")
        same(stub.count("sign") + stub.count("signatures"), before, f"signatures after {meddle.__name__}")
        lab.wait_until(lambda: len(stub.coins.free(stub.height(), 1)) == 2, "the coins to be free")
    same(stub.unlawful, [], "what must not be done")
    w.books()


def add_our_coin(stub, psbt):
    coin = next(c for c in stub.coins.all() if (c.txid, c.vout) not in psbt.outpoints())
    psbt.add_input(coin.txid, coin.vout, bitcoin.Output(coin.amount, coin.script))


def pay_less(stub, psbt):
    change = next(o for o in psbt.outputs if o[b"\x04"] in stub.coins.scripts)
    change[b"\x03"] = bitcoin.number(546, 8)


@scenario
def doomed_rbf(w):
    """A candidate that no mempool takes: not a failure, and a higher one can follow."""
    d = w.daemon()
    done = w.out(d, 50_000, feerate="4")
    first = w.pending(d, done)
    w.node.rpc.ask("prioritisetransaction", first, 0, 1_000)  # as good as one that pays so much more
    bump = w.state(d, w.bump(d, feerate="6", max_feerate="7"), "done")
    check("insufficient fee" in bump["result"]["refused"], f"what is told of it: {bump['result']}")
    same((w.get(d, done)["status"], w.node.pooled()), ("parked", {first}), "the splice, and the mempool")
    same(w.splice(d)["last_failure"]["class"], "fee_low", "what is told of the splice")
    check(any("splice_bump" in one for one in d.call("action.explain", id=done["id"])["story"]), "and the remedy")
    w.node.rpc.ask("prioritisetransaction", first, 0, -1_000)
    w.state(d, w.bump(d, feerate="12", max_feerate="13"), "done")
    last = w.candidates(d)[-1]["txid"]
    same((len(w.candidates(d)), w.node.pooled(), w.splice(d)["last_failure"]), (3, {last}, None), "candidates, and the mempool")
    w.locked(d, done)
    w.books(last)


@scripted
def what_the_node_cannot_send_we_send(w):
    """Signed by both, and refused by the node's own mempool (350): ours may have it."""
    d, stub = w.daemon(), w.ln.stub
    stub.refuse_sending = "error code: -26"
    done = w.into(d, 150_000, feerate="4")
    txid = w.pending(d, done)
    same((w.splice(d)["last_failure"], stub.count("broadcast")), (None, 1), "what is told, and the node's tries")
    w.locked(d, done)
    same((stub.count("open"), len(w.events(d, "splice.negotiation_failed"))), (1, 0), "submissions, and failures")
    w.books(txid)


@scripted
def reservations_are_renewed(w):
    """A splice in that no block takes for as long as its coins would be reserved; and one that is given up frees them."""
    d, stub = w.daemon(), w.ln.stub
    done = w.into(d, 150_000, feerate="4")
    txid = w.pending(d, done)
    coins = stub.journal[-1 - [n.what for n in reversed(stub.journal)].index("reserve")].more["coins"]
    before = stub.coins.reserved_to(coins[0], stub.height())
    w.node.mine(200, txs=[])
    w.until(d, done, lambda _: stub.count("renew"), "the reservation to be renewed")
    same((stub.count("renew"), stub.coins.reserved_to(coins[0], stub.height())), (1, before + 200), "renewals, and until when")
    d.kill()
    d.start()
    w.caught_up(d)
    w.locked(d, done)
    same((stub.count("renew"), stub.unlawful), (1, []), "renewals, and what must not be done")
    w.books(txid)


@scenario
def bump_nothing_left(w):
    """The splice locks while its bump waits for the peer."""
    d = w.daemon()
    done = w.out(d, 50_000, feerate="4")
    txid = w.pending(d, done)
    w.ln.peer_down()
    bump = w.bump(d, feerate="8", max_feerate="10")
    w.waits_for(d, bump, "peer_offline")
    w.node.mine()
    w.ln.peer_up()
    w.state(d, bump, "failed", "done")
    w.locked(d, done)
    same(w.get(d, done)["result"]["txid"], txid, "what is locked")
    w.books(txid)


@scripted
def channel_closed(w):
    """By either side, while a splice waits."""
    d = w.daemon()
    w.ln.model.peer.frozen = True
    done = w.out(d, 50_000, feerate="4")
    w.ln.wait_begun()
    d.kill()
    w.ln.model.close()
    w.ln.model.peer.frozen = False
    d.start()
    done = w.state(d, done, "failed")
    same(done["error"]["kind"], "channel_closing", "how it ended")


@scripted
def closed_with_a_candidate_that_confirms(w):
    d = w.daemon()
    done = w.out(d, 50_000, feerate="4")
    txid = w.pending(d, done)
    w.ln.model.peer.locks = False
    w.node.mine()
    w.ln.model.become("CHANNELD_SHUTTING_DOWN", "remote", "Peer closes")
    w.node.mine(6)
    done = w.state(d, done, "done", within_s=90)
    same(done["result"]["txid"], txid, "what has confirmed")


@scripted
def two_channels(w):
    stub = w.ln.stub
    other = stub.open_channel("b", 500_000, 400_000, peer=1)
    w.wealth = w.ln.wealth()
    d = w.daemon()
    lab.wait_until(lambda: w.row(d, other.id), "walletd to hear of the other channel", within_s=60)
    one, two = w.into(d, 150_000, feerate="4"), w.into(d, 100_000, feerate="4", channel=other.id)
    for done in (one, two):
        w.state(d, done, "awaiting_lock")
    txids = w.node.pooled()
    same(len(txids), 2, "transactions")
    w.locked(d, one)
    w.state(d, two, "done")
    w.books(*txids)


@scripted
def the_node_is_gone_and_too_old_and_behind(w):
    d, stub = w.daemon(), w.ln.stub
    stub.stop()
    done = w.out(d, 50_000, feerate="4", max_feerate="5")
    w.waits_for(d, done, "node_unreachable")
    stub.warnings["warning_bitcoind_sync"] = "Bitcoind is not up-to-date with network."
    stub.start()
    lab.wait_until(lambda: stub.of("getinfo"), "walletd to ask")
    w.waits_for(d, done, "node_unreachable")
    same(stub.count("open"), 0, "submissions")
    stub.warnings = {}
    txid = w.pending_at_last(d, done)
    w.locked(d, done)
    w.books(txid)
    stub.version = "v25.12"
    w.node.mine()  # then the node is looked at
    lab.wait_until(lambda: not can_start(w, d), "walletd to see the version", within_s=60)


def can_start(w, d):
    try:
        d.call("action.start", kind="splice_out", params={"channel": w.channel_id, "amount_sat": 30_000}, dry_run=True)
    except lab.RpcError as no:
        same(no.kind, "node_too_old", f"the refusal ({no})")
        return False
    return True


@scripted
def a_peer_that_cannot_splice(w):
    w.ln.model.peer.features = 0x8a2a59
    d = w.daemon()
    lab.wait_until(lambda: w.row(d)["peer_splices"] == "no", "walletd to hear of it", within_s=60)
    refused("splicing_unsupported", lambda: w.out(d, 50_000), field="channel")
    same(w.ln.stub.count("open"), 0, "submissions")
