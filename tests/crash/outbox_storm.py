"""A storm: a daemon with work for several accounts over two lanes is killed again and again, at a failpoint or a moment that
chance chooses, while the node fails in ways that chance chooses, too.  A storm is known by its seed, which decides all of
this; what the clock decides is different each time."""
import random
import signal
import threading
import time

import evm
import evm_acts
import lab
from evm_gate import ANY, SEND
from outbox_world import Scene, check

KILLS = 25
ANY_POINT = "*"
PASSES = 90      # of any point, within which a life is to end
SHORT_S = 0.7    # a life that is ended at some moment
LONG_S = 1.5     # one that was to end at a failpoint, and did not come by
AT_ONCE = 100    # calls of a batch
REORG_MAX = 2
ASKED = (SEND, SEND, "eth_call", "eth_getTransactionReceipt", "eth_feeHistory", ANY)
ANSWERS = ("txpool is full", "nonce too low", "insufficient funds for gas * price + value", "already known",
           "intrinsic gas too low", "replacement transaction underpriced", "the node is on holiday")


class Storm(Scene):
    chain_words = {"lanes": 2, "confirmations": 2, "slots": 4}
    count = 0  # grows with each life

    def __init__(self, worker, datadir, seed, points):
        self.chance, self.points = random.Random(seed), points
        self.chain_words = {**self.chain_words, "batch": self.chance.choice((1, 3, 8))}
        self.space_words = {"ordering": self.chance.choice(("account", "account", "signer", "none")),
                            "release_at": self.chance.choice(("submitted", "submitted", "included"))}
        # A reorganisation that undoes somebody else's transaction leaves a hole that is not ours to fill: not both.
        self.shaky = self.chance.random() < 0.6
        self.others = {"foreign_txs": 0}
        super().__init__(worker, datadir)

    def account(self, n):
        return "0x" + f"{n * 7 % 5 + 1:02x}" * 20

    def prepare(self):
        self.chain.mine(REORG_MAX + 1)

    def play(self):
        """All of it; returns how often it was killed."""
        for _ in range(KILLS):
            self.life()
        for rule in list(self.gate.rules):
            self.gate.lift(rule)
        self.chain.automine(True)
        self.wallet.start()
        self.offer_those(range(self.count))
        self.rest(self.clear_up)
        return KILLS

    def clear_up(self):
        self.chain.mine()
        self.resume()

    def resume(self):
        """A lane whose account somebody else uses is stopped the second time."""
        if self.others["foreign_txs"] > 1:
            self.wallet.call("outbox.resume", all=True, reason="it was the storm")

    def offer_those(self, numbers):
        for at in range(0, len(numbers), AT_ONCE):
            some = numbers[at:at + AT_ONCE]
            answers = self.wallet.call_all([("directive.append", self.directive(n)) for n in some])
            for n, answer in zip(some, answers):
                self.answered(f"d-{n}", answer)

    def life(self):
        """It ends by SIGKILL, one way or the other."""
        old = self.count
        self.count += self.chance.randrange(1, 6)
        unanswered = [n for n in range(self.count) if f"d-{n}" not in self.given]
        again = self.chance.sample(range(old), min(old, 2))
        env, moment_s = self.fate()
        self.trouble()
        weather = self.weather()
        strike = threading.Timer(moment_s, self.strike)
        self.wallet.launch(**env)
        strike.start()
        try:
            self.wallet.ready()
            self.offer_those(unanswered + [n for n in again if n not in unanswered])
            self.resume()
            for step in weather:
                step()
            self.wallet.ended()
        except lab.Died:
            pass
        except evm.EvmError:
            pass  # bad weather is more than the node itself can always do
        strike.join()
        code = self.wallet.ended()
        check(code == -signal.SIGKILL, f"walletd ended with {code}")

    def strike(self):
        if self.wallet.alive():
            self.wallet.kill()

    def fate(self):
        """(environment, after how many seconds)"""
        kind, moment = self.chance.random(), self.chance.random()
        if kind < 0.2:
            return {}, moment * SHORT_S
        point = ANY_POINT if kind < 0.6 else self.chance.choice(self.points)
        nth = 1 + int(moment * (PASSES if point == ANY_POINT else 6))
        return {"WALLETD_FAILPOINTS": f"{point}:crash:{nth}"}, LONG_S

    def trouble(self):
        """What the node, or the way to it, will do wrong."""
        for _ in range(self.chance.randrange(3)):
            nth = self.chance.randrange(1, 4)
            if self.chance.random() < 0.5:
                answer = evm_acts.error(self.chance.choice(ANSWERS), passing_on=self.chance.random() < 0.5)
                self.gate.at(SEND, answer, nth)
            else:
                act = self.chance.choice((evm_acts.lose_reply(), evm_acts.lose_request(), evm_acts.status(503),
                                          evm_acts.html(), evm_acts.truncate(20), evm_acts.delay(0.3)))
                self.gate.at(self.chance.choice(ASKED), act, nth)

    def weather(self):
        """What happens to the chain meanwhile: a list of things to do."""
        mines = self.chance.random() < 0.7
        steps = [lambda: self.chain.automine(mines)]
        for _ in range(self.chance.randrange(3)):
            pause_s = self.chance.random() * 0.2
            steps.append(lambda s=pause_s: time.sleep(s))
            kind = self.chance.random()
            if kind < 0.4:
                steps.append(self.chain.mine)
            elif self.shaky and kind < 0.7:
                steps.append(lambda d=self.chance.randint(1, REORG_MAX): self.chain.reorg_between_blocks(d, mines))
            elif self.shaky:
                steps.append(self.chain.drop_all)
            elif kind < 0.6:
                steps.append(lambda r=self.chance.choice(self.relayers): self.use(r))
        return steps

    def use(self, relayer):
        """Somebody else has the relayer's key."""
        self.chain.send_as(relayer, relayer)
        self.others["foreign_txs"] += 1
