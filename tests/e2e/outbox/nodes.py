"""Nodes that are down, lose words, lie, forget, or are somebody else's: nothing is lost, nothing is sent twice, and what is
wrong is told."""
import time

import abi
import directives
import evm
import evm_acts
import lab
import real_evm
from outbox.world import check, refused, same, scenario

SEND, RECEIPT, LOGS = "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getLogs"
NONCES_USED = evm_acts.selector(abi.selector("noncesUsed(address,uint64[])"))
DOWN_S = 6


def endpoint(walletd, which=0):
    return walletd.call("directive.stats")["endpoints"][which]


def slots(walletd):
    """How many account nonces were taken."""
    return walletd.query("SELECT count(*) FROM outbox_tx")[0][0]


# --- the nonce check ---

@scenario("F7: the nonce check cannot be read: a warning, and it goes on", runs=("error", "http", "nonsense"))
def nonce_check(world, how):
    act = {"error": evm_acts.error("internal error"), "http": evm_acts.status(500), "nonsense": evm_acts.result("0x01")}[how]
    walletd, gate = world.gated(chain={"batch": 50})
    gate.at("eth_call", act, times=None, when=NONCES_USED)
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    check("level=warn module=outbox event=outbox.nonce_check_failed" in walletd.log(), "the log warns")


@scenario("F7: with nonce_check=required it waits until the check can be read")
def nonce_check_required(world):
    walletd, gate = world.gated(chain={"nonce_check": "required"})
    rule = gate.at("eth_call", evm_acts.error("internal error"), times=None, when=NONCES_USED)
    walletd.append("w-1")
    row = walletd.wait("w-1", "failed_retryable")
    check("the nonce check cannot be read" in row["last_error"], f"its error: {row['last_error']}")
    same(gate.sent(), [], "what was sent")
    gate.lift(rule)
    walletd.wait("w-1", "confirmed")


# --- away, and back ---

@scenario("F8: the node is down: nothing is counted, nothing runs hot, and all of it goes when it is back")
def down(world):
    walletd, gate = world.gated(chain={"batch": 50})
    walletd.append("before")
    walletd.wait("before", "confirmed")
    gate.down()
    ids = [f"w-{i}" for i in range(20)]
    walletd.append_all(ids, lambda i: world.users[i % 4])
    lane = walletd.wait_trouble("endpoints_down")
    same((lane["hold"], walletd.attention()["endpoints_down"]["severity"]), ("endpoints", "warning"), "what is told")
    began, ticks = time.monotonic(), walletd.cpu_ticks()
    lab.wait_until(lambda: time.monotonic() - began > DOWN_S, "some seconds pass", DOWN_S + 30, 0.5)
    used = (walletd.cpu_ticks() - ticks) / 100 / (time.monotonic() - began)
    check(used < 0.01, f"{used:.1%} of a processor while the node is down")
    same(walletd.rows_by_status(), {"confirmed": 1, "pending": 20}, "directives meanwhile: none is claimed")
    same({walletd.get(i)["attempts"] for i in ids}, {0}, "attempts")
    gate.up()
    walletd.wait_all("confirmed", ids)
    same(walletd.attention(), {}, "attention")


@scenario("the node is started again with an empty pool: what was in it is offered again", keep=True)
def empty_pool(world):
    walletd, gate = world.gated(chain={"batch": 50})
    world.chain.automine(False)
    walletd.append("w-1")
    walletd.wait("w-1", "submitted")
    lab.wait_until(lambda: world.chain.pooled(), "it is in the pool")
    gate.down()  # a node that is back before walletd has looked is noticed only when the transaction is late
    walletd.wait_trouble("endpoints_down")
    world.node.restart()  # into an empty pool, as tests/peers/test_peers.py shows
    gate.up()
    row = walletd.wait("w-1", "confirmed", within_s=20)
    same((len(row["tx"]["attempts"]), slots(walletd)), (1, 1), "attempts, and account nonces")


# --- sends: what the node does, and what it says ---

@scenario("F9: the node takes it, and its answer is lost: one transaction, one effect", runs=("reply", "request"))
def lost(world, what):
    walletd, gate = world.gated(chain={"batch": 50})
    gate.at(SEND, evm_acts.lose_reply() if what == "reply" else evm_acts.lose_request(), times=2)
    walletd.append("w-1")
    row = walletd.wait("w-1", "confirmed")
    same((len({s.hash for s in gate.sent()}), slots(walletd), len(row["tx"]["attempts"])), (1, 1, 1),
         "different transactions, account nonces, attempts")
    check(len(gate.sent()) >= (1 if what == "reply" else 3), f"{len(gate.sent())} sends")
    if what == "request":
        gate.lift(gate.rules[0])
    else:
        gate.reset()


# What a node may say to a transaction: the act, whether the bytes that are mined in the end are those of the first attempt,
# and the class that the log has.
SAYS = {
    "already known": (evm_acts.error("already known", passing_on=True), True, None),
    "imported": (evm_acts.error("transaction already imported", -32603, passing_on=True), True, None),
    "nonce too low": (evm_acts.error("nonce too low", passing_on=True), True, "nonce_low"),
    "nonce too high": (evm_acts.error("nonce too high"), True, "nonce_high"),
    "underpriced": (evm_acts.error("transaction underpriced", -32000), False, "underpriced"),
    "replacement": (evm_acts.error("replacement transaction underpriced"), False, "repl_low"),
    "no funds": (evm_acts.error("insufficient funds for gas * price + value"), True, "funds"),
    "full": (evm_acts.error("txpool is full"), True, "pool_full"),
    "html": (evm_acts.html(), True, "unknown"),
    "busy": (evm_acts.status(429, retry_after_s=1), True, "unknown"),
    "bad gateway": (evm_acts.status(502), True, "unknown"),
    "50 MB": (evm_acts.huge(), True, "unknown"),
    "50 MB unannounced": (evm_acts.huge(declared=False), True, "unknown"),
    "cut off": (evm_acts.truncate(40), True, "unknown"),
    "other ids": (evm_acts.wrong_ids(), True, "unknown"),
    "other hash": (evm_acts.result("0x" + "5a" * 32, passing_on=True), True, "other_hash"),
    "nonsense": (evm_acts.mangle(lambda body: b"\0\xff" + body), True, "unknown"),
    "reverted": (evm_acts.error("execution reverted", 3), None, "revert"),
}


@scenario("whatever a node says to a transaction, the effect is there once")
def says(world):
    walletd, gate = world.gated()
    for number, (name, (act, first, word)) in enumerate(SAYS.items()):
        rule = gate.at(SEND, act)
        mark = len(walletd.log())
        walletd.append(name)
        row = walletd.wait(name, "confirmed")
        same(row["tx"]["account_nonce"], number, f"{name}: its account nonce")
        attempts = row["tx"]["attempts"]
        if first is not None:
            same((row["tx_hash"] == attempts[0]["hash"], len(attempts) == 1), (first, first),
                 f"{name}: the first attempt was mined, and was the only one")
        if word:
            check(f"class={word} " in walletd.log()[mark:], f"{name}: the log has the class {word}")
        same(rule.fired, 1, f"{name}: times that it was said")
    same(len(world.contract.executed()), len(SAYS), "effects")
    same(walletd.attention(), {}, "attention")


@scenario("an answer drips in, a byte at a time: the daemon goes on answering, and the send is taken up again", long=True)
def drip(world):
    walletd, gate = world.gated()
    gate.at(SEND, evm_acts.drip(1))
    gate.at(RECEIPT, evm_acts.drip(1))
    walletd.append("w-1")
    walletd.append("w-2", world.users[1])
    slowest = 0
    while walletd.rows_by_status() != {"confirmed": 2}:
        began = time.monotonic()
        walletd.call("status")
        slowest = max(slowest, time.monotonic() - began)
        check(walletd.process.poll() is None, "the daemon is there")
        lab.wait_until(lambda began=began: time.monotonic() - began > 0.5, "half a second passes", 30, 0.5)
    check(slowest < 2, f"an answer of the daemon took {slowest:.1f} s")


@scenario("receipts that come and go, and some that make no sense", node=("--block-time", "1"))
def flicker(world):
    walletd, gate = world.gated(chain={"confirmations": 8})
    gate.at(RECEIPT, evm_acts.error("internal error"))
    gate.at(RECEIPT, evm_acts.edit(lambda r: {**r, "transactionHash": "0x" + "11" * 32} if r else r))
    gate.at(RECEIPT, evm_acts.edit(lambda r: {**r, "blockNumber": "0xffffffffffffffffff"} if r else "much"))
    turns = iter((False, True, False))
    gate.at(RECEIPT, evm_acts.edit(lambda r: r if r and next(turns, True) else None), times=None)
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    same(walletd.story("w-1"), ["accepted", "submitted", "included", "reorged", "included", "confirmed"], "the feed")
    same((len({s.hash for s in gate.sent()}), len(world.contract.executed())), (1, 1), "transactions, effects")


@scenario("a server that takes no batches is asked call by call")
def no_batches(world):
    walletd, gate = world.gated(chain={"batch": 50})
    gate.at("a batch", evm_acts.refuse_batch(), times=None)
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    check("event=endpoint.no_batches" in walletd.log(), "the log tells")


# --- evidence that is hard to get ---

def taken_by_another(world, walletd):
    """A directive whose nonce somebody used, forty blocks ago."""
    walletd.call("outbox.pause", space_id=1, reason="a test")
    walletd.append("w-1")
    world.use_nonce(walletd.nonce_of("w-1"))
    world.chain.mine(40)
    walletd.call("outbox.resume", space_id=1, reason="the test goes on")
    return walletd.wait("w-1", "manual_reconciliation")


@scenario("logs are given in small pieces only: the search goes on in smaller ones")
def small_ranges(world):
    walletd, gate = world.gated()
    gate.at(LOGS, evm_acts.ranges_up_to(3), times=None)
    check("another directive was executed with it" in taken_by_another(world, walletd)["last_error"], "the evidence is found")


@scenario("logs that are not to be had: a person is asked, and the evidence is there when the logs are")
def no_logs(world):
    walletd, gate = world.gated()
    rule = gate.at(LOGS, evm_acts.error("missing trie node: historical state is not available"), times=None)
    row = taken_by_another(world, walletd)
    check("evidence unavailable" in row["last_error"], f"its error: {row['last_error']}")
    check(row["recheck_at_ms"] is not None, "it is looked at again by itself")
    same(walletd.resolve("w-1", "recheck", dry_run=True)["evidence"]["verdict"], "unavailable", "the evidence")
    for action in ("resubmit", "abandon", "done"):
        # Abandoning what was never signed needs no evidence.
        if action != "abandon":
            refused("no_evidence", walletd.resolve, "w-1", action)
    gate.lift(rule)
    same(walletd.resolve("w-1", "recheck")["evidence"]["verdict"], "foreign", "the evidence, with the logs")
    walletd.resolve("w-1", "resubmit")
    walletd.wait("w-1", "confirmed")


@scenario("T19: our own effect, which the node would not show at first, is found when somebody looks again")
def shown_later(world):
    walletd, gate = world.gated()
    world.chain.automine(False)
    walletd.append("w-1")
    walletd.wait("w-1", "submitted")
    walletd.kill()
    walletd.change("UPDATE directive_outbox SET delivery_status = 0, wake_at_ms = 0, tx_id = NULL, version = version + 1"
                   " WHERE directive_id = 'w-1'")
    world.chain.mine()
    world.chain.automine(True)
    rules = [gate.at(LOGS, evm_acts.error("pruned"), times=None), gate.at(RECEIPT, evm_acts.result(None), times=None)]
    walletd.start()
    walletd.wait("w-1", "manual_reconciliation")
    for rule in rules:
        gate.lift(rule)
    again = walletd.resolve("w-1", "recheck")
    same((again["changed"], again["delivery_status"]), (True, "confirmed"), "recheck")
    same(walletd.story("w-1")[-1], "confirmed", "the feed")


# --- several nodes ---

@scenario("the first node dies: the second goes on; the first is asked again when it is back", long=True)
def failover(world):
    first, second = world.gate(), world.gate()
    walletd = world.daemon(urls=[first.url, second.url], chain={"batch": 50})
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    same(second.count(SEND), 0, "sends to the second")
    first.down()
    walletd.append_all([f"d-{i}" for i in range(10)], lambda i: world.users[i % 3])
    walletd.wait_all("confirmed", [f"d-{i}" for i in range(10)])
    check(second.count(SEND) >= 1, "sends to the second")
    lab.wait_until(lambda: endpoint(walletd)["state"] == "open", "the first is left alone")
    same(walletd.attention(), {}, "attention: one is enough")
    before = first.count()
    first.up()
    walletd.append("w-2")
    walletd.wait("w-2", "confirmed")
    lab.wait_until(lambda: endpoint(walletd)["state"] == "ready", "the first is fit again", 100)
    check(first.count() != before, "the first is asked again")


@scenario("the first node stays behind: the second is asked, which knows better", node=("--block-time", "1"), long=True)
def lagging(world):
    first, second = world.gate(), world.gate()
    walletd = world.daemon(urls=[first.url, second.url], chain={"batch": 50, "confirmations": 2})
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    first.freeze()
    world.chain.mine(10)
    walletd.append("w-2")
    lab.wait_until(lambda: endpoint(walletd)["state"] == "lags", "the first is found to lag", 60)
    walletd.wait("w-2", "confirmed")
    first.thaw()
    lab.wait_until(lambda: endpoint(walletd)["state"] == "ready", "the first is fit again", 60)


@scenario("one of the nodes is of another chain: nothing is asked of it, and nothing sent to it")
def one_is_wrong(world):
    other = world.new_node("other", chain_id=5)
    wrong, right = world.gate(other), world.gate()
    walletd = world.daemon(urls=[wrong.url, right.url], chain={"batch": 50})
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    same(set(wrong.count()) - {"any request", "a batch"}, {"eth_chainId"}, "what the wrong one was asked")
    same(endpoint(walletd)["state"], "wrong_chain", "the state of the wrong one")


@scenario("F24: the node is of another chain: nothing is signed or sent; it goes on when the node is the right one",
          long=True)
def wrong_chain(world):
    other = world.new_node("other", chain_id=5)
    gate = world.gate(other)
    walletd = world.daemon(urls=[gate.url])
    walletd.append("w-1")
    lane = walletd.wait_trouble("wrong_chain")
    check("evm_chain" in lane["next"], f"next: {lane['next']}")
    same(walletd.attention()["wrong_chain"]["severity"], "critical", "attention")
    same((walletd.status_of("w-1"), walletd.query("SELECT count(*) FROM directive_signature")), ("pending", [(0,)]),
         "the directive, and signatures")
    gate.node_port = world.node.port
    walletd.wait("w-1", "confirmed", within_s=120)


@scenario("F24: the contract is not there yet: nothing is signed; it goes on when it is", deployed=False)
def not_deployed(world):
    walletd, gate = world.gated()
    walletd.append("w-1")
    space = walletd.wait_trouble("wrong_contract", of="space")
    check("no contract at this address" in space["what"], f"what: {space['what']}")
    same((walletd.attention()["wrong_contract"]["severity"], gate.sent()), ("critical", []), "attention, sends")
    world.deploy()
    walletd.wait("w-1", "confirmed")


@scenario("F24: the contract has another domain: nothing is signed for it")
def other_domain(world):
    walletd, gate = world.gated(start=False)
    gate.at("eth_call", evm_acts.result("0x" + "11" * 32), when=evm_acts.selector(abi.selector("domainSeparator()")))
    walletd.start()
    walletd.append("w-1")
    space = walletd.wait_trouble("wrong_contract", of="space")
    check("domain separator" in space["what"], f"what: {space['what']}")
    same(walletd.query("SELECT count(*) FROM directive_signature"), [(0,)], "signatures")
    walletd.wait("w-1", "confirmed")


@scenario("the contract does not know the signer: the space stops, and goes on when an operator says so",
          deployed=False, runs=("single", "batch"))
def not_authorised(world, mode):
    world.deploy(world.stranger)
    walletd, gate = world.gated(chain={"batch": 1 if mode == "single" else 50})
    walletd.append("w-1")
    space = walletd.wait_trouble("space_paused", of="space")
    same(space["pause_reason"], "signer_not_authorised", "why it is paused")
    check("authorise the signer" in space["next"] and "outbox.resume with space_id=1" in space["next"], space["next"])
    same((walletd.attention()["space_paused"]["severity"], gate.sent()), ("critical", []), "attention, sends")
    same((walletd.get("w-1")["delivery_status"], walletd.get("w-1")["attempts"]), ("pending", 0), "nobody's attempt")
    world.contract.set_signer(world.signer, True)
    walletd.call("outbox.resume", space_id=1, reason="the contract knows it now")
    walletd.wait("w-1", "confirmed")


@scenario("two chains: each directive goes to its own")
def two_chains(world):
    other = world.new_node("other", chain_id=5)
    contract = directives.Verifier.deploy(other.chain, world.signer)
    walletd = world.daemon(options=[
        f"--evm_chain=5 rpc={other.url} confirmations=1 block_time_ms=500 batch=10 relayer=file:relayer",
        f"--outbox_space=5 contract={directives.ADDRESS} signer=file:signer"])
    refused("invalid_params", walletd.append, "w-1", field="signer")
    for i in range(5):
        walletd.append(f"here-{i}", chain_id=real_evm.CHAIN_ID)
        walletd.append(f"there-{i}", chain_id="5")
    walletd.wait_all("confirmed", [f"{where}-{i}" for where in ("here", "there") for i in range(5)])
    same((len(world.contract.executed()), len(contract.executed())), (5, 5), "effects")
    same({e.digest for e in world.contract.executed()} & {e.digest for e in contract.executed()}, set(), "common digests")
    same({evm.text(directives.id_hash(f"there-{i}")) for i in range(5)}, {evm.text(e.id_hash) for e in contract.executed()},
         "what the other chain has executed")
