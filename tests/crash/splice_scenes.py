"""What a wallet does to a channel while it is killed."""
from splice_world import Scene


class SplicedOut(Scene):
    """To an address of its own."""

    points = ("chain.block", "splice.final")

    def act(self):
        self.splice("splice", "splice_out", amount_sat=50_000, feerate="4")
        self.on_its_way("splice")
        self.once("mined", self.mine_it)
        self.ended("splice")


class SplicedIn(SplicedOut):
    def act(self):
        self.splice("splice", "splice_in", amount_sat=120_000, feerate="4")
        self.on_its_way("splice")
        self.once("mined", self.mine_it)
        self.ended("splice")


class BumpedIn(Scene):
    """What is bumped is not killed before: that is the scene above."""

    points = ("splice.final",)
    rounds = 2

    def prepare(self):
        super().prepare()
        self.splice("splice", "splice_in", amount_sat=120_000, feerate="4")
        self.on_its_way("splice")

    def act(self):
        self.splice("bump", "splice_bump", feerate="8", max_feerate="10")
        self.ended("bump")
        self.once("mined", self.mine_it)
        self.ended("splice")


class BumpedOut(BumpedIn):
    def prepare(self):
        Scene.prepare(self)
        self.splice("splice", "splice_out", amount_sat=50_000, feerate="4")
        self.on_its_way("splice")


ALL = (SplicedOut, SplicedIn, BumpedIn, BumpedOut)
