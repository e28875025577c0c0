"""What the tests of the scripted Lightning node share: a bitcoind, and the node upon it with one channel.  It is a Duo of
lightning_hazards.py."""
import os

import lightning_rpc
import lightningd_stub
import peer_bench
import real_bitcoind
import splice_steps
from lab import wait_until
from peer_bench import check, raises, same  # noqa: F401


class World(peer_bench.Bench):
    PEER = "bitcoind"
    install = staticmethod(real_bitcoind.install)

    def __init__(self, folder):
        super().__init__(folder)
        self.node = self.until_end(real_bitcoind.Bitcoind(self.place()))
        self.node.start()
        self.node.ready()
        self.node.prepare()
        self.stub = self.until_end(lightningd_stub.Stub(os.path.join(folder, "lightning"), self.node))
        self.stub.coins.fund(300_000, 200_000)
        self.model = self.stub.open_channel("a", 1_000_000, 600_000)
        self.stub.start()
        self.rpc = lightning_rpc.Rpc(self.stub.socket, timeout=20)
        self.steps = splice_steps.Steps(self.rpc, self.model.id, self.node.address())

    def channel(self):
        return self.rpc.ask("listpeerchannels", channel_id=self.model.id)["channels"][0]

    def refused(self, code, method, **params):
        """Its words."""
        why = raises(lightning_rpc.LightningError, self.rpc.ask, method, **params)
        same(why.code, code, f"the code of {why}")
        return why.message

    # As of a Duo.

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

    def wealth(self):
        return self.stub.wealth()


test = peer_bench.tests_of(World)
