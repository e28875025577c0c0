"""Invoices that a wallet pays with ecash while it is killed (spec/cashu.md 4.10): paid at once, paid or refused after a while,
given up, and paid to another mint for its ecash."""
import contextlib
import os
import sqlite3

import books
import invoice
import scenes
from scenes import FINAL, SETTLE_S, expect, finish, lab

MELT = "/v1/melt/bolt11"
COST = 2  # of every payment here: one for up to ten notes, one for Lightning
ASKED_FOR = ("melt_requested", "payment_pending", "checking", "restoring")  # the mint may know of it


class Melt(scenes.Scene):
    path = MELT
    how = "PAYS"

    def prepare(self):
        self.fund(100)
        self.invoice = invoice.make(30)
        self.mint.control("set", {"pay": self.how})

    def calm(self):
        super().calm()
        self.mint.control("set", {"pay": "PAYS"})

    def begin(self):
        return self.wallet.call("action.start", kind="cashu_melt", params={"mint": self.mint.url, "invoice": self.invoice},
                                idempotency_key=self.key("melt"))

    def until_it_ends(self, meanwhile):
        """meanwhile(action): what happens outside before it is looked at again."""
        def ended():
            action = self.wallet.call("action.get", idempotency_key=self.key("melt"))
            if action["status"] in FINAL:
                return action
            meanwhile(action)
            self.wallet.wake(id=action["id"])
            return None
        return lab.wait_until(ended, "the payment has an end", SETTLE_S)

    def act(self):
        self.begin()
        paid = expect(finish(self.wallet, self.key("melt")), "done")
        books.check(paid["result"]["fee"] == COST, f"it cost {paid['result']}")
        self.check_holds(100 - 30 - COST)


class MeltPending(Melt):
    """Lightning takes its time, and the payee gets it."""

    wire = False
    how, arrives = "WAITS", True

    def act(self):
        self.begin()
        self.until_it_ends(self.decide)
        super().act()

    def decide(self, action):
        if action["state"] == "payment_pending":
            self.mint.control("settle", {"paid": self.arrives})


class MeltFailed(MeltPending):
    """It takes its time, and no way is found."""

    arrives = False

    def act(self):
        self.begin()
        failed = expect(self.until_it_ends(self.decide), "failed")
        books.check(failed["error"]["kind"] == "payment_failed", f"it failed with {failed['error']}")
        self.check_given_back(failed)

    def check_given_back(self, action):
        """All, or all but what a swap costs, where a copy of the request might still have come."""
        self.check_holds(100 if action["funds_moved"] == "no" else 100 - 1)


class MeltCancelled(MeltFailed):
    """The mint is not reached, and the user has had enough."""

    path = "/v1/swap"
    how = "PAYS"

    def prepare(self):
        super().prepare()
        self.mint.fault(MELT, "drop_before", count=0)

    def act(self):
        self.begin()
        cancelled = expect(self.until_it_ends(self.give_up), "cancelled")
        self.check_given_back(cancelled)

    def give_up(self, action):
        if action["state"] in ASKED_FOR:
            try:
                self.wallet.call("action.cancel", id=action["id"])
            except lab.RpcError as no:
                if no.kind not in ("not_cancellable", "conflict"):
                    raise


class Transfer(scenes.Scene):
    path = MELT
    abroad = True
    wire = False

    def prepare(self):
        self.fund(100)
        self.other = self.mints[1]
        self.wallet.call("mint.add", url=self.other.url)
        self.other.control("set", {"pay_delay_ms": -1})

    def calm(self):
        super().calm()
        self.other.control("set", {"pay_delay_ms": 0})

    def act(self):
        self.wallet.call("action.start", kind="cashu_transfer", idempotency_key=self.key("transfer"),
                         params={"amount": 30, "from": self.mint.url, "to": self.other.url})
        done = expect(lab.wait_until(self.ended, "the transfer has an end", SETTLE_S), "done")
        books.check(done["result"]["fee"] == COST, f"it cost {done['result']}")
        self.check_holds(100 - 30 - COST)
        self.check_holds(30, mint=self.other)

    def ended(self):
        action = self.wallet.call("action.get", idempotency_key=self.key("transfer"))
        if action["status"] in FINAL:
            return action
        self.arrive(action["result"])
        for child in self.wallet.call("action.list", status="active")["actions"]:
            self.wallet.wake(id=child["id"])
        return None

    def arrive(self, children):
        """What the one mint has paid the other has got."""
        if children["melt_id"] and self.wallet.call("action.get", id=children["melt_id"])["status"] == "done":
            path = os.path.join(self.wallet.datadir, "wallet.db")
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
                for quote, in db.execute("SELECT id FROM mint_quote WHERE holder = ?", (children["issue_id"],)).fetchall():
                    if self.other.post("/v1/mint/quote/bolt11/" + quote)["state"] == "UNPAID":
                        self.other.control("quote", {"quote": quote, "state": "PAID"})


ALL = {
    "cashu_melt": Melt,
    "cashu_melt_pending": MeltPending,
    "cashu_melt_failed": MeltFailed,
    "cashu_melt_cancel": MeltCancelled,
    "cashu_transfer": Transfer,
}
