"""Rows of the on-chain wallet: it is killed at every failpoint of every way that a payment can go, and at moments that chance
chooses; afterwards its coins are counted by the node's own set (spec/exit.md 7, 9)."""
import os

import onchain_scenes
import onchain_storm
import real_bitcoind
from lives import crash_row, error_row, torn_row
from matrix import Row
from onchain_world import Worker

# What every scene passes; each names the others that it is for.
COMMON = ("store.commit.before", "store.commit.after", "net.send", "net.reply")
POINTS = sorted({*COMMON, *(point for kind in onchain_scenes.ALL for point in kind.points)})
# Where something fails and life goes on.
ERRORS = {
    onchain_scenes.Paid: ("net.send", "net.reply"),
    onchain_scenes.Cancelled: ("net.send", "net.reply"),
    onchain_scenes.Reorganised: ("net.send", "net.reply"),
}
AT_ONCE = 3  # rows, of each processor: they wait for blocks more than they work
KILLS_MIN = 500
STORMS = int(os.environ.get("CRASH_STORMS") or 60)
SAMPLE_TRIES, SAMPLE_STORMS = 1, 4


def storm_row(worker, seed):
    storm = worker.scene(onchain_storm.Storm, seed, POINTS)
    kills = storm.play()
    storm.close()
    return kills


def cannot_be_played():
    """Why not, or None."""
    try:
        real_bitcoind.install()
    except real_bitcoind.lab.CannotBeHad as why:
        return f"bitcoind cannot be had: {why}"
    return None


def rows(sample):
    tries = SAMPLE_TRIES if sample else None
    for kind in onchain_scenes.ALL:
        for point in (*COMMON, *kind.points):
            yield Row(f"crash onchain {kind.__name__} {point}",
                      lambda w, k=kind, p=point: crash_row(w, k, p, tries), Worker, "kills")
    for kind in (onchain_scenes.Paid, onchain_scenes.Reorganised):
        yield Row(f"torn onchain {kind.__name__}", lambda w, k=kind: torn_row(w, k, tries), Worker, "kills")
    for kind, points in ERRORS.items():
        for point in points:
            yield Row(f"error onchain {kind.__name__} {point}",
                      lambda w, k=kind, p=point: error_row(w, k, p, tries), Worker)
    for seed in range(1, 1 + (SAMPLE_STORMS if sample else STORMS)):
        yield Row(f"onchain storm {seed}", lambda w, s=seed: storm_row(w, s), Worker, "kills", waits=sample)
