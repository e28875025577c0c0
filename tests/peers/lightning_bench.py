"""What the tests of the scripted Lightning node share: a Duo of lightning_hazards.py that is scripted, upon a bitcoind."""
import os

import lightning_rpc
import lightningd_stub
import peer_bench
import real_bitcoind
import splice_steps
from lab import wait_until
from peer_bench import check, raises, same  # noqa: F401

CAPACITY, OURS = 1_000_000, 600_000
COINS = (300_000, 200_000)


class Duo:
    """stub is the node, model the channel."""

    PEER = "bitcoind"
    DEPTH = 1
    install = staticmethod(real_bitcoind.install)

    def __init__(self, folder):
        self.node = real_bitcoind.Bitcoind(os.path.join(folder, "node"))
        self.stub = None
        self.node.start()
        self.node.ready()
        self.node.prepare()
        self.stub = lightningd_stub.Stub(os.path.join(folder, "lightning"), self.node)
        self.stub.coins.fund(*COINS)
        self.model = self.stub.open_channel("a", CAPACITY, OURS)
        self.stub.start()
        self.socket, self.channel_id = self.stub.socket, self.model.id
        self.rpc = lightning_rpc.Rpc(self.socket, timeout=20)
        self.steps = splice_steps.Steps(self.rpc, self.channel_id, self.node.address())

    @property
    def options(self):
        """Of walletd."""
        return ["--lightning_rpc=" + self.socket]

    def end(self):
        if self.stub:
            self.stub.stop()
        self.node.stop()

    def channel(self):
        return self.rpc.ask("listpeerchannels", channel_id=self.channel_id)["channels"][0]

    def refused(self, code, method, **params):
        """Its words."""
        why = raises(lightning_rpc.LightningError, self.rpc.ask, method, **params)
        same(why.code, code, f"the code of {why}")
        return why.message

    def peer_down(self):
        self.model.peer.reachable = False
        self.model.disconnect()

    def peer_up(self):
        self.model.peer.reachable = True
        self.model.connect()

    def freeze(self):
        self.model.peer.frozen = True

    def thaw(self):
        self.model.peer.frozen = False

    def wait_begun(self):
        wait_until(lambda: self.stub.count("hang"), "the command to wait")

    def crash(self):
        self.stub.crash()
        self.stub.start()

    def mine(self, blocks):
        self.node.mine(blocks)

    def submissions(self):
        return self.stub.count("open")

    def wealth(self):
        return self.stub.wealth()


test = peer_bench.tests_of(Duo)
