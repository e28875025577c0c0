"""Rows of splices: walletd is killed at every failpoint of a splice in, a splice out and their bumps; afterwards what was done
is counted at the node, and the money in channel, wallets and fees (spec/splice.md 8)."""
import onchain_rows
import splice_scenes
from lives import crash_row, error_row, killed_in, torn_row
from matrix import Row
from splice_world import Worker, check

# What every scene passes; each names the others that it is for.
COMMON = ("store.commit.before", "store.commit.after", "net.send", "net.reply")
# In lives that are cut off it is signed only when it is final: what is left of it then nobody goes on with, and a fresh round
# is the one that locks (spec/splice.md 5.1.6).
LATE = "splice.sign_early"
POINTS = sorted({LATE, *COMMON, *(point for kind in splice_scenes.ALL for point in kind.points)})
# Where something fails and life goes on.
ERRORS = (splice_scenes.SplicedIn, splice_scenes.BumpedIn)
AT_ONCE = 3  # rows, of each processor: they wait more than they work
KILLS_MIN = 1000
# Of a sample: at which passing of what every scene passes, which is somewhere in the round.
SAMPLE_NTH = 12
SAMPLE_WITHOUT = (splice_scenes.BumpedOut,)
cannot_be_played = onchain_rows.cannot_be_played


def nth_row(worker, kind, point, nth):
    """Killed at one passing alone."""
    scene = worker.scene(kind)
    kills = killed_in(scene, f"{point}:crash:{nth}")
    scene.close()
    check(kills, f"it was never passed {nth} times: this row shows nothing")
    return kills


def crash(name, kind, point, nth):
    def play(worker):
        return nth_row(worker, kind, point, nth) if nth else crash_row(worker, kind, point, None)
    return Row(f"crash splice {name} {point.rpartition(',')[2]}", play, Worker, "kills")


def rows(sample):
    for kind in splice_scenes.ALL:
        for point in COMMON if kind not in SAMPLE_WITHOUT or not sample else ():
            yield crash(kind.__name__, kind, point, sample and SAMPLE_NTH)
        for point in kind.points:
            yield crash(kind.__name__, kind, point, sample and 1)
    for point in COMMON if not sample else ("net.reply",):
        yield crash("signed late", splice_scenes.SplicedIn, f"{LATE}:error:0,{point}", sample and SAMPLE_NTH)
    yield crash("signed late", splice_scenes.SplicedIn, f"{LATE}:error:0,splice.final", sample and 1)
    if sample:
        return
    yield Row("torn splice SplicedIn", lambda w: torn_row(w, splice_scenes.SplicedIn, None), Worker, "kills")
    for kind in ERRORS:
        for point in ("net.send", "net.reply"):
            yield Row(f"error splice {kind.__name__} {point}", lambda w, k=kind, p=point: error_row(w, k, p, None), Worker)
