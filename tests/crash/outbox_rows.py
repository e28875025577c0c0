"""Rows of the directive outbox: it is killed at every failpoint of every way that a directive can go, and at moments that
chance chooses; afterwards the effects are counted by the contract's own events (spec/outbox.md 7.1, 7.3)."""
import os
import signal

import outbox_scenes
import outbox_storm
import real_evm
from lives import crash_row, error_row, torn_row
from matrix import Row
from outbox_scenes import lab
from outbox_world import Worker, check

# What every scene passes; each names the others that it is for.
COMMON = ("store.commit.before", "store.commit.after", "net.send", "net.reply", "outbox.claim", "outbox.sign",
          "outbox.write_ahead", "outbox.send", "outbox.reply")
POINTS = sorted({*COMMON, *(point for kind in outbox_scenes.ALL for point in kind.points)})
# Where something fails and life goes on.
ERRORS = {
    outbox_scenes.Batched: ("net.send", "net.reply", "outbox.claim", "outbox.sign", "outbox.write_ahead", "outbox.reply"),
    outbox_scenes.Reorged: ("net.send", "net.reply"),
    outbox_scenes.Taken: ("outbox.settle",),
    outbox_scenes.Overtaken: ("outbox.settle",),
}
LONG_ERRORS = (outbox_scenes.Taken,)  # it is tried again after half a minute
AT_ONCE = 3  # rows, of each processor: they wait for blocks more than they work
RACES_MAX = 20
STORMS = int(os.environ.get("CRASH_STORMS") or 60)
KILLS_MIN = 2000
SAMPLE_TRIES, SAMPLE_STORMS = 2, 4
SAMPLE_SHARED = ("outbox.claim", "outbox.write_ahead", "outbox.send")


def two_daemons_row(worker, point, tries):
    """One of two on one database is killed; the other brings everything to its end."""
    for n in range(1, tries + 1):
        for _ in range(RACES_MAX):  # who gets the work is a race
            if one_of_two_is_killed(worker, f"{point}:crash:{n}"):
                break
        else:
            raise AssertionError(f"it was not killed at {point} in {RACES_MAX} races")
    return tries


def one_of_two_is_killed(worker, failpoint):
    scene = worker.scene(outbox_scenes.Two)
    victim, survivor = scene.wallet, scene.daemon("second.sock")
    survivor.start()
    killed = False
    try:
        scene.start(WALLETD_FAILPOINTS=failpoint)
        scene.act_with(survivor)
    except lab.Died:
        check(victim.ended() == -signal.SIGKILL, "walletd ended otherwise")
        killed = True
    scene.wallet = survivor
    scene.act()
    if killed:
        victim.start()
    scene.act_with(victim)
    code = victim.stop()
    check(code == 0, f"walletd ended with {code} when it was asked to stop")
    scene.close()
    return killed


def storm_row(worker, seed):
    storm = worker.scene(outbox_storm.Storm, seed, POINTS)
    kills = storm.play()
    storm.close()
    return kills


# --- all of them ---

def cannot_be_played():
    """Why not, or None."""
    try:
        real_evm.install()
    except real_evm.CannotBeHad as why:
        return f"the EVM node cannot be had: {why}"
    return None


def rows(sample):
    tries = SAMPLE_TRIES if sample else None
    for kind in outbox_scenes.ALL:
        for point in (*COMMON, *kind.points):
            yield Row(f"crash outbox {kind.__name__} {point}",
                      lambda w, k=kind, p=point: crash_row(w, k, p, tries), Worker, "kills")
    for kind in (outbox_scenes.Single, outbox_scenes.Batched, outbox_scenes.Reorged):
        yield Row(f"torn outbox {kind.__name__}", lambda w, k=kind: torn_row(w, k, tries), Worker, "kills")
    for kind, points in ERRORS.items():
        for point in points:
            yield Row(f"error outbox {kind.__name__} {point}",
                      lambda w, k=kind, p=point: error_row(w, k, p, tries), Worker, waits=kind in LONG_ERRORS)
    for point in SAMPLE_SHARED if sample else COMMON:
        yield Row(f"crash outbox two daemons {point}",
                  lambda w, p=point: two_daemons_row(w, p, 1 if sample else 3), Worker, "kills", waits=True)
    for seed in range(1, 1 + (SAMPLE_STORMS if sample else STORMS)):
        yield Row(f"storm {seed}", lambda w, s=seed: storm_row(w, s), Worker, "kills", waits=sample)
