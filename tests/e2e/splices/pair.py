"""Splices that a real pair of nodes alone can show: the connection is dropped at a message of the negotiation, by the peer's
own --dev-disconnect; and the other side has a wallet, too.

A command that waits when the peer goes has no answer for as long as walletd waits for one, a minute and a half: so these
take their time (spec/splice.md 5.1.7)."""
import lab
from splice_steps import Steps
from splices.world import FINAL, check, real, same

PATIENCE_S = 420
# Where the peer drops the connection: what each stands for in spec/splice.md 8.3 and 8.4.  Whether the round that was begun is
# the one that locks: from the final update on both have it on disk.
DROPS = (("splice_init", "-WIRE_SPLICE_ACK", False), ("the first update", "-WIRE_TX_COMPLETE", False),
         ("the final update", "-WIRE_COMMITMENT_SIGNED", None), ("commitment_signed", "+WIRE_COMMITMENT_SIGNED", True),
         ("tx_signatures were to come", "-WIRE_TX_SIGNATURES", True), ("tx_signatures", "+WIRE_TX_SIGNATURES", True))


def dropped(name, line, resumed, kind):
    def scenario(w):
        w.ln.drop(line)
        d = w.daemon()
        done = w.out(d, 50_000, feerate="4") if kind == "out" else w.into(d, 150_000, feerate="4")
        w.until(d, done, lambda a: a["state"] == "awaiting_lock" or a["status"] in FINAL, "it to be signed",
                within_s=PATIENCE_S)
        check(w.ln.dropped(), "the connection was never dropped: this shows nothing")
        txid = w.pending(d, done)
        same(len(w.events(d, "splice.negotiation_failed")), 0, "events of failure")
        same(len(w.events(d, "splice.pending")), 1, "events that it is on its way")
        w.locked(d, done)
        same(w.get(d, done)["result"]["txid"], txid, "what is locked")
        if resumed:
            w.submissions(1)
        w.books(txid)
    scenario.__name__ = f"the peer is gone after {name}, {kind}"
    real(scenario)


for one in DROPS:
    for way in ("out", "in"):
        dropped(*one, way)


@real
def budget_exhausted_at_disconnects(w):
    """A peer that is never there for a whole round: one failure, and the coins are free."""
    w.ln.drop(*["-WIRE_SPLICE_ACK"] * 9)
    d = w.daemon("--splice_attempts=1", "--splice_disconnects=1")
    done = w.into(d, 150_000, feerate="4")
    w.until(d, done, lambda a: a["status"] == "failed", "it to be given up", within_s=2 * PATIENCE_S)
    w.failed(d, done, "splice_failed")
    lab.wait_until(lambda: not any(o["reserved"] for o in w.ln.rpc.ask("listfunds")["outputs"]), "the coins to be free")
    w.books()


@real
def the_peer_splices_first(w):
    """Ours waits, is built upon what the peer's has made of the channel, and takes nothing out of it."""
    w.ln.theirs.fund(300_000)
    theirs = Steps(w.ln.theirs.rpc, w.channel_id, w.node.address())
    d = w.daemon()
    foreign = theirs.splice(theirs.build_in(100_000), sign=True)
    done = w.out(d, 50_000, feerate="4")
    w.waits_for(d, done, "foreign_splice")
    w.ln.mine(1)
    txid = w.pending_at_last(d, done)
    check(txid != foreign["txid"], "ours is another")
    w.locked(d, done)
    same(w.ln.channel()["total_msat"], w.channel_total(txid), "what the channel has")
    w.books(txid)


@real
def the_channel_is_closed_while_it_waits(w):
    """By force at our own node: the splice ends, once, and says why."""
    d = w.daemon()
    w.ln.peer_down()
    done = w.out(d, 50_000, feerate="4")
    w.waits_for(d, done, "peer_offline")
    w.ln.rpc.ask("close", id=w.channel_id, unilateraltimeout=1)
    done = w.until(d, done, lambda a: a["status"] == "failed", "it to be given up")
    same((done["error"]["kind"], len(w.events(d, "splice.negotiation_failed"))), ("channel_closing", 1), "how it ended")
    w.submissions(0)


@real
def unsigned_in_orphan(w):
    """A splice in whose transaction is final and that nobody of us has signed, and the node is killed: what is left of it is
    taken away, and a fresh round locks (spec/splice.md 5.1.6)."""
    d = w.daemon(WALLETD_FAILPOINTS="splice.sign_early:error:0,splice.final:crash:1")
    done = w.into(d, 150_000, feerate="4")
    lab.wait_until(lambda: not d.alive(), "walletd to be killed")
    told = w.ln.channel()
    same((told["state"], len(told["inflight"])), ("CHANNELD_NORMAL", 1), "what is in flight")
    w.ln.crash()
    same(len(w.ln.channel()["inflight"]), 1, "the orphan")
    d.start()
    txid = w.pending_at_last(d, done)
    check(txid != told["inflight"][0]["funding_txid"], "a fresh round")
    w.locked(d, done)
    w.submissions(2)
    w.books(txid)
