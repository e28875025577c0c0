"""A real Lightning node of ours and its peer, with one channel between them: a Duo of tests/peers/lightning_hazards.py, upon
a bitcoind of their own."""
import os

import lab
import real_bitcoind
import real_lightningd
from splice_steps import Steps

CAPACITY, THEIRS = 1_000_000, 400_000
COINS = (300_000, 200_000)
# The wallet keeps some of what it has, and the channel costs something to open.
KEPT = 30_000


class Duo:
    DEPTH = 1

    def __init__(self, folder):
        self.ends = []
        try:
            self.begin(folder)
        except BaseException:
            self.end()
            raise

    def begin(self, folder):
        self.node = real_bitcoind.Bitcoind(os.path.join(folder, "node"))
        self.ends.append(self.node.stop)
        self.node.start()
        self.node.ready()
        self.node.prepare()
        self.ours, self.theirs = (real_lightningd.Lightningd(os.path.join(folder, name), self.node)
                                  for name in ("ours", "theirs"))
        for one in (self.ours, self.theirs):
            self.ends.append(one.stop)
            one.start()
        for one in (self.ours, self.theirs):
            one.ready()
        self.ours.fund(CAPACITY + KEPT)
        self.channel_id = self.ours.open_channel(self.theirs, CAPACITY, push=THEIRS)
        self.ours.fund(*COINS)
        self.rpc, self.socket = self.ours.rpc, self.ours.socket
        self.steps = Steps(self.rpc, self.channel_id, self.node.address())

    @property
    def options(self):
        """Of walletd."""
        return ["--lightning_rpc=" + self.socket]

    def end(self):
        for end in reversed(self.ends):
            end()

    def channel(self):
        return self.ours.channel(self.channel_id)

    def peer_down(self):
        self.theirs.kill()
        lab.wait_until(lambda: not self.channel()["peer_connected"], "the peer to be gone")

    def peer_up(self):
        self.theirs.start()
        self.theirs.ready()
        self.reconnect()

    def reconnect(self):
        self.ours.connect(self.theirs)
        lab.wait_until(lambda: self.channel().get("reestablished") and self.channel().get("owner") == "channeld",
                       "the channel to be reestablished", within_s=60)

    def drop(self, *lines):
        """The peer's next life drops the connection at these messages, one after the other: as its --dev-disconnect."""
        self.theirs.restart(*lines)
        self.reconnect()

    def dropped(self):
        return self.theirs.has_dropped()

    def freeze(self):
        self.theirs.freeze()

    def thaw(self):
        self.theirs.thaw()

    def wait_begun(self):
        self.ours.wait_log("splice_init input PSBT")

    def crash(self):
        self.ours.kill()
        self.ours.start()
        self.ours.ready()
        self.reconnect()

    def mine(self, blocks):
        self.node.mine(blocks)
        self.ours.caught_up()
        self.theirs.caught_up()

    def submissions(self):
        return self.ours.logged("Getting handle_splice_init")

    def wealth(self):
        return self.ours.wallet_total() + self.channel()["to_us_msat"] // 1000
