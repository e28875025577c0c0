"""Plays the tests of a suite, some at a time, each in a process of its own, and tells of each as it ends; the last line counts.

  def run(job): ...; return plays.one(title, make, play)       make(): its world, which has end(); play(world)
  return plays.all_of(run, jobs, at_once, folder)              the suite's exit code
"""
import collections
import contextlib
import io
import multiprocessing
import shutil
import signal
import time
import traceback

LOG_LINES = 30

Played = collections.namedtuple("Played", "title passed seconds said")


def logs_of(daemons, out):
    """The end of what each has written, for whoever wants to see why a test failed."""
    for daemon in daemons:
        print(f"--- the last of {daemon.log_path}", file=out)
        with contextlib.suppress(OSError):
            print("".join(daemon.log().splitlines(True)[-LOG_LINES:]), file=out)


def one(title, make, play, daemons=lambda world: ()):
    """How it went: Played.  daemons(world): whose logs are shown if not."""
    said, world, passed = io.StringIO(), None, True
    began = time.monotonic()
    with contextlib.redirect_stdout(said):
        try:
            world = make()
            play(world)
        except Exception:  # whatever it was, the others still run
            passed = False
            traceback.print_exc(file=said)
            if world:
                logs_of(daemons(world), said)
        finally:
            if world:
                world.end()
    return Played(title, passed, time.monotonic() - began, said.getvalue())


def all_of(run, jobs, at_once, folder, skipped=0):
    """run(job) for each.  folder: where they leave what they leave; it goes when none failed.  skipped: as many more could not be
    played."""
    counts = {True: 0, False: 0}
    with multiprocessing.Pool(at_once, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        for title, passed, seconds, said in pool.imap_unordered(run, jobs):
            counts[passed] += 1
            print(f"{'ok' if passed else 'FAILED':8}{title} ({seconds:.1f} s)")
            print(said, end="", flush=True)
    if counts[False]:
        print("what was left is in " + folder)
    else:
        shutil.rmtree(folder)
    print(f"{counts[True]} passed, {counts[False]} failed, {skipped} skipped")
    if counts[False] or not (counts[True] or skipped):
        return 1
    return 0 if counts[True] else 77


def none(why):
    """For a suite whose peer cannot be had: says so.  Its exit code."""
    print(f"SKIPPED: {why}")
    print("0 passed, 0 failed, 1 skipped")
    return 77
