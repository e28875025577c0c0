"""Splices that are handed to a scripted ldk-server as a whole: nothing tells what becomes of them but the chain.

What must hold in each: the node is asked twice at most, whatever is lost and whoever is killed; and what it made is known when it
is seen."""
import os
import time

import acts
import grpc_server
import lab
import ldk_acts
from lab import RpcError
from ldk_server_stub import OVERCOUNTED
from splices.world import asked, check, refused, same, whole

UNSEEN_S = 3


def quick(w, *options):
    """A daemon that does not wait for ten minutes."""
    return w.daemon(f"--splice_unseen_s={UNSEEN_S}", *options)


def ends_well(w, d, done, given=0):
    """Seen, locked once, and counted."""
    txid = w.pending_at_last(d, done)
    same([c["txid"] for c in w.candidates(d)], [txid], "candidates")
    w.locked(d, done)
    same(w.ln.stub.count("lock"), 1, "locks")
    same((w.ln.stub.unused(), w.ln.stub.unlawful), ([], []), "rules that nobody came by, and what must not be done")
    w.books(txid, given=given)
    return txid


@whole
def out_and_in_and_all_of_it(w):
    d = w.daemon()
    told = d.call("channel.list")["node"]
    same((told["backend"], told["up"], told["version"], told["feerates"], told["wallet_sat"]),
         ("ldk-server", True, None, None, 500_000), "the node")
    check("chain alone" in told["weaker_guarantees"], f"what is said of its guarantees: {told}")
    peer = next(p for p in d.call("status")["peers"] if p["type"] == "lightning")
    same((peer["backend"], peer["url"]), ("ldk-server", w.ln.stub.url), "the node among the peers")
    refusals(w, d)
    plan = d.call("action.start", kind="splice_out", params={"channel": w.channel_id, "amount_sat": 50_000}, dry_run=True)
    plan = plan.get("plan", plan)
    same((plan["fee_sat"], plan["amount_sat"], plan["weaker_guarantees"]), (None, 50_000, told["weaker_guarantees"]), "the plan")
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
    same(len(w.ln.stub.coins.all()), 0, "what is left in the node's wallet")
    asked(w, 4)
    payments(w, d, txids)
    w.books(*txids, given=40_000)


def refusals(w, d):
    for field, more in (("feerate", {"feerate": "4"}), ("max_feerate", {"max_feerate": "9"}), ("max_fee_sat", {"max_fee_sat": 900})):
        refused("node_cannot", lambda more=more: w.out(d, 50_000, **more), field)
        refused("node_cannot", lambda more=more: w.into(d, 50_000, **more), field)
    refused("insufficient_funds", lambda: w.into(d, 600_000), "amount_sat")
    refused("insufficient_funds", lambda: w.out(d, 600_000), "amount_sat")
    refused("dust", lambda: w.out(d, 100), "amount_sat")
    refused("node_cannot", lambda: w.bump(d))


def payments(w, d, txids):
    """Each has a record with figures, as far as the chain tells them."""
    def found():
        rows = w.row(d, past=10)["payments"]
        return sorted((p["txid"], p["height"] is not None, p["amount_sat"] or 0) for p in rows)
    amounts = {txid: amount for txid, amount in zip(txids, (50_000, 120_000 + OVERCOUNTED, 40_000, None))}
    lab.wait_until(lambda: all(confirmed for _, confirmed, _ in found()), "all to be seen in blocks", within_s=60)
    same(sorted(t for t, _, _ in found()), sorted(txids), "payments")
    for txid, _, amount in found():
        check(amount == amounts[txid] if amounts[txid] else amount > 0, f"the amount of {txid}: {amount}")


@whole
def a_reply_that_is_lost(w):
    """The node has it, and nobody knows: it is seen when it comes to be, and not asked for again."""
    d = quick(w)
    w.ln.stub.surface_s = 1
    w.ln.stub.at("SpliceOut", acts.lose_reply())
    done = w.out(d, 50_000)
    ends_well(w, d, done)
    asked(w, 1)


@whole
def a_request_that_is_lost(w):
    """The same to look at, but nothing comes: asked for once more after the window, and not before."""
    d = quick(w)
    w.ln.stub.at("SpliceIn", acts.lose_request())
    began = time.monotonic()
    done = w.into(d, 150_000)
    ends_well(w, d, done)
    check(time.monotonic() - began >= UNSEEN_S, "the window was not waited for")
    asked(w, 2)
    w.submissions(1)


@whole
def a_stream_that_is_refused(w):
    """REFUSED_STREAM, and GOAWAY: libcurl would send it again by itself, five times.  It may have been read all the same."""
    d = quick(w)
    for act, acting in ((ldk_acts.refused_stream, False), (ldk_acts.goaway, True)):
        before = w.ln.asked()
        w.ln.stub.at("SpliceOut", act(acting))
        done = w.out(d, 20_000)
        lab.wait_until(lambda: w.ln.stub.unused() == [], "walletd to ask")
        time.sleep(1)
        same(w.ln.asked() - before, 1, "requests on the wire")
        txid = w.pending_at_last(d, done)
        same(w.ln.asked() - before, 1 if acting else 2, "submissions")
        w.locked(d, done)
        w.knows_funding(d, txid)
    same(w.ln.stub.count("lock"), 2, "locks")


@whole
def what_only_grpc_can_do(w):
    """A stream that is reset, and one without its trailers, after it has acted; INTERNAL in trailers, likewise."""
    d = quick(w)
    for act in (ldk_acts.reset_stream(), ldk_acts.without_trailers(),
                ldk_acts.status(grpc_server.INTERNAL, "it broke", acting=True, in_trailers=True)):
        before = w.ln.asked()
        w.ln.stub.at("SpliceOut", act)
        done = w.out(d, 20_000)
        txid = w.pending_at_last(d, done)
        same(w.ln.asked() - before, 1, "submissions")
        w.locked(d, done)
        w.knows_funding(d, txid)
    same(w.ln.stub.unlawful, [], "what must not be done")


@whole
def one_that_is_still_pending(w):
    """It is queued for longer than the window: the second submission is refused, which means that the first lives."""
    d = quick(w)
    w.ln.stub.surface_s = None
    done = w.out(d, 50_000)
    lab.wait_until(lambda: d.wake(id=done["id"]) or w.ln.asked() == 2, "the second submission", within_s=60)
    w.waits_for(d, done, "awaiting_peer_sigs")
    same((w.splice(d)["attempts"], w.splice(d)["max_attempts"]), (2, 2), "attempts")
    w.submissions(1)
    w.ln.stub.surface()
    ends_well(w, d, done)
    asked(w, 2)


@whole
def one_that_never_comes(w):
    """Two submissions, restarts in between and afterwards, and never a third: then it is only watched for."""
    d = quick(w)
    w.ln.stub.surface_s = None
    done = w.out(d, 50_000)
    w.waits_for(d, done, "awaiting_peer_sigs")
    for wanted in (2, 2):
        w.ln.stub.queued.clear()  # forgotten, as by a node that restarts
        d.kill()
        d.start()
        lab.wait_until(lambda: d.wake(id=done["id"]) or w.ln.asked() == wanted, "the second submission", within_s=60)
    began = time.monotonic()
    while time.monotonic() < began + UNSEEN_S + 2:
        d.wake(id=done["id"])
        time.sleep(0.2)
    w.waits_for(d, done, "awaiting_peer_sigs")
    same((w.ln.asked(), w.events(d, "splice.negotiation_failed")), (2, []), "submissions, and failures")


@whole
def the_window_is_of_the_peers_presence(w):
    d = quick(w)
    w.ln.stub.surface_s = None
    done = w.out(d, 50_000)
    w.waits_for(d, done, "awaiting_peer_sigs")
    w.ln.peer_down()
    w.waits_for(d, done, "peer_offline")
    for _ in range(UNSEEN_S + 2):
        time.sleep(1)
        d.wake(id=done["id"])
    asked(w, 1)
    w.ln.stub.surface_s = 0
    w.ln.stub.queued.clear()
    w.ln.peer_up()
    ends_well(w, d, done)
    asked(w, 2)


def nudged_to_death(w, d, done):
    try:
        return not d.alive() or d.wake(id=done["id"])
    except lab.Died:
        return True


@whole
def killed_around_its_submission(w):
    """Before the node hears of it, and after; and once more at the second."""
    d, stub = quick(w), w.ln.stub
    for how, wanted in ((lambda: acts.Act(False, first=lambda _: d.kill(), send=lambda wire, _: wire.close()), 2),
                        (lambda: acts.after(d.kill), 1)):
        before = w.ln.asked()
        stub.at("SpliceIn", how())
        done = w.into(d, 30_000)
        lab.wait_until(lambda: not d.alive(), "walletd to be killed")
        d.start()
        txid = w.pending_at_last(d, done)
        same(w.ln.asked() - before, wanted, "submissions")
        d.kill()
        d.start()
        w.locked(d, done)
        w.knows_funding(d, txid)
    before = w.ln.asked()
    stub.at("SpliceIn", acts.lose_request())
    stub.at("SpliceIn", acts.after(d.kill), nth=2)
    done = w.into(d, 30_000)
    lab.wait_until(lambda: nudged_to_death(w, d, done), "walletd to be killed at the second", within_s=60)
    d.start()
    w.pending_at_last(d, done)
    w.locked(d, done)
    same((w.ln.asked() - before, stub.count("open"), stub.count("lock")), (2, 3, 3), "submissions, taken, locked")


@whole
def locked_while_nobody_looked(w):
    """It is taken, seen, confirmed and locked while walletd is dead: a record, and no second submission."""
    d = quick(w)
    w.ln.stub.at("SpliceOut", acts.after(d.kill))
    done = w.out(d, 50_000)
    lab.wait_until(lambda: not d.alive(), "walletd to be killed")
    txid = next(iter(w.node.pooled()))
    w.node.mine(1)
    w.ln.stub.look_at_chain()
    d.start()
    done = w.state(d, done, "done", within_s=90)
    same(done["result"]["txid"], txid, "what is locked")
    lab.wait_until(lambda: [(p["txid"], p["confirmations"]) for p in w.row(d, past=1)["payments"]] == [(txid, 1)], "its record")
    asked(w, 1)
    w.books(txid)


@whole
def what_is_refused_for_certain(w):
    """FAILED_PRECONDITION: tried once more, and then given up with the node's words; an argument that is wrong: at once."""
    d, stub = quick(w), w.ln.stub
    stub.at("SpliceOut", ldk_acts.status(grpc_server.FAILED_PRECONDITION, "no: 100 % of \x1b[1m it"), times=2)
    done = w.failed(d, w.out(d, 50_000), "splice_failed")
    same(done["funds_moved"], "no", "whether money moved")
    check("100 % of" in done["error"]["message"] and "\x1b" not in done["error"]["message"], f"its words: {done['error']}")
    asked(w, 2)
    stub.at("SpliceOut", ldk_acts.status(grpc_server.INVALID_ARGUMENT, "no such thing"))
    done = w.out(d, 50_000)
    done = w.state(d, done, "failed")
    check("no such thing" in done["error"]["message"], f"its words: {done['error']}")
    asked(w, 3)
    stub.at("SpliceOut", ldk_acts.status(grpc_server.FAILED_PRECONDITION, "not now"))
    done = w.out(d, 50_000)
    ends_well(w, d, done)
    asked(w, 5)


@whole
def something_else_replaces_the_funding(w):
    """The peer's splice, while ours may still be queued: nothing is submitted again, and it is given up as unknown."""
    d, stub = quick(w), w.ln.stub
    stub.peer_coins.fund(500_000)
    stub.surface_s = None
    done = w.out(d, 50_000)
    w.waits_for(d, done, "awaiting_peer_sigs")
    w.ln.model.foreign_splice(100_000)
    w.node.mine(6)
    done = w.failed(d, done, "splice_failed")
    same(done["funds_moved"], "unknown", "whether money moved")
    check("replaced the channel's funding" in done["error"]["message"], f"its words: {done['error']}")
    check(w.ln.asked() <= 2, "submissions")


@whole
def the_channel_closes(w):
    d = quick(w)
    w.ln.stub.surface_s = None
    done = w.out(d, 50_000)
    w.waits_for(d, done, "awaiting_peer_sigs")
    w.ln.model.close()
    w.node.mine(6)
    done = w.state(d, done, "failed", within_s=90)
    same((done["error"]["kind"], done["funds_moved"]), ("channel_closing", "unknown"), "how it ended")
    asked(w, 1)


@whole
def a_node_that_is_away_or_wrong(w):
    """Down; with a clock that is wrong; with another certificate, key or chain: nothing is handed to it, and it is told why."""
    d, stub = quick(w, "--log_level=debug"), w.ln.stub
    stub.stop()
    done = w.out(d, 50_000)
    w.waits_for(d, done, "node_unreachable")
    theirs = stub.certificate, stub.tls_key
    stub.certificate, stub.tls_key = grpc_server.certificate(stub.folder, "other")
    stub.start()
    told(w, d, "certificate")
    stub.stop()
    stub.certificate, stub.tls_key = theirs
    stub.clock_s = 120
    stub.start()
    told(w, d, "expired")
    check([a for a in d.call("status")["attention"] if a["kind"] == "lightning_refuses_key"], "attention")
    stub.clock_s, was, stub.key = 0, stub.key, os.urandom(32)
    told(w, d, "credentials")
    stub.key, stub.network = was, 3
    told(w, d, "signet")
    stub.network, stub.tip = 0, "ab" * 32
    d.wake(id=done["id"])
    asked(w, 0)
    stub.tip = None
    ends_well(w, d, done)
    asked(w, 1)
    check("HMAC" not in d.log() and stub.key.hex() not in d.log(), "a secret in the log")


def told(w, d, words):
    """Until a round of walletd's says so; a block is a reason for one."""
    w.node.mine()
    lab.wait_until(lambda: words in (d.call("channel.list")["node"]["trouble"] or ""), f"the trouble to have '{words}'", within_s=40)


@whole
def what_is_configured_wrongly(w):
    stub, folder = w.ln.stub, os.path.join(w.folder, "bad")
    os.mkdir(folder)

    def file(name, content, mode=0o600):
        path = os.path.join(folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "wb") as f:
            f.write(content)
        os.chmod(path, mode)
        return path
    url, cert, key = w.ln.options
    for words, options in (
            (("lightning_url", "lightning_rpc"), (url, cert, key, "--lightning_rpc=/nowhere")),
            (("lightning_url", "https://"), ("--lightning_url=http://127.0.0.1:1", cert, key)),
            (("lightning_url", "more than"), ("--lightning_url=https://127.0.0.1:1/x", cert, key)),
            (("lightning_tls_cert", "missing"), (url, key)),
            (("lightning_api_key", "missing"), (url, cert)),
            (("lightning_tls_cert", "no lightning_url"), (cert,)),
            (("lightning_tls_cert", "PEM"), (url, "--lightning_tls_cert=" + stub.key_file, key)),
            (("lightning_tls_cert", "cannot open"), (url, "--lightning_tls_cert=/nowhere", key)),
            (("lightning_api_key", "less than the 32"), (url, cert, "--lightning_api_key=" + file("short", b"x"))),
            (("lightning_api_key", "more than the 32"), (url, cert, "--lightning_api_key=" + file("hex", stub.key.hex().encode()))),
            (("lightning_api_key", "chmod"), (url, cert, "--lightning_api_key=" + file("open", stub.key, 0o644)))):
        d = lab.Daemon(w.build, os.path.join(folder, "wallet"), *options)
        try:
            d.start()
        except (lab.Died, RpcError):
            pass
        check(not d.alive(), f"it started with {options}")
        said = d.log().splitlines()
        check(all(any(word in line for line in said[-3:]) for word in words), f"{words} in {said[-3:]}")
        check(stub.key.hex() not in d.log(), "a secret in the log")
        os.unlink(d.log_path)
