"""Splices that are handed to a real ldk-server as a whole: what of handed.py a real node can be brought to."""
import os
import time

import acts
import grpc_server
import lab
import ldk_rpc
from protobuf import field
from splices.world import asked, check, real_whole, refused, same

UNSEEN_S = 5
DEADLINE_S = 15


def quick(w, *options):
    """A daemon that does not wait for ten minutes."""
    return w.daemon(f"--splice_unseen_s={UNSEEN_S}", *options)


def ends_well(w, d, done, given=0):
    """Seen, locked, and counted."""
    txid = w.pending_at_last(d, done)
    same([c["txid"] for c in w.candidates(d)], [txid], "candidates")
    done = w.locked(d, done)
    same(done["result"]["txid"], txid, "what is locked")
    w.knows_funding(d, txid)
    same(w.ln.channel().txid, txid, "the node's funding")
    same(w.ln.gate.unused(), [], "rules that nobody came by")
    w.books(txid, given=given)
    return txid


@real_whole
def out_and_in_and_all_of_it(w):
    d = w.daemon()
    told = d.call("channel.list")
    node, row = told["node"], w.row(d)
    same((node["backend"], node["up"], node["wallet_sat"]), ("ldk-server", True, w.ln.ours.spendable()), "the node")
    same((row["usable"], row["capacity_sat"]), (True, 1_000_000), "the channel")
    refused("insufficient_funds", lambda: w.into(d, 600_000), "amount_sat")
    refused("insufficient_funds", lambda: w.out(d, 700_000), "amount_sat")
    refused("node_cannot", lambda: w.out(d, 50_000, feerate="4"), "feerate")
    plan = d.call("action.start", kind="splice_out", params={"channel": w.channel_id, "amount_sat": 50_000}, dry_run=True)
    plan = plan.get("plan", plan)
    same((plan["fee_sat"], plan["amount_sat"]), (None, 50_000), "the plan")
    asked(w, 0)
    txids, payee = [], w.node.address()
    for start in (lambda: w.out(d, 50_000), lambda: w.into(d, 120_000), lambda: w.out(d, 40_000, address=payee),
                  lambda: w.start(d, "splice_in", all=True)):
        done = start()
        txids.append(w.pending(d, done))
        refused("node_cannot", lambda: d.call("action.cancel", id=done["id"]))
        refused("node_cannot", lambda: w.bump(d))
        done = w.locked(d, done)
        same(done["result"]["txid"], txids[-1], "what is locked")
        w.knows_funding(d, txids[-1])
    asked(w, 4)
    w.books(*txids, given=40_000)


@real_whole
def a_reply_that_is_lost(w):
    """The node has it, and nobody knows: it is seen when it comes to be, and not asked for again."""
    d = quick(w)
    w.ln.gate.at("SpliceOut", acts.lose_reply())
    ends_well(w, d, w.out(d, 50_000))
    asked(w, 1)


@real_whole
def a_request_that_is_lost(w):
    """The same to look at, but nothing comes: asked for once more after the window, and not before."""
    d = quick(w)
    w.ln.gate.at("SpliceIn", acts.lose_request())
    began = time.monotonic()
    ends_well(w, d, w.into(d, 150_000))
    check(time.monotonic() - began >= UNSEEN_S, "the window was not waited for")
    asked(w, 2)


@real_whole
def a_node_that_is_frozen_while_it_is_asked(w):
    """Its answer does not come in time, and then it does what it was asked for."""
    d = quick(w)
    w.ln.gate.at("SpliceOut", acts.before(w.ln.ours.freeze))
    done = w.out(d, 50_000)
    lab.wait_until(lambda: w.ln.gate.unused() == [], "walletd to ask")
    time.sleep(35)  # longer than walletd waits
    w.ln.ours.thaw()
    ends_well(w, d, done)
    asked(w, 1)


@real_whole
def killed_around_its_submission(w):
    """Before the node hears of it, and after; and once more while its transaction waits for a block."""
    d = quick(w)
    for how, wanted in ((lambda: acts.Act(False, first=lambda _: d.kill(), send=lambda wire, _: wire.close()), 2),
                        (lambda: acts.after(d.kill), 1)):
        before = w.ln.asked()
        w.ln.gate.at("SpliceIn", how())
        done = w.into(d, 30_000)
        lab.wait_until(lambda: not d.alive(), "walletd to be killed")
        d.start()
        txid = w.pending_at_last(d, done)
        same(w.ln.asked() - before, wanted, "submissions")
        d.kill()
        d.start()
        w.locked(d, done)
        w.knows_funding(d, txid)
    same(w.ln.gate.unused(), [], "rules that nobody came by")


@real_whole
def restarted_while_it_waits_for_a_block(w):
    """walletd in peace, and the node as by a power cut: the same transaction, the same action."""
    d = quick(w)
    done = w.out(d, 50_000)
    txid = w.pending(d, done)
    d.stop()
    w.ln.crash()
    d.start()
    same(ends_well(w, d, done), txid, "the splice")
    asked(w, 1)


@real_whole
def locked_while_nobody_looked(w):
    """It is taken, seen, confirmed and locked while walletd is dead: a record, and no second submission."""
    d = quick(w)
    w.ln.gate.at("SpliceOut", acts.after(d.kill))
    done = w.out(d, 50_000)
    lab.wait_until(lambda: not d.alive(), "walletd to be killed")
    txid = lab.wait_until(lambda: next(iter(w.node.pooled()), None), "the splice to be in the mempool", within_s=60)
    w.ln.mine(w.ln.DEPTH)
    lab.wait_until(lambda: w.ln.channel().txid == txid, "the node to lock it", within_s=60)
    d.start()
    done = w.state(d, done, "done", within_s=90)
    same(done["result"]["txid"], txid, "what is locked")
    asked(w, 1)
    w.books(txid)


@real_whole
def the_peer_is_away(w):
    """The node keeps what it is given until the peer is back; a second submission in between it refuses."""
    d = quick(w)
    w.ln.peer_down()
    done = w.out(d, 50_000)
    w.waits_for(d, done, "peer_offline")
    asked(w, 1)
    again = raises_status(w.ln, "SpliceOut", field(1, w.ln.name) + field(2, w.ln.theirs.id) + field(3, w.node.address()) +
                          field(4, 50_000))
    same(again.status, grpc_server.FAILED_PRECONDITION, f"the refusal of a second one ({again})")
    w.ln.peer_up()
    ends_well(w, d, done)
    asked(w, 1)


@real_whole
def the_peer_is_away_when_blocks_come(w):
    """It is in blocks, and locks when the peer is back."""
    d = quick(w)
    done = w.out(d, 50_000)
    txid = w.pending(d, done)
    w.ln.peer_down()
    w.node.mine(w.ln.DEPTH + 1)
    w.ln.ours.caught_up()
    w.caught_up(d)
    d.wake(id=done["id"])
    same((w.get(d, done)["state"], w.ln.channel().txid == txid), ("awaiting_lock", False), "what waits for the peer")
    w.ln.peer_up()
    done = w.state(d, done, "done", within_s=90)
    same(done["result"]["txid"], txid, "what is locked")
    asked(w, 1)
    w.books(txid)


@real_whole
def given_up_at_its_deadline(w):
    """The node has it and the peer is away: nobody can say that nothing will come of it, and indeed something does."""
    d = quick(w)
    w.ln.peer_down()
    done = w.out(d, 50_000, deadline_s=DEADLINE_S)
    w.waits_for(d, done, "peer_offline")
    done = w.failed(d, done, "splice_failed")
    same(done["funds_moved"], "unknown", "whether money moved")
    w.ln.peer_up()
    lab.wait_until(w.node.pooled, "the node to carry it out", within_s=60)
    txid = next(iter(w.node.pooled()))
    w.ln.mine(w.ln.DEPTH)
    w.knows_funding(d, txid)
    asked(w, 1)
    w.books(txid)


@real_whole
def too_little_for_the_fee(w):
    """Refused for certain, twice: it is given up with the node's words, and nothing has moved."""
    d = quick(w)
    done = w.failed(d, w.into(d, w.ln.ours.spendable() - 50), "splice_failed")
    same(done["funds_moved"], "no", "whether money moved")
    check("Failed to splice channel" in done["error"]["message"], f"the node's words: {done['error']}")
    asked(w, 2)
    ends_well(w, d, w.into(d, 100_000))


@real_whole
def a_node_that_forgets(w):
    """The peer is away, the node is given it and killed: after its restart it knows nothing of it, and is asked once more."""
    d = quick(w)
    w.ln.peer_down()
    done = w.out(d, 50_000)
    w.waits_for(d, done, "peer_offline")
    w.ln.ours.kill()
    w.ln.ours.start()
    w.ln.ours.ready()
    w.ln.peer_up()
    ends_well(w, d, done)
    asked(w, 2)


def raises_status(ln, method, message):
    """The node's no to a call of the test's own."""
    try:
        ln.ours.rpc.ask(method, message)
    except ldk_rpc.LdkError as no:
        return no
    raise AssertionError(f"{method}: it was to say no")


def after_another(w, d, given=0, ours=True):
    """Another splice is in the mempool, which the node does not tell of: ours waits for it, and is built upon it."""
    lab.wait_until(w.node.pooled, "the other to be in the mempool", within_s=60)
    other = next(iter(w.node.pooled()))
    done = w.out(d, 50_000)
    w.waits_for(d, done, "foreign_splice")
    time.sleep(UNSEEN_S)
    w.waits_for(d, done, "foreign_splice")
    asked(w, 0)
    w.ln.mine(w.ln.DEPTH)
    txid = w.pending_at_last(d, done)
    check(txid != other, "ours is another")
    w.locked(d, done)
    asked(w, 1)
    w.books(*([other] if ours else []), txid, given=given)


@real_whole
def somebody_splices_at_the_node(w):
    """By hand, beside walletd, and just before it begins."""
    d = quick(w)
    w.ln.ours.rpc.ask("SpliceOut", field(1, w.ln.name) + field(2, w.ln.theirs.id) + field(3, w.node.address()) + field(4, 30_000))
    after_another(w, d, given=30_000)


@real_whole
def the_peer_splices_first(w):
    w.ln.theirs.fund(300_000)
    d = quick(w)
    name = w.ln.theirs.channels()[0].name
    w.ln.theirs.rpc.ask("SpliceIn", field(1, name) + field(2, w.ln.ours.id) + field(3, 100_000))
    after_another(w, d, ours=False)


@real_whole
def the_channel_closes_while_it_waits(w):
    d = quick(w)
    w.ln.peer_down()
    done = w.out(d, 50_000)
    w.waits_for(d, done, "peer_offline")
    w.ln.ours.rpc.ask("ForceCloseChannel", field(1, w.ln.name) + field(2, w.ln.theirs.id))
    lab.wait_until(w.node.pooled, "the commitment to be sent", within_s=60)
    w.node.mine(6)
    done = w.state(d, done, "failed", within_s=90)
    same((done["error"]["kind"], done["funds_moved"]), ("channel_closing", "unknown"), "how it ended")
    asked(w, 1)


@real_whole
def a_node_that_is_away(w):
    """Its gate is shut, and then opened: nothing is handed to it before."""
    d = quick(w, "--log_level=debug")
    w.ln.gate.stop()
    done = w.out(d, 50_000)
    w.waits_for(d, done, "node_unreachable")
    w.ln.gate.start()
    ends_well(w, d, done)
    asked(w, 1)
    with open(w.ln.ours.key_file, "rb") as f:
        check("HMAC" not in d.log() and f.read().hex() not in d.log(), "a secret in the log")


@real_whole
def without_the_gate(w):
    """walletd and the node speak with each other, and one of them is killed in between."""
    d = w.bare_daemon("--lightning_url=" + w.ln.ours.url, *w.ln.credentials)
    w.knows(d)
    done = w.out(d, 50_000)
    first = w.pending(d, done)
    w.ln.crash()
    w.locked(d, done)
    w.knows_funding(d, first)
    done = w.into(d, 100_000)
    second = w.pending(d, done)
    d.kill()
    d.start()
    w.locked(d, done)
    w.knows_funding(d, second)
    w.books(first, second)


@real_whole
def another_key_and_another_certificate(w):
    """Without the gate: the node itself refuses the key, and walletd the certificate."""
    other_key = os.path.join(w.folder, "key")
    with open(os.open(other_key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
        f.write(os.urandom(32))
    other_certificate, _ = grpc_server.certificate(w.folder, "other")
    for words, attention, certificate, key in (("Invalid credentials", True, w.ln.ours.certificate, other_key),
                                               ("certificate", False, other_certificate, w.ln.ours.key_file)):
        d = w.bare_daemon("--lightning_url=" + w.ln.ours.url, "--lightning_tls_cert=" + certificate, "--lightning_api_key=" + key)
        lab.wait_until(lambda d=d, words=words: words in (d.call("channel.list")["node"]["trouble"] or ""), f"trouble with {words}")
        kinds = [a["kind"] for a in d.call("status")["attention"]]
        same("lightning_refuses_key" in kinds, attention, f"what is said of the key: {kinds}")
        no = refused("peer_unavailable", lambda d=d: w.out(d, 50_000))
        check(words in str(no), f"why: {no}")
