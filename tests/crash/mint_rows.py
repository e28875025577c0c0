"""Rows of the wallet's kinds of action: it is killed at every failpoint, its mint fails and lies in every way, and
afterwards the money is counted at the mint."""
import functools
import os
import shutil
import signal

import books
import faults
import payment_scenes
import recovery_scenes
import scenes
from matrix import Row
from scenes import lab

# Every failpoint that an action passes, and what is tried there.
POINTS = {
    "store.commit.before": ("crash",),
    "store.commit.after": ("crash",),
    "net.send": ("crash", "error"),
    "net.reply": ("crash", "error"),
    "rpc.reply": ("crash",),
}
AT_ONCE = 1  # rows, of each processor
KILLS_MIN = 0
DIALECTS = ("nutshell", "cdk")
OTHER_MINTS = (("--quote-lock=legacy",), ("--quote-lock=none", "--keysets=v1"), ("--no-dleq", "--cache-ttl-s=60"))
TRIES_MAX = 200
ALL = range(1, TRIES_MAX)
# Of a sample, a scene is killed at every third passing of each failpoint, and one of these, which came later, at one, with
# the mint of one dialect.
THIRD = range(1, TRIES_MAX, 3)
LATER = {**scenes.LOCKED, **payment_scenes.ALL, **recovery_scenes.ALL}
LATER_SAMPLE = (4,)


class Worker:
    """A mint of each dialect and a counterpart that nothing ever happens to; its rows run one after the other."""

    def __init__(self, mint_options, build, folder):
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
        mints = [self.mints[dialect], *(mint for d, mint in self.mints.items() if d != dialect)]
        scene = kind(self.daemon(str(self.count), *options), self.peer, mints, f"s{self.count}")
        self.open_scenes.append(scene)
        return scene

    def second(self, scene):
        """Another daemon on the same datadir."""
        return self.daemon(os.path.basename(scene.wallet.datadir), "--shared_state=1", socket_name="second.sock")

    def close_scene(self, scene):
        """Everything is at rest, and adds up; after one more crash, too.  The wallet then retires."""
        wallet = scene.wallet
        scenes.settle(wallet)
        self.settle_peer()
        self.audit(scene)
        wallet.kill()
        wallet.start()
        scenes.settle(wallet)
        for dialect, own in self.audit(scene).items():
            self.retired[dialect] += own
        self.open_scenes.remove(scene)
        scene.calm()
        code = wallet.stop()
        books.check(code == 0, f"walletd ended with {code} when it was asked to stop")
        shutil.rmtree(wallet.datadir)

    def audit(self, scene):
        """What the wallet holds at each mint that the scene has to do with."""
        others = [self.peer.datadir, *(s.wallet.datadir for s in self.open_scenes if s is not scene)]
        critical = [item for item in scene.wallet.call("status")["attention"] if item["severity"] == "critical"]
        books.check(not critical, f"status wants attention: {critical}")
        return {d: books.audit(mint, scene.wallet.datadir, others, self.retired[d]) for d, mint in self.mints.items()
                if mint is scene.mint or scene.abroad}

    def settle_peer(self):
        for action in self.peer.call("action.list", status="active")["actions"]:
            self.peer.wake(id=action["id"])
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

def crash_row(worker, kind, dialect, point, lossy=False, passings=ALL):
    """Killed at the n-th passing of a failpoint, n = 1, 2, … until a run meets none, and again soon after it was
    restarted.  With lossy the first reply that matters is lost, which leads into the states that find out what the mint
    did.  Returns how many were killed."""
    for times, n in enumerate(passings):
        scene = worker.scene(kind, dialect)
        scene.open()
        scene.sleep()
        if lossy:
            scene.mint.fault(scene.path, "drop_after")
        met = killed_at(scene, f"{point}:crash:{n}", f"{point}:crash:{1 + n % 3}")
        worker.close_scene(scene)
        if not met:
            return times
    books.check(passings not in (ALL, THIRD), f"{point} was passed {len(passings)} times in one scene")
    return len(passings)


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


def error_row(worker, kind, dialect, point, passings=ALL):
    """The n-th request is not sent, or its reply is lost, in a life that goes on."""
    for times, n in enumerate(passings):
        scene = worker.scene(kind, dialect)
        scene.open()
        scene.sleep()
        scene.wallet.start(WALLETD_FAILPOINTS=f"{point}:error:{n}", **faults.TWICE)
        scene.act()
        met = "failpoint " + point in scene.wallet.log()
        worker.close_scene(scene)
        if not met:
            return times
    books.check(passings not in (ALL, THIRD), f"{point} was passed {len(passings)} times in one scene")
    return len(passings)


PLAIN = functools.partial(Worker, ())


def cannot_be_played():
    """The mint is our own."""


def rows(sample):
    """All of them, but for passings of failpoints that a sample leaves out."""
    for mode in faults.SLOW:
        yield Row(f"deadline {mode}", lambda w, m=mode: faults.deadlines_pass(w, "nutshell", m), PLAIN, waits=True)
    for dialect in DIALECTS:
        for name, kind in scenes.ALL.items():
            yield from failpoint_rows(name, kind, dialect, THIRD if sample else ALL)
        for name, kind in scenes.RISKY.items():
            yield from fault_rows(name, kind, dialect)
        for special in (faults.token_spent_meanwhile, faults.claimed_before_taken_back,
                        faults.keyset_rotated_under_a_token, faults.two_daemons):
            yield Row(f"{special.__name__} {dialect}", lambda w, f=special, d=dialect: f(w, d), PLAIN)
    for dialect in DIALECTS[:1] if sample else DIALECTS:
        for name, kind in LATER.items():
            yield from failpoint_rows(name, kind, dialect, LATER_SAMPLE if sample else ALL)
            if kind.wire and not sample:
                yield from wire_rows(name, kind, dialect)
    for options in OTHER_MINTS:
        crew = functools.partial(Worker, options)
        for name, kind in scenes.RISKY.items():
            yield Row(f"mint {' '.join(options)} {name}",
                      lambda w, k=kind: faults.once(w, k, "nutshell", (None, "drop_after", {})), crew)


def failpoint_rows(name, kind, dialect, passings=ALL):
    for point, modes in POINTS.items():
        yield Row(f"crash {name} {point} {dialect}", lambda w, p=point: crash_row(w, kind, dialect, p, False, passings), PLAIN)
        if kind.path:
            yield Row(f"crash lossy {name} {point} {dialect}",
                      lambda w, p=point: crash_row(w, kind, dialect, p, True, passings), PLAIN)
        if "error" in modes and kind.path:
            yield Row(f"error {name} {point} {dialect}", lambda w, p=point: error_row(w, kind, dialect, p, passings), PLAIN)


def wire_rows(name, kind, dialect):
    """What a mint or its network does once."""
    wire = {**faults.WIRE, **(faults.WIRE_INPUTS if kind.path == "/v1/swap" else {})}
    for fault, (mode, more) in wire.items():
        yield Row(f"fault {name} {fault} {dialect}",
                  lambda w, m=mode, x=more: faults.once(w, kind, dialect, (None, m, x)), PLAIN)


def fault_rows(name, kind, dialect):
    yield from wire_rows(name, kind, dialect)
    for lie in faults.LIES:
        yield Row(f"lie {name} {lie} once {dialect}",
                  lambda w, m=lie: faults.once(w, kind, dialect, (None, m, {})), PLAIN)
        yield Row(f"lie {name} {lie} on and on {dialect}", lambda w, m=lie: faults.lie_on(w, kind, dialect, m), PLAIN)
    for lie in faults.RESTORE_LIES:
        yield Row(f"lie {name} {lie} {dialect}", lambda w, m=lie: faults.once(
            w, kind, dialect, (None, "garbage", {}), ("/v1/restore", m, {})), PLAIN)
    yield Row(f"fault {name} mint down {dialect}", lambda w: faults.mint_is_down(w, kind, dialect), PLAIN)
