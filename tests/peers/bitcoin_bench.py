"""What the tests of the Bitcoin peers share: nodes, and what stands in front of them, that end with the test."""
import bitcoin_gate
import peer_bench
import real_bitcoind
from peer_bench import check, raises, same  # noqa: F401


class World(peer_bench.Bench):
    PEER = "bitcoind"
    install = staticmethod(real_bitcoind.install)

    def started(self, *options, **more):
        """A node that may not be ready yet."""
        node = self.until_end(real_bitcoind.Bitcoind(self.place(), *options, **more))
        node.start()
        return node

    def node(self, *options, **more):
        """One that is ready, with an empty chain."""
        node = self.started(*options, **more)
        node.ready()
        return node

    def rich(self, *options, **more):
        """One whose wallet can pay."""
        node = self.node(*options, **more)
        node.prepare()
        return node

    def gate(self, port=None):
        return self.until_end(bitcoin_gate.Gate(port))


test = peer_bench.tests_of(World)
