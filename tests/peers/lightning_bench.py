"""What the tests of the scripted Lightning node share: a bitcoind, the node upon it with one channel, and the steps of a
splice as walletd does them, by hand."""
import os
import threading

import lightning_rpc
import lightningd_stub
import peer_bench
import real_bitcoind
from peer_bench import check, raises, same  # noqa: F401

RATE = 1000
COMMON_WEIGHT = 601  # what the initiator pays for in any case (spec/splice.md 5.1.5)


class World(peer_bench.Bench):
    PEER = "bitcoind"
    install = staticmethod(real_bitcoind.install)

    def __init__(self, folder):
        super().__init__(folder)
        self.node = self.until_end(real_bitcoind.Bitcoind(self.place()))
        self.node.start()
        self.node.ready()
        self.node.prepare()
        self.stub = lightningd_stub.Stub(os.path.join(folder, "lightning"), self.node)
        self.stub.coins.fund(300_000, 200_000)
        self.channel = self.stub.open_channel("a", 1_000_000, 600_000)
        self.ends.append(self.stub.stop)
        self.stub.start()
        self.rpc = lightning_rpc.Rpc(self.stub.socket, timeout=20)
        self.ask = self.rpc.ask

    def refused(self, code, method, **params):
        """Its words."""
        why = raises(lightning_rpc.LightningError, self.ask, method, **params)
        same(why.code, code, f"the code of {why}")
        return why.message

    def in_background(self, method, **params):
        """A call whose outcome is looked at later: a list that gets it, and its thread."""
        outcome = []

        def run():
            try:
                outcome.append(self.ask(method, **params))
            except (lightning_rpc.LightningError, OSError, EOFError) as why:
                outcome.append(why)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return outcome, thread

    def state(self):
        return self.ask("listpeerchannels", channel_id=self.channel.id)["channels"][0]

    # The steps.

    def build_out(self, amount, rate=RATE, address=None):
        """What is to be spliced out: the PSBT and the relative amount."""
        made = self.ask("addpsbtoutput", satoshi=f"{amount}sat", destination=address or self.node.address())
        fee = -(-rate * (COMMON_WEIGHT + made["estimated_added_weight"]) // 1000) + 2
        return made["psbt"], -(amount + fee)

    def build_in(self, amount, rate=RATE):
        made = self.ask("fundpsbt", satoshi=f"{amount}sat", feerate=f"{rate}perkw", startweight=640, excess_as_change=True,
                        reserve=2016)
        return made["psbt"], amount

    def begin(self, built, rate=RATE, **more):
        psbt, relative = built
        return self.ask("splice_init", channel_id=self.channel.id, relative_amount=relative, initialpsbt=psbt,
                        feerate_per_kw=f"{rate}perkw", **more)["psbt"]

    def update(self, psbt):
        return self.ask("splice_update", channel_id=self.channel.id, psbt=psbt)

    def settle(self, built, rate=RATE, sign=False):
        """Until it is final: the PSBT."""
        second = self.update(self.begin(built, rate))
        same(second["commitments_secured"], False, "after one update")
        psbt = self.ask("signpsbt", psbt=second["psbt"])["signed_psbt"] if sign else second["psbt"]
        third = self.update(psbt)
        same((third["commitments_secured"], third["signatures_secured"]), (True, True), "after two")
        return third["psbt"]

    def commit(self, psbt):
        return self.ask("splice_signed", channel_id=self.channel.id, psbt=psbt)

    def splice(self, built, rate=RATE, sign=False):
        return self.commit(self.settle(built, rate, sign))


test = peer_bench.tests_of(World)
