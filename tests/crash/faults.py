"""What a mint and its network do to a wallet, row by row.  The wallet must come through each: later, perhaps, but with
all its money."""
import threading

import books
import scenes
from scenes import lab

# Once each, on the request that the mint acts upon.
WIRE = {
    "reply lost before acting": ("drop_before", {}),
    "reply lost after acting": ("drop_after", {}),
    "500 instead of acting": ("answer", {"status": 500}),
    "502 after acting": ("answer_after", {"status": 502}),
    "400 unclassified after acting": ("answer_after", {"status": 400, "code": 50000}),
    "404 page of a proxy": ("answer", {"status": 404}),
    "delivered twice": ("duplicate", {}),
    "answer cut off": ("truncate", {}),
    "200 with a web page": ("garbage", {}),
    "50 MB reply": ("huge", {}),
    "throttled": ("throttle", {"retry_after_s": 1}),
    "throttled four times": ("throttle", {"retry_after_s": 0, "count": 4}),
    "in flight, then done": ("hold", {"ms": 300}),
    "keyset said to be inactive": ("answer", {"status": 400, "code": 12002}),
    "said to be unbalanced": ("answer", {"status": 400, "code": 11005}),
    "said to be pending": ("answer", {"status": 400, "code": 11002}),
}
# Of requests with inputs only.
WIRE_INPUTS = {
    "said to be spent, and is not": ("answer", {"status": 400, "code": 11001}),
}
LIES = ("wrong_amount", "inflated", "wrong_keyset_id", "other_keyset", "bad_signature", "bad_dleq", "no_dleq",
        "extra_promise", "missing_promise", "swapped_promises")
RESTORE_LIES = ("restore_empty", "restore_foreign", "restore_reorder")


def once(worker, kind, dialect, *faults):
    """One scene, with these faults waiting for it: (path or None for the scene's own, mode, more)."""
    scene = worker.scene(kind, dialect)
    scene.open(**TWICE)
    for path, mode, more in faults:
        scene.mint.fault(path or scene.path, mode, **more)
    scene.act()
    left = scene.mint.counters()["faults_left"]
    books.check(left == 0, f"{left} of the faults were never met: this row shows nothing")
    worker.close_scene(scene)


# Each step runs twice from the same checkpoint, and walletd aborts when it comes out differently.
TWICE = {"WALLETD_DOUBLE_DRIVE": "1"}


def quietly(act):
    """What goes wrong here shows when the scene is played again."""
    try:
        act()
    except (AssertionError, lab.RpcError, lab.Died):
        pass


def lie_on(worker, kind, dialect, lie):
    """A mint that lies whatever it is asked: the action is uncertain, and shown; it ends well with an honest mint."""
    scene = worker.scene(kind, dialect)
    scene.open(**TWICE)
    for path in (scene.path, "/v1/restore"):
        scene.mint.fault(path, lie, count=0)
    acting = threading.Thread(target=quietly, args=(scene.act,))
    acting.start()
    try:
        lab.wait_until(lambda: any(item["kind"] == "action_uncertain" for item in
                                   scene.wallet.call("status")["attention"]), "attention says that it is uncertain")
        books.check_nothing_freed(scene.wallet.datadir, scene.mint)
    finally:
        scene.mint.reset_faults()
        acting.join(scenes.SETTLE_S)
    scene.act()
    worker.close_scene(scene)


def mint_is_down(worker, kind, dialect):
    scene = worker.scene(kind, dialect)
    scene.open(**TWICE)
    scene.mint.control("down", {"ms": 1500})
    scene.act()
    worker.close_scene(scene)


# --- somebody else was quicker ---

def token_spent_meanwhile(worker, dialect):
    """Its sender takes it back while it is on its way: nothing is counted, and that is said."""
    scene = worker.scene(scenes.Receive, dialect)
    scene.open(**TWICE)
    scene.peer.call("action.cancel", id=scene.peer.call("action.get", idempotency_key=scene.key("peer"))["id"])
    lab.wait_until(lambda: peer_send_ended(scene), "the sender has it back")
    failed = scenes.start(scene.wallet, "receive", "cashu_receive", token=scene.token)
    scenes.expect(failed, "failed")
    books.check(failed["error"]["kind"] == "token_spent", f"it failed with {failed['error']}")
    scene.check_holds(0)
    worker.close_scene(scene)


def peer_send_ended(scene):
    action = scene.peer.call("action.get", idempotency_key=scene.key("peer"))
    scene.peer.wake(id=action["id"])
    return action["status"] in scenes.FINAL


def claimed_before_taken_back(worker, dialect):
    """The receiver claims between the look and the swap of a cancel: claimed it is, and nothing is counted twice."""
    scene = worker.scene(scenes.SendTakenBack, dialect)
    scene.open(**TWICE)
    sent = scenes.start(scene.wallet, "send", "cashu_send", amount=64, mint=scene.mint.url)
    scene.peer_receives(sent["result"]["token"])
    scene.mint.fault("/v1/checkstate", "states", state="UNSPENT")
    scene.wallet.call("action.cancel", id=sent["id"])
    lab.wait_until(lambda: drive(scene.wallet, sent["id"])["status"] in scenes.FINAL, "it ends")
    scenes.expect(scene.wallet.call("action.get", id=sent["id"]), "done")
    scene.check_holds(32)
    worker.close_scene(scene)


def drive(wallet, action_id):
    wallet.wake(id=action_id)
    return wallet.call("action.get", id=action_id)


def keyset_rotated_under_a_token(worker, dialect):
    """Notes of a keyset that is no longer active come back as notes of the new one."""
    scene = worker.scene(scenes.SendTakenBack, dialect)
    scene.open(**TWICE)
    scenes.start(scene.wallet, scene.key("send"), "cashu_send", amount=64, mint=scene.mint.url)
    scene.mint.control("rotate", {"unit": "sat"})
    scene.act()
    worker.close_scene(scene)


# --- two daemons on one file ---

def two_daemons(worker, dialect):
    """With shared_state=1 both are given work and both see all of it; each piece is done once.  Then one is killed."""
    scene = worker.scene(scenes.Issue, dialect, "--shared_state=1")
    one, two = scene.wallet, worker.second(scene)
    scene.open(**TWICE)
    two.start(**TWICE)
    ids = begin(scene, (one, two), 8, "first")
    for i in ids:
        # Both are hurried at once, so that both reach for the same step.
        two.wake(id=i)
        scenes.expect(scenes.finish(one, action_id=i), "done")
    scene.check_holds(8 * 100)
    ids = begin(scene, (one, two), 8, "second")
    two.kill()
    for i in ids:
        scenes.hurry(one, i)  # what the dead one had in hand is set aside for a while
        scenes.expect(scenes.finish(one, action_id=i), "done")
    scene.check_holds(16 * 100)
    sends = [one.call("action.start", kind="cashu_send", params={"amount": 7 + i, "mint": scene.mint.url},
                      idempotency_key=f"send-{i}")["id"] for i in range(4)]
    two.start(**TWICE)
    for i in sends:
        books.check(scenes.finish(two, action_id=i)["state"] == "token_created", "no token was made")
    found = books.Wallet(one.datadir).sum(scene.mint.url, (books.SENT,))
    books.check(found == 7 + 8 + 9 + 10, f"tokens of {found} in all")
    two.stop()
    worker.close_scene(scene)


def begin(scene, daemons, n, name):
    return [daemons[i % 2].call("action.start", kind="cashu_issue", params={"mint": scene.mint.url, "amount": 100},
                                idempotency_key=f"{name}-{i}")["id"] for i in range(n)]


# --- the wallet's own deadline passes ---

# walletd waits 60 s for what may move money.
SLOW = {"delay": 61500, "delay_before": 61500, "hold": 61500, "slow_drip": 100}


def deadlines_pass(worker, dialect, mode):
    """The answer comes, or the request acts, when walletd has long given up waiting.  All at once: nobody is busy."""
    kinds = [scenes.SendBySwap, scenes.Receive] + ([scenes.Issue] if mode != "hold" else [])
    acting = [worker.scene(kind, dialect) for kind in kinds]
    for scene in acting:
        scene.open(**TWICE)
    mint = worker.mints[dialect]
    mint.fault("/v1/swap", mode, ms=SLOW[mode], count=2)
    if scenes.Issue in kinds:
        mint.fault("/v1/mint/bolt11", mode, ms=SLOW[mode])
    found = []
    threads = [threading.Thread(target=gather, args=(scene.act, found)) for scene in acting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for trouble in found:
        raise trouble
    for scene in acting:
        worker.close_scene(scene)


def gather(act, found):
    try:
        act()
    except Exception as trouble:  # pylint: disable=broad-except; raised again by whoever waits
        found.append(trouble)
