"""The steps of a splice at a Core Lightning node, real or scripted, by hand: as spec/splice.md 5.1.5 has them.

  steps = splice_steps.Steps(rpc, channel_id, address)     rpc: a lightning_rpc.Rpc
  steps.splice(steps.build_out(50_000))                    all of it
  psbt = steps.settle(steps.build_in(80_000), sign=True)   ... until it is final, and not committed to

Amounts are satoshi, rates sat per 1000 weight units."""
RATE = 1000
COMMON_WEIGHT = 601  # what the initiator pays for in any case
RESERVE = 2016


class Steps:
    def __init__(self, rpc, channel_id, address):
        self.ask, self.channel_id, self.address = rpc.ask, channel_id, address

    def build_out(self, amount, rate=RATE):
        """What is to be spliced out: the PSBT and the relative amount."""
        made = self.ask("addpsbtoutput", satoshi=f"{amount}sat", destination=self.address)
        fee = -(-rate * (COMMON_WEIGHT + made["estimated_added_weight"]) // 1000) + 2
        return made["psbt"], -(amount + fee)

    def build_in(self, amount, rate=RATE):
        made = self.ask("fundpsbt", satoshi=f"{amount}sat", feerate=f"{rate}perkw", startweight=640, excess_as_change=True,
                        reserve=RESERVE)
        return made["psbt"], amount

    def init_params(self, built, rate=RATE, **more):
        psbt, relative = built
        return {"channel_id": self.channel_id, "relative_amount": relative, "initialpsbt": psbt,
                "feerate_per_kw": f"{rate}perkw", **more}

    def begin(self, built, rate=RATE, **more):
        return self.ask("splice_init", **self.init_params(built, rate, **more))["psbt"]

    def update(self, psbt):
        return self.ask("splice_update", channel_id=self.channel_id, psbt=psbt)

    def fixed(self, built, rate=RATE, sign=False, **more):
        """Until the peer has added what it wants, and with our signatures when they are wanted: the PSBT whose update is
        the last one."""
        psbt = self.update(self.begin(built, rate, **more))["psbt"]
        return self.ask("signpsbt", psbt=psbt)["signed_psbt"] if sign else psbt

    def settle(self, built, rate=RATE, sign=False, **more):
        """Until it is final: the PSBT."""
        done = self.update(self.fixed(built, rate, sign, **more))
        if not done["commitments_secured"]:
            raise AssertionError("the peer had more to say")
        return done["psbt"]

    def commit(self, psbt):
        return self.ask("splice_signed", channel_id=self.channel_id, psbt=psbt)

    def splice(self, built, rate=RATE, sign=False, **more):
        return self.commit(self.settle(built, rate, sign, **more))
