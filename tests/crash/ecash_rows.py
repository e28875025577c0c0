"""Rows of ecash at a real mint: whatever chance does to two wallets, the money is all there (issue 6, spec/cashu.md 8.1).  The
mint is nutshell, or with CRASH_MINT=cdk the cdk-mintd that is found here."""
import concurrent.futures
import os
import shutil

import ecash_storm
import lab
import mint_rows
import real_cdk
import real_mint
from matrix import Row

POINTS = sorted(mint_rows.POINTS)
AT_ONCE = 3  # rows, of each processor: they wait for the mint more than they work
KILLS_MIN = 100
STORMS = int(os.environ.get("CRASH_STORMS") or 60)
SAMPLE_STORMS = 24
FEE_PPK = 100
# Asked how a payment stands that it is just making, this mint would settle it a second time, with other change, and count wrong
# itself.  So nothing is known of a payment but from the payment.
MINT_SETTINGS = ("FAKEWALLET_PAYMENT_STATE=PENDING",)
# One that fell asks when it stands again; then nobody pays, and it is told.
WHEN_ASKED_AGAIN = ("FAKEWALLET_PAYMENT_STATE=SETTLED",)
# On a machine that is very busy it loses locks of its own database, and then leaves quotes as they are for ever.
MINT_BROKE_DOWN = "failed to acquire database lock"


class Nutshell(real_mint.RealMint):
    falls = True

    def __init__(self, folder):
        super().__init__(folder, FEE_PPK, *MINT_SETTINGS)
        self.keeper = concurrent.futures.ThreadPoolExecutor(1)

    def stand_up(self):
        """From a thread that stays: a process ends with the thread that started it (lab.end_with_parent), and a request's
        thread does not live long."""
        self.keeper.submit(self.start).result()
        self.ready()

    def think_over(self):
        """It learns what became of the payments that it was making when it fell."""
        self.turn(*WHEN_ASKED_AGAIN)
        lab.wait_until(lambda: not self.books("SELECT 1 FROM melt_quotes WHERE state = 'PENDING'"), "the mint asks again")
        self.turn(*MINT_SETTINGS)


class Cdk(real_cdk.Cdk):
    falls = False  # of a payment that it was making then it never learns what became of it: its Lightning is in its memory

    def __init__(self, folder):
        super().__init__(folder, FEE_PPK, cached_s=1)


MINTS = {"nutshell": (Nutshell, real_mint.install), "cdk": (Cdk, real_cdk.install)}
make_mint, install_mint = MINTS[os.environ.get("CRASH_MINT") or "nutshell"]


class Worker:
    """A mint; its rows run one after the other, so that its books are those of one storm."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.storm, self.mints = None, 0
        self.new_mint()

    def new_mint(self):
        self.mints += 1
        self.mint = make_mint(os.path.join(self.folder, f"mint-{self.mints}"))
        self.mint.start()
        self.mint.ready()

    def play(self, seed):
        """How often something was killed.  At a mint that broke down meanwhile it shows nothing, and is played at a new one."""
        folder, log = os.path.join(self.folder, f"storm-{seed}"), os.path.join(self.mint.folder, "mint.log")
        began = os.path.getsize(log)
        try:
            return self.storm_over(folder, seed)
        except AssertionError as why:
            with open(log, encoding="utf-8", errors="replace") as told:
                told.seek(began)
                if MINT_BROKE_DOWN not in told.read():
                    raise
            print(f"ecash storm {seed}: the mint broke down, and it is played again: {why}", flush=True)
        self.storm.close()
        self.mint.stop()
        self.new_mint()
        return self.storm_over(folder + "-again", seed)

    def storm_over(self, folder, seed):
        self.storm = ecash_storm.Storm(self.build, folder, self.mint, seed, POINTS)
        kills = self.storm.play()
        self.storm.close()
        self.storm = None
        shutil.rmtree(folder)
        return kills

    def abandon(self):
        if self.storm:
            self.storm.close()
        self.close()
        return [self.folder]

    def close(self):
        self.mint.stop()


def cannot_be_played():
    """Why not, or None."""
    try:
        install_mint()
    except lab.CannotBeHad as why:
        return f"the real mint cannot be had: {why}"
    return None


def rows(sample):
    for seed in range(1, 1 + (SAMPLE_STORMS if sample else STORMS)):
        yield Row(f"ecash storm {seed}", lambda w, s=seed: w.play(s), Worker, "kills")
