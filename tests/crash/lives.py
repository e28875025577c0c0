"""Rows that are alike for all that is played as a scene of one wallet: it is killed at every failpoint that it passes, the
power goes while it writes, or something fails and life goes on.

A scene here has a wallet, which may be started; act(), which plays it from the top however often it was cut off; and
close(), which counts when all is at rest.  A worker makes one of a kind that is ready to be played."""
import os
import signal

import books
import lab
import wal

TRIES_MAX, LONG_MAX = 200, 2000


def killed_in(scene, *lives):
    """Plays the scene with these failpoints in the daemon's first lives, and then in peace.  How often was it killed?"""
    killed = 0
    for failpoints in [*lives, None]:
        try:
            scene.wallet.start(**({"WALLETD_FAILPOINTS": failpoints} if failpoints else {}))
            scene.act()
            return killed
        except lab.Died as died:
            code = scene.wallet.ended()
            books.check(failpoints and code == -signal.SIGKILL, f"walletd ended with {code}: {died}")
            killed += 1
    raise AssertionError("not reached: the last life ends well, or is a failure")


def passings(kind):
    """Which passing of a point is tried: each, or of a scene that passes some hundreds of times ever fewer of them."""
    long = getattr(kind, "long", False)
    n, most = 1, LONG_MAX if long else TRIES_MAX
    while n < most:
        yield n
        n += 1 + (n // 2 if long else 0)
    raise AssertionError(f"a point was passed {most} times in one scene")


def crash_row(worker, kind, point, tries):
    """Killed at the n-th passing of a failpoint, n = 1, 2, … until a run meets none, and again soon after it was
    restarted."""
    kills = 0
    for n in passings(kind):
        scene = worker.scene(kind)
        killed = killed_in(scene, f"{point}:crash:{n}", f"{point}:crash:{1 + n % 3}")
        scene.close()
        kills += killed
        if not killed or n == tries:
            break
    books.check(kills, "it was never passed: this row shows nothing")
    return kills


def error_row(worker, kind, point, tries):
    """The n-th time it fails, or is lost, in a life that goes on."""
    for n in passings(kind):
        scene = worker.scene(kind)
        scene.wallet.start(WALLETD_FAILPOINTS=f"{point}:error:{n}")
        scene.act()
        met = scene.failed(point)
        scene.close()
        if not met or n == tries:
            break
    books.check(n > 1 or met, "it was never passed: this row shows nothing")


def torn_row(worker, kind, tries):
    """The power goes while a transaction is written: its last frames are not whole.  Nothing had followed from it."""
    kills = 0
    for n in passings(kind):
        scene = worker.scene(kind)
        log = os.path.join(scene.datadir, "wallet.db-wal")
        before = wal.last_commit(log)
        try:
            scene.wallet.start(WALLETD_FAILPOINTS=f"store.commit.after:crash:{n}")
            scene.act()
            killed = 0
        except lab.Died:
            books.check(scene.wallet.ended() == -signal.SIGKILL, "walletd ended otherwise")
            killed = 1
            if wal.last_commit(log) != before:  # a commit of nothing writes nothing
                wal.tear(log, 1 + n * 1021 % 4096)
            killed_in(scene)
        scene.close()
        kills += killed
        if not killed or n == tries:
            break
    books.check(kills, "nothing was torn: this row shows nothing")
    return kills
