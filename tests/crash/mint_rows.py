#!/usr/bin/env python3
"""The crash matrix: walletd is killed at every failpoint of every kind of action, its mint fails and lies in every way,
and afterwards the money is counted at the mint.

  tests/crash/run BUILD_DIR [WORD...]

BUILD_DIR holds a walletd with test hooks (`make crash`) and walletd-testmint.  With words, only the rows whose name has
one of them.  JOBS (the number of processors) rows run at a time.  Ends with one line: "N passed, N failed, N skipped".
What a row that failed leaves behind is kept, and named.
"""
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import books  # noqa: E402
import faults  # noqa: E402
import scenes  # noqa: E402
from scenes import lab  # noqa: E402

# Every failpoint in the code, and what is tried there.
POINTS = {
    "store.commit.before": ("crash",),
    "store.commit.after": ("crash",),
    "net.send": ("crash", "error"),
    "net.reply": ("crash", "error"),
    "rpc.reply": ("crash",),
}
DIALECTS = ("nutshell", "cdk")
OTHER_MINTS = (("--quote-lock=legacy",), ("--quote-lock=none", "--keysets=v1"), ("--no-dleq", "--cache-ttl-s=60"))
TRIES_MAX = 200


def points_in_code():
    grep = ["grep", "-rhoE", "--include=*.c", "--exclude-dir=tests", "--exclude-dir=build", r'FAILPOINT\("[^"]+"\)']
    found = subprocess.run([*grep, lab.ROOT], stdout=subprocess.PIPE, check=True).stdout.decode("ascii")
    return set(re.findall(r'"([^"]+)"', found))


class Worker:
    """A mint of each dialect and a counterpart that nothing ever happens to; its rows run one after the other."""

    def __init__(self, build, folder, *mint_options):
        self.build, self.folder = build, folder
        self.count = 0
        os.mkdir(folder)
        self.mints = {d: lab.Mint(build, "--dialect=" + d, "--seed=" + d, f"--fee-ppk={scenes.FEE_PPK}", *mint_options)
                      for d in DIALECTS}
        self.retired = dict.fromkeys(DIALECTS, 0)
        self.open_scenes = []
        self.peer = self.daemon("peer")
        self.peer.start()
        self.peer.call("wallet.create")
        for mint in self.mints.values():
            self.peer.call("mint.add", url=mint.url)
            scenes.start(self.peer, "fund-" + mint.url, "cashu_issue", mint=mint.url, amount=100000)

    def daemon(self, name, *options, **more):
        return lab.Daemon(self.build, os.path.join(self.folder, name), "--allow_plaintext_seed=1", *options, **more)

    def scene(self, kind, dialect, *options):
        """With a wallet that is new.  It is closed with close_scene() when it has gone well."""
        self.count += 1
        scene = kind(self.daemon(str(self.count), *options), self.peer, self.mints[dialect], f"s{self.count}")
        scene.dialect = dialect
        self.open_scenes.append(scene)
        return scene

    def second(self, scene):
        """Another daemon on the same datadir."""
        return self.daemon(os.path.basename(scene.wallet.datadir), "--shared_state=1", socket_name="second.sock")

    def close_scene(self, scene):
        """Everything is at rest, and adds up; after one more crash, too.  The wallet then retires."""
        wallet, mint = scene.wallet, scene.mint
        scenes.settle(wallet)
        self.settle_peer()
        self.audit(scene)
        wallet.kill()
        wallet.start()
        scenes.settle(wallet)
        own = self.audit(scene)
        self.open_scenes.remove(scene)
        self.retired[scene.dialect] += own
        mint.reset_faults()
        code = wallet.stop()
        books.check(code == 0, f"walletd ended with {code} when it was asked to stop")
        shutil.rmtree(wallet.datadir)

    def audit(self, scene):
        others = [s.wallet.datadir for s in self.open_scenes if s is not scene and s.dialect == scene.dialect]
        critical = [item for item in scene.wallet.call("status")["attention"] if item["severity"] == "critical"]
        books.check(not critical, f"status wants attention: {critical}")
        return books.audit(scene.mint, scene.wallet.datadir, [self.peer.datadir, *others], self.retired[scene.dialect])

    def settle_peer(self):
        for action in self.peer.call("action.list", status="active")["actions"]:
            scenes.wake(self.peer, action["id"])
            self.peer.call("action.get", id=action["id"], wait="park", timeout_s=10)

    def abandon(self):
        """After a row that failed: what it left is kept, and what comes after it starts from nothing."""
        kept = [scene.wallet.datadir for scene in self.open_scenes]
        for scene in self.open_scenes:
            if scene.wallet.alive():
                scene.wallet.kill()
        self.close()
        return kept

    def close(self):
        self.peer.stop()
        for mint in self.mints.values():
            mint.stop()


# --- rows ---

def crash_row(worker, kind, dialect, point, lossy=False):
    """Killed at the n-th passing of a failpoint, n = 1, 2, … until a run meets none, and again soon after it was
    restarted.  With lossy the first reply that matters is lost, which leads into the states that find out what the mint
    did.  Returns how many were killed."""
    for n in range(1, TRIES_MAX):
        scene = worker.scene(kind, dialect)
        scene.open()
        scene.sleep()
        if lossy:
            scene.mint.fault(scene.path, "drop_after")
        met = killed_at(scene, f"{point}:crash:{n}", f"{point}:crash:{1 + n % 3}")
        worker.close_scene(scene)
        if not met:
            return n - 1
    raise AssertionError(f"{point} was passed {TRIES_MAX} times in one scene")


def killed_at(scene, *lives):
    """Plays the scene with these failpoints in the wallet's first lives.  Was it killed in the first?"""
    for life, failpoints in enumerate([*lives, None]):
        try:
            scene.wallet.start(**({"WALLETD_FAILPOINTS": failpoints} if failpoints else {}))
            scene.act()
            break
        except lab.Died as died:
            code = scene.wallet.ended()
            books.check(failpoints and code == -signal.SIGKILL, f"walletd ended with {code}: {died}")
    # The point may still lie ahead: what follows is to be looked at in peace.
    scene.sleep()
    scene.wallet.start()
    return life > 0


def error_row(worker, kind, dialect, point):
    """The n-th request is not sent, or its reply is lost, in a life that goes on."""
    for n in range(1, TRIES_MAX):
        scene = worker.scene(kind, dialect)
        scene.open()
        scene.sleep()
        scene.wallet.start(WALLETD_FAILPOINTS=f"{point}:error:{n}", **faults.TWICE)
        scene.act()
        met = "failpoint " + point in scene.wallet.log()
        worker.close_scene(scene)
        if not met:
            return n - 1
    raise AssertionError(f"{point} was passed {TRIES_MAX} times in one scene")


def rows():
    """(name, what to do with a worker, options of its mints); those that only wait have None for options."""
    for mode in faults.SLOW:
        yield f"deadline {mode}", lambda w, m=mode: faults.deadlines_pass(w, "nutshell", m), None
    for dialect in DIALECTS:
        for name, kind in scenes.ALL.items():
            yield from failpoint_rows(name, kind, dialect)
        for name, kind in scenes.RISKY.items():
            yield from fault_rows(name, kind, dialect)
        for special in (faults.token_spent_meanwhile, faults.claimed_before_taken_back,
                        faults.keyset_rotated_under_a_token, faults.two_daemons):
            yield f"{special.__name__} {dialect}", lambda w, f=special, d=dialect: f(w, d), ()
    for options in OTHER_MINTS:
        for name, kind in scenes.RISKY.items():
            yield (f"mint {' '.join(options)} {name}",
                   lambda w, k=kind: faults.once(w, k, "nutshell", (None, "drop_after", {})), options)


def failpoint_rows(name, kind, dialect):
    for point, modes in POINTS.items():
        yield f"crash {name} {point} {dialect}", lambda w, p=point: crash_row(w, kind, dialect, p), ()
        if kind.path:
            yield f"crash lossy {name} {point} {dialect}", lambda w, p=point: crash_row(w, kind, dialect, p, True), ()
        if "error" in modes and kind.path:
            yield f"error {name} {point} {dialect}", lambda w, p=point: error_row(w, kind, dialect, p), ()


def fault_rows(name, kind, dialect):
    wire = {**faults.WIRE, **(faults.WIRE_INPUTS if kind.path == "/v1/swap" else {})}
    for fault, (mode, more) in wire.items():
        yield (f"fault {name} {fault} {dialect}",
               lambda w, m=mode, x=more: faults.once(w, kind, dialect, (None, m, x)), ())
    for lie in faults.LIES:
        yield (f"lie {name} {lie} once {dialect}", lambda w, m=lie: faults.once(w, kind, dialect, (None, m, {})), ())
        yield f"lie {name} {lie} on and on {dialect}", lambda w, m=lie: faults.lie_on(w, kind, dialect, m), ()
    for lie in faults.RESTORE_LIES:
        yield (f"lie {name} {lie} {dialect}", lambda w, m=lie: faults.once(
            w, kind, dialect, (None, "garbage", {}), ("/v1/restore", m, {})), ())
    yield f"fault {name} mint down {dialect}", lambda w: faults.mint_is_down(w, kind, dialect), ()


# --- running them ---

class Runner:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.lock = threading.Lock()
        self.passed = self.failed = self.made = 0

    def work(self, todo, options):
        """Rows from a queue until it is empty."""
        worker = None
        while True:
            try:
                name, row = todo.get_nowait()
            except queue.Empty:
                break
            worker = worker or self.new_worker(options)
            if not self.play(worker, name, row):
                worker = None
        if worker:
            worker.close()

    def work_all(self, queues):
        for options, todo in queues.items():
            self.work(todo, options)

    def new_worker(self, options):
        with self.lock:
            self.made += 1
            folder = os.path.join(self.folder, f"w{self.made}")
        return Worker(self.build, folder, *options)

    def play(self, worker, name, row):
        began = time.monotonic()
        try:
            found = row(worker)
        except Exception as why:  # pylint: disable=broad-except; any trouble at all is the row's failure
            kept = worker.abandon()
            with self.lock:
                self.failed += 1
                print(f"FAILED {name}: {type(why).__name__}: {why}", flush=True)
                traceback.print_exc(limit=-3, file=sys.stdout)
                print(f"       kept: {' '.join(kept)}", flush=True)
            return False
        with self.lock:
            self.passed += 1
            told = f", {found} times" if found is not None else ""
            print(f"ok {name}{told} ({time.monotonic() - began:.1f} s)", flush=True)
        return True


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: tests/crash/run BUILD_DIR [WORD...]")
    if points_in_code() != set(POINTS):
        sys.exit(f"the failpoints in the code are {sorted(points_in_code())}, and the matrix knows {sorted(POINTS)}")
    words = sys.argv[2:]
    chosen = [row for row in rows() if not words or any(word in row[0] for word in words)]
    folder = tempfile.mkdtemp(prefix="wcrash-")
    runner = Runner(os.path.abspath(sys.argv[1]), folder)
    began = time.monotonic()

    queues = {}
    for name, row, options in chosen:
        queues.setdefault(options, queue.Queue()).put((name, row))
    waiting = queues.pop(None, queue.Queue())
    jobs = int(os.environ.get("JOBS") or os.cpu_count())
    threads = [threading.Thread(target=runner.work, args=(waiting, ())) for _ in range(waiting.qsize())]
    threads += [threading.Thread(target=runner.work_all, args=(queues,)) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{runner.passed} passed, {runner.failed} failed, 0 skipped")
    if runner.failed == 0:
        shutil.rmtree(folder)
    sys.exit(0 if runner.passed and not runner.failed else 1)


if __name__ == "__main__":
    main()
