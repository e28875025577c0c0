"""A real ldk-server of ours and its peer, another, with one channel between them, upon a bitcoind of their own; and a gate in
front of ours (grpc_gate.py), which walletd talks to."""
import os

import grpc_gate
import grpc_server
import lab
import real_bitcoind
import real_ldk_server
from real_ldk_server import USER, LdkServer

CAPACITY, THEIRS = 1_000_000, 400_000
COINS = (300_000, 200_000)
# What the channel costs to open, and what the wallet keeps for the closing of it.
KEPT = 60_000


class Duo:
    DEPTH = real_ldk_server.DEPTH

    @staticmethod
    def install():
        real_bitcoind.install()
        grpc_server.http2()
        real_ldk_server.install()

    def __init__(self, folder):
        self.ends = []
        try:
            self.begin(folder)
        except BaseException:
            self.end()
            raise

    def begin(self, folder):
        self.node = real_bitcoind.Bitcoind(os.path.join(folder, "node"), user=USER)
        self.ends.append(self.node.stop)
        self.node.start()
        self.node.ready()
        self.node.prepare()
        self.ours, self.theirs = (LdkServer(os.path.join(folder, name), self.node) for name in ("ours", "theirs"))
        for one in (self.ours, self.theirs):
            self.ends.append(one.stop)
            one.start()
        for one in (self.ours, self.theirs):
            one.ready()
        self.ours.fund(CAPACITY + KEPT)
        self.name = self.ours.open_channel(self.theirs, CAPACITY, push=THEIRS)
        self.channel_id = f"{int(self.name):064x}"
        self.ours.fund(*COINS)
        self.gate = grpc_gate.Gate(self.ours)
        self.ends.append(self.gate.stop)

    @property
    def options(self):
        """Of walletd."""
        return [f"--lightning_url={self.gate.url}", *self.credentials]

    @property
    def credentials(self):
        return [f"--lightning_tls_cert={self.ours.certificate}", f"--lightning_api_key={self.ours.key_file}"]

    def end(self):
        for end in reversed(self.ends):
            end()

    def channel(self):
        return self.ours.channel(self.name)

    def peer_down(self):
        self.theirs.kill()
        lab.wait_until(lambda: not self.channel().usable, "the peer to be gone", within_s=60, every_s=0.1)

    def peer_up(self):
        self.theirs.start()
        self.theirs.ready()
        self.reconnect()

    def reconnect(self):
        self.ours.connect(self.theirs)
        self.ours.wait_usable(self.name)

    def crash(self):
        self.ours.kill()
        self.ours.start()
        self.ours.ready()
        self.reconnect()

    def mine(self, blocks):
        self.node.mine(blocks)
        for one in (self.ours, self.theirs):
            one.caught_up()

    def asked(self):
        """How often a splice was asked for, whatever came of it."""
        return len(self.gate.of("SpliceIn")) + len(self.gate.of("SpliceOut"))

    def wealth(self):
        return self.ours.wallet_total() + self.channel().ours_msat // 1000
