"""All of it at once, drawn from a seed: words are lost, nodes refuse, blocks are taken back, somebody uses the relayer's key,
and walletd is killed, while directives come in.  When it is over, every directive has had its effect, once, in order."""
import contextlib
import random
import time

import evm
import evm_acts
import lab
from outbox.world import scenario

SECONDS = 20
AFTERWARDS_S = 120
CALLS = ("eth_call", "eth_getTransactionReceipt", "eth_getBlockByNumber", "eth_getLogs", "eth_sendRawTransaction")
RELEASES = ("submitted", "included", "confirmed")


def unasked(act):
    """A call that is kept from the node, in a batch whose other calls are not, still needs an answer."""
    act.answer = evm_acts.error("nobody was asked").answer
    return act


def weather(gate, rng):
    """A tenth of all calls goes wrong in one way or another."""
    acts = [unasked(evm_acts.lose_request()), unasked(evm_acts.status(503)), unasked(evm_acts.html()),
            evm_acts.lose_reply(), evm_acts.error("internal error"), evm_acts.delay(0.3)]
    rules = []
    for method in CALLS:
        for act in acts:
            rules.append(gate.at(method, act, times=None, when=lambda _: rng.random() < 0.1 / len(acts)))
    return rules


def take_back(world, rng):
    """The last block or two, with all that was in them; not the contract's."""
    depth = min(rng.randint(1, 2), world.chain.head() - 1)
    if depth > 0:
        world.chain.reorg(depth)


def use_the_key(world, walletd):
    """A transaction of the relayer that is not walletd's."""
    world.others["foreign_txs"] = world.others.get("foreign_txs", 0) + 1
    price = 100 * 10 ** 9
    world.chain.send(world.relayer, world.stranger, value=1, nonce=world.chain.count(world.relayer), maxFeePerGas=price,
                     maxPriorityFeePerGas=price)
    resume(walletd)


def resume(walletd):
    with contextlib.suppress(lab.Died):
        if walletd.alive():
            walletd.call("outbox.resume", all=True, reason="whoever it was")


def kill(walletd):
    walletd.kill()
    walletd.start()


def blow(world, rng):
    """One second of it."""
    what = rng.choice(("nothing", "nothing", "back", "back", "key", "kill", "pool"))
    if what == "back":
        take_back(world, rng)
    elif what == "key":
        # What is refused because the pool has a dearer one is one of ours, which may stay.
        with contextlib.suppress(evm.EvmError):
            use_the_key(world, world.daemons[0])
    elif what == "kill":
        kill(rng.choice(world.daemons))
    elif what == "pool":
        world.chain.drop_all()


def begin(world, rng, release_at):
    """One daemon behind a gate, or two on one database."""
    gate = world.gate()
    how = {"urls": [gate.url],
           "chain": {"batch": rng.choice((1, 5, 50)), "confirmations": rng.choice((2, 4))},
           "space": {"ordering": rng.choice(("account", "account", "none")), "release_at": release_at}}
    if rng.random() < 0.5:
        world.daemon(**how)
    else:
        how["options"] = ["--shared_state=1", "--outbox_claim_lease_s=10"]
        world.daemon(**how)
        world.daemon(**how, socket_name="other.sock")
    return gate


@scenario("a storm", runs=("1", "2", "3"), long=True)
def storm(world, seed):
    rng = random.Random(int(seed))
    release_at = rng.choice(RELEASES)
    gate = begin(world, rng, release_at)
    world.chain.block_time(1)
    rules = weather(gate, rng)
    each = 5 if release_at == "submitted" else 2  # a second; others are let go one by one
    for second in range(SECONDS):
        for i in range(each):
            rng.choice(world.daemons).append(f"w-{second * each + i}", world.users[rng.randrange(4)])
        blow(world, rng)
        until = time.monotonic() + 1
        lab.wait_until(lambda until=until: time.monotonic() > until, "a second passes", 10, 0.1)
    for rule in rules:
        gate.lift(rule)
    walletd = world.daemons[0]
    lab.wait_until(lambda: resume(walletd) or walletd.rows_by_status() == {"confirmed": SECONDS * each},
                   "all are confirmed", AFTERWARDS_S, 1)
