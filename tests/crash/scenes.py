"""What a wallet does while it is killed: one scene per kind of action.

A scene is prepared in peace.  Its act() may be cut off anywhere and is then played again from the top: every call in it
names the same idempotency keys, as a careful script's would.
"""
import itertools
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import books  # noqa: E402
import lab  # noqa: E402

SETTLE_S = 150  # longer than walletd waits for a peer, twice
STEP_S = 0.004
STEP_MAX_S = 0.1
FEE_PPK = 100  # for up to ten notes: 1
FINAL = ("done", "failed", "cancelled")


def at_rest(action):
    """Ended, or a token that waits to be claimed."""
    return action["status"] in FINAL or (action["state"] == "token_created" and action["status"] == "parked")


def finish(daemon, key=None, action_id=None, within_s=SETTLE_S):
    """Drives an action to its rest without waiting for its own timers: early calls must be harmless."""
    which = {"idempotency_key": key} if key else {"id": action_id}
    deadline = time.monotonic() + within_s
    pause_s = STEP_S
    while True:
        action = daemon.call("action.get", **which)
        if at_rest(action):
            return action
        if time.monotonic() > deadline:
            raise AssertionError(f"{action['kind']} came to no rest in {within_s} s: {action['state']},"
                                 f" {action['status']}, {action['error']}")
        if action["status"] != "running":
            hurry(daemon, action["id"])
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, STEP_MAX_S)


def hurry(daemon, action_id):
    """An action, or the child that it waits for."""
    for child in daemon.call("action.list", status="active")["actions"]:
        if child["parent_id"] == action_id:
            action_id = child["id"]
    daemon.wake(id=action_id)


def settle(daemon):
    for action in daemon.call("action.list", status="active")["actions"]:
        finish(daemon, action_id=action["id"])


def start(daemon, key, kind, **params):
    daemon.call("action.start", kind=kind, params=params, idempotency_key=key)
    return finish(daemon, key)


def start_at_new(daemon, key, kind, **params):
    """With a mint that it is the first to name: not reaching it ends the action, with everything as it was, and it is
    started again."""
    deadline = time.monotonic() + SETTLE_S
    for again in itertools.count(1):
        action = start(daemon, f"{key}-{again}", kind, **params)
        if action["status"] != "failed" or time.monotonic() > deadline:
            return action
        books.check((action["error"]["kind"], action["funds_moved"]) == ("peer_unavailable", "no"),
                    f"ended with {action['error']}, funds moved: {action['funds_moved']}")
        time.sleep(STEP_MAX_S)


def expect(action, status):
    if action["status"] != status:
        raise AssertionError(f"{action['kind']} ended {action['status']}, not {status}: {action['error']}")
    return action


class Scene:
    """One wallet that is put to the test, at one mint, with a counterpart that is left in peace."""

    path = "/v1/swap"  # where its dangerous request goes
    abroad = False     # has it to do with other mints, too?
    wire = True        # does it come through whatever befalls that once?
    trusted = True     # does it know the mint from the start?

    def __init__(self, wallet, peer, mints, name):
        """mints: where it is at home, and others that it may have to do with."""
        self.wallet, self.peer, self.mint, self.name = wallet, peer, mints[0], name
        self.mints = mints

    def key(self, what):
        return f"{self.name}-{what}"

    def open(self, **env):
        """A new wallet, with the mint and what the scene needs."""
        self.wallet.start(**env)
        self.wallet.call("wallet.create")
        if self.trusted:
            self.wallet.call("mint.add", url=self.mint.url)
        self.prepare()

    def prepare(self):
        pass

    def calm(self):
        """The mint is as it was before."""
        self.mint.reset_faults()

    def sleep(self):
        """Dead, until somebody starts it."""
        if self.wallet.alive():
            self.wallet.kill()

    def fund(self, amount):
        expect(start(self.wallet, self.key(f"fund-{amount}"), "cashu_issue", mint=self.mint.url, amount=amount), "done")

    def peer_receives(self, token):
        expect(start(self.peer, self.key("peer"), "cashu_receive", token=token), "done")

    def peer_token(self, amount, **lock):
        """Its counterpart's; the same when asked for again."""
        return start(self.peer, self.key("peer"), "cashu_send", amount=amount, mint=self.mint.url, **lock)["result"]["token"]

    def check_holds(self, amount, sent=0, mint=None):
        w, url = books.Wallet(self.wallet.datadir), (mint or self.mint).url
        found = w.sum(url, (books.SPENDABLE,)), w.sum(url, (books.SENT,))
        books.check(found == (amount, sent), f"spendable and sent are {found}, not {(amount, sent)}")


class Create(Scene):
    """No money yet: a database that is new, and a seed that must be whole or not there."""

    path = None

    def open(self, **env):
        pass

    def act(self):
        try:
            self.wallet.call("wallet.create")
        except lab.RpcError as no:
            if no.kind != "wallet_exists":
                raise
        books.check(self.wallet.call("wallet.info")["state"] == "unlocked", "a wallet that was made is not unlocked")
        self.wallet.call("mint.add", url=self.mint.url)
        mints = self.wallet.call("mint.list")["mints"]
        books.check([m["trusted"] for m in mints] == [True], f"the mint was added, and is listed as {mints}")


class Issue(Scene):
    path = "/v1/mint/bolt11"

    def act(self):
        expect(start(self.wallet, self.key("issue"), "cashu_issue", mint=self.mint.url, amount=100), "done")
        self.check_holds(100)


class SendExact(Scene):
    path = None

    def prepare(self):
        self.fund(96)

    def act(self):
        self.send(64)
        self.check_holds(32)

    def send(self, amount, **lock):
        sent = start(self.wallet, self.key("send"), "cashu_send", amount=amount, mint=self.mint.url, **lock)
        if sent["status"] == "parked":
            books.check(sent["result"]["amount"] == amount, f"a token of {sent['result']['amount']}, not {amount}")
            self.peer_receives(sent["result"]["token"])
            lab.wait_until(lambda: self.look(sent["id"]) in FINAL, "the claim is seen")
        expect(self.wallet.call("action.get", idempotency_key=self.key("send")), "done")

    def look(self, action_id):
        self.wallet.wake(id=action_id)
        return self.wallet.call("action.get", id=action_id, wait="park", timeout_s=5)["status"]


class SendBySwap(SendExact):
    path = "/v1/swap"

    def prepare(self):
        self.fund(128)

    def act(self):
        self.send(50)
        self.check_holds(128 - 1 - 50)


class SendLocked(SendBySwap):
    """To a key of the counterpart."""

    def prepare(self):
        super().prepare()
        self.their_key = self.peer.call("lock_key.new")["public_key"]

    def act(self):
        self.send(50, lock_to=[self.their_key])
        self.check_holds(128 - 1 - 50)


class SendTakenBack(Scene):
    def prepare(self):
        self.fund(96)

    def act(self):
        sent = start(self.wallet, self.key("send"), "cashu_send", amount=64, mint=self.mint.url)
        if sent["status"] == "parked":
            try:
                self.wallet.call("action.cancel", id=sent["id"])
            except lab.RpcError as no:
                if no.kind != "not_cancellable":
                    raise
            lab.wait_until(lambda: self.taken_back(sent["id"]), "the token is taken back", every_s=0.01)
        self.check_holds(96 - 1)

    def taken_back(self, action_id):
        action = self.wallet.call("action.get", id=action_id)
        if action["status"] not in FINAL:
            hurry(self.wallet, action_id)
            return False
        books.check(action["status"] == "cancelled", f"ended {action['status']}: {action['error']}")
        return True


class Receive(Scene):
    def prepare(self):
        self.offer()

    def offer(self, **lock):
        self.token = self.peer_token(30, **lock)
        notes = len(self.peer.call("token.decode", token=self.token)["proofs"])
        self.fee = -(-notes * FEE_PPK // 1000)

    def act(self):
        action = start(self.wallet, self.key("receive"), "cashu_receive", token=self.token, trust=True)
        expect(action, "done")
        self.check_holds(30 - self.fee)


class ReceiveLocked(Receive):
    """To a key that it gives out first: the same key, however often it is asked for that one."""

    def prepare(self):
        pass

    def act(self):
        mine = self.wallet.call("lock_key.new", idempotency_key=self.key("lock"))["public_key"]
        self.offer(lock_to=[mine])
        super().act()


class ReceiveFromNew(Receive):
    """The same, from a mint that the token is the first to name."""

    trusted = False

    def act(self):
        expect(start_at_new(self.wallet, self.key("receive"), "cashu_receive", token=self.token, trust=True), "done")
        self.check_holds(30 - self.fee)


class Swap(Scene):
    def prepare(self):
        self.fund(100)

    def act(self):
        expect(start(self.wallet, self.key("swap"), "cashu_swap", mint=self.mint.url), "done")
        self.check_holds(100 - 1)


ALL = {
    "wallet_create": Create,
    "cashu_issue": Issue,
    "cashu_send": SendExact,
    "cashu_send_swap": SendBySwap,
    "cashu_send_cancel": SendTakenBack,
    "cashu_receive": Receive,
    "cashu_receive_new": ReceiveFromNew,
    "cashu_swap": Swap,
}
LOCKED = {"cashu_send_locked": SendLocked, "cashu_receive_locked": ReceiveLocked}
# Those with a request that the mint acts upon.
RISKY = {name: scene for name, scene in ALL.items() if scene.path}
