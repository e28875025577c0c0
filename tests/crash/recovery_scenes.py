"""Ecash that is looked for at the mint while the wallet is killed: with the words of a wallet that is gone, and where the mint
signed what the wallet had given up on."""
import contextlib
import os
import shutil
import sqlite3

import books
import scenes
from scenes import expect, lab, settle, start, start_at_new

HOUR_MS = 3600 * 1000


class Restore(scenes.Scene):
    path = "/v1/restore"
    wire = False

    def open(self, **env):
        """Of the wallet's first life only the words are left."""
        self.wallet.start(**env)
        self.words = self.wallet.call("wallet.create")["mnemonic"]
        self.wallet.call("mint.add", url=self.mint.url)
        self.fund(96)
        self.peer_receives(start(self.wallet, "send", "cashu_send", amount=64, mint=self.mint.url)["result"]["token"])
        self.wallet.kill()
        shutil.rmtree(self.wallet.datadir)
        os.mkdir(self.wallet.datadir, 0o700)
        self.wallet.start(**env)

    def act(self):
        try:
            self.wallet.call("wallet.restore", mnemonic=self.words)
        except lab.RpcError as no:
            if no.kind != "wallet_exists":
                raise
        found = expect(start_at_new(self.wallet, self.key("restore"), "cashu_restore", mint=self.mint.url), "done")["result"]
        books.check(found["restored"]["sat"] == 32, f"it found {found}")
        self.check_holds(32)


class Sweep(scenes.Receive):
    """The mint says no to a swap that it has made: what it gives for another is not ours any more, and what it signed is."""

    path = "/v1/restore"
    wire = False

    def prepare(self):
        super().prepare()
        self.mint.fault("/v1/swap", "answer_after", status=400, code=12002)
        lost = expect(start(self.wallet, self.key("receive"), "cashu_receive", token=self.token), "failed")
        books.check(lost["error"]["kind"] == "token_spent", f"it failed with {lost['error']}")
        self.wallet.kill()
        with contextlib.closing(sqlite3.connect(os.path.join(self.wallet.datadir, "wallet.db"), timeout=10)) as db, db:
            aged = db.execute("UPDATE output SET sweep_at_ms = sweep_at_ms - ?", (HOUR_MS,)).rowcount
        books.check(aged > 0, "nothing was given up")
        self.wallet.start()

    def act(self):
        expect(start(self.wallet, self.key("sweep"), "cashu_sweep", mint=self.mint.url), "done")
        settle(self.wallet)  # the wallet may have begun one by itself
        self.check_holds(30 - self.fee)


ALL = {"cashu_restore": Restore, "cashu_sweep": Sweep}
