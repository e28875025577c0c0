"""What the tests of the scripted ldk-server share: a node and its channel upon a bitcoind, as lightning_bench.py has a Core
Lightning."""
import os

import grpc_server
import ldk_server_stub
import peer_bench
import real_bitcoind
from peer_bench import check, raises, same  # noqa: F401

CAPACITY, OURS = 1_000_000, 600_000
COINS = (300_000, 200_000)


class Duo:
    """stub is the node, model the channel."""

    PEER = "bitcoind, or the Python package h2"
    DEPTH = 1

    @staticmethod
    def install():
        real_bitcoind.install()
        grpc_server.http2()

    def __init__(self, folder):
        self.node = real_bitcoind.Bitcoind(os.path.join(folder, "node"))
        self.stub = None
        self.node.start()
        self.node.ready()
        self.node.prepare()
        self.stub = ldk_server_stub.Stub(os.path.join(folder, "lightning"), self.node)
        self.stub.coins.fund(*COINS)
        self.model = self.stub.open_channel("a", CAPACITY, OURS)
        self.stub.start()
        self.channel_id = ldk_server_stub.name_of(self.model)

    @property
    def options(self):
        """Of walletd."""
        return [f"--lightning_url={self.stub.url}", f"--lightning_tls_cert={self.stub.certificate}",
                f"--lightning_api_key={self.stub.key_file}"]

    def end(self):
        if self.stub:
            self.stub.stop()
        self.node.stop()

    def peer_down(self):
        self.model.peer.reachable = False
        self.model.disconnect()

    def peer_up(self):
        self.model.peer.reachable = True
        self.model.connect()

    def mine(self, blocks):
        self.node.mine(blocks)

    def submissions(self):
        """Splices that were taken."""
        return self.stub.count("open")

    def asked(self):
        """… and those that were asked for, whatever came of it."""
        return len(self.stub.of("SpliceIn")) + len(self.stub.of("SpliceOut"))

    def wealth(self):
        return self.stub.wealth()


test = peer_bench.tests_of(Duo)
