"""Plays scenarios at real mints, each with fresh wallets, and counts the money at its end.  A few lanes at once, each with mints
of its own: whatever happens to one, no scenario of another lane sees it."""
import collections
import concurrent.futures
import io
import os
import queue
import shutil
import tempfile
import threading
import time
import traceback

import bench
import lab
import plays
import proxy

AT_ONCE = int(os.environ.get("AT_ONCE", "2"))
WORDS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}


class Lane:
    """The mints of some scenarios, which play one after the other: each is started when the first one wants it."""

    def __init__(self, folder, mints):
        """mints: {name: a function that makes it in a folder}."""
        self.folder, self.mints, self.running, self.gates = folder, mints, {}, {}

    def open(self, names):
        fresh = [name for name in names if name not in self.running]
        for name in fresh:
            self.running[name] = self.mints[name](os.path.join(self.folder, "mint-" + name))
            self.running[name].start()
        for name in fresh:
            self.running[name].ready()
            self.gates[name] = proxy.Proxy(self.running[name].port)

    def close(self):
        for gate in self.gates.values():
            gate.stop()
        for mint in self.running.values():
            mint.stop()


class Book:
    """What came of them."""

    def __init__(self):
        self.lock, self.counts = threading.Lock(), collections.Counter()

    def tell(self, result, name, seconds, more=""):
        with self.lock:
            self.counts[result] += 1
            print(f"{WORDS[result]:8}{name} ({seconds:.1f} s)\n{more}", end="", flush=True)


def what_went_wrong(world):
    """What a person needs to see of it."""
    said = io.StringIO()
    traceback.print_exc(file=said)
    plays.logs_of(world.wallets, said)
    return said.getvalue()


def play(world, function):
    """How it ended, and what there is to say of it."""
    try:
        function(world)
        world.count()
    except bench.Skip as why:
        return "skipped", f"        {why}\n"
    except Exception:  # whatever it was, the others still run
        return "failed", what_went_wrong(world)
    finally:
        world.end()
    return "passed", ""


def run_lane(lane, todo, build, both, book):
    """Plays what is left, until nothing is."""
    try:
        while True:
            try:
                folder, title, function, at = todo.get_nowait()
            except queue.Empty:
                return
            lane.open(dict.fromkeys((at, *both)))
            world = bench.World(build, folder, lane.running[at], lane.gates[at])
            world.other = next(lane.gates[name] for name in both if name != at)
            began = time.monotonic()
            result, more = play(world, function)
            book.tell(result, f"[{at}] {title}", time.monotonic() - began, more)
    finally:
        lane.close()


def jobs(folder, patterns, where):
    """A queue of them."""
    found = queue.Queue()
    for number, (title, function, word) in enumerate(bench.SCENARIOS):
        if not patterns or any(p in title for p in patterns):
            for at in where.get(word, ()):
                found.put((os.path.join(folder, f"{number}-{at}"), title, function, at))
    return found


def main(build, patterns, install, mints, where):
    """mints: {name: a function that makes it in a folder}.  where: {what a scenario says of mints: names}, and one whose word
    is not among these is not played.  install: raises lab.CannotBeHad."""
    try:
        install()
    except lab.CannotBeHad as why:
        return plays.none(f"the real mint cannot be had: {why}")
    folder = tempfile.mkdtemp(prefix="walletd-e2e-")
    todo, book = jobs(folder, patterns, where), Book()
    lanes = [Lane(os.path.join(folder, f"lane-{n}"), mints) for n in range(AT_ONCE)]
    for lane in lanes:
        os.mkdir(lane.folder)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        ends = [pool.submit(run_lane, lane, todo, build, where["both"], book) for lane in lanes]
        try:
            for end in ends:
                end.result()
        finally:
            todo.queue.clear()  # of one that could not go on, or was interrupted: the others end with what they play
    counts = book.counts
    if counts["failed"]:
        print("what the daemons left is in " + folder)
    else:
        shutil.rmtree(folder)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 0 if counts["passed"] and not counts["failed"] else 1
