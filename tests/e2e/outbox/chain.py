"""What a chain does: it takes back what it gave, asks for more, and somebody else has the relayer's key, too."""
import threading

import abi
import evm
import evm_acts
import lab
import rlp
from outbox.world import GWEI, ORDER, check, order, same, scenario

PATIENCE_S = 30
ONCE = ["accepted", "submitted", "included"]


# --- reorganisations ---

@scenario("F12: the block is gone, and the transaction with it: it is sent again", runs=("single", "batch"))
def reorg_drops(world, mode):
    walletd = world.daemon(chain={"batch": 1 if mode == "single" else 50, "confirmations": 3})
    walletd.append("w-1")
    first = walletd.wait("w-1", "included")
    world.chain.automine(False)
    world.chain.reorg(1)
    row = walletd.wait("w-1", "submitted")
    same((row["effect"], row["tx"]["state"], row["domain_status"]), (None, "broadcast", "pending_chain_effect"),
         "the directive without its block")
    lab.wait_until(lambda: world.chain.pooled(), "it is offered to the pool again")
    world.chain.mine()
    again = walletd.wait("w-1", "included")
    same(again["tx_hash"], first["tx_hash"], "the transaction: the same bytes")
    check(again["effect"]["confirmations"] < 3, "not deep enough yet")
    world.chain.mine(2)
    walletd.wait("w-1", "confirmed")
    same(walletd.story("w-1"), [*ONCE, "reorged", "included", "confirmed"], "the feed")
    same(dict(walletd.told("w-1"))["reorged"]["tx_hash"], first["tx_hash"], "the transaction that was gone")
    same(len(world.contract.executed()), 1, "effects")


@scenario("F12: the transaction is in another block than before, and nothing is sent")
def reorg_moves(world):
    walletd, gate = world.gated(chain={"confirmations": 4})
    walletd.append("w-1")
    block = walletd.wait("w-1", "included")["effect"]["block"]
    world.chain.mine()
    sent = len(gate.sent())
    (raw,) = walletd.raw_of("w-1")
    world.chain.reorg(2, [(raw, 1)])
    lab.wait_until(lambda: (walletd.get("w-1")["effect"] or {}).get("block") == block + 1, "the new block is noticed")
    same(walletd.story("w-1")[len(ONCE):], ["reorged", "included"], "the feed")
    world.chain.mine(3)
    walletd.wait("w-1", "confirmed")
    same(len(gate.sent()), sent, "transactions that were sent")


@scenario("F13: a block is gone that was final: an alarm, and the way from the beginning")
def reorg_deep(world):
    walletd = world.daemon(chain={"confirmations": 2})
    walletd.append("w-1")
    walletd.append("w-2", world.users[1])
    lab.wait_until(lambda: len(world.contract.executed()) == 2, "both are mined")
    world.chain.mine()
    walletd.wait_all("confirmed", ["w-1", "w-2"])
    world.chain.automine(False)
    world.chain.reorg(world.chain.head() - evm.number(world.chain.receipt(walletd.get("w-1")["tx_hash"])["blockNumber"]) + 1)
    walletd.wait_all("submitted", ["w-1", "w-2"])
    row = walletd.get("w-1")
    same((row["domain_status"], row["finished_at_ms"]), ("pending_chain_effect", None), "the directive")
    same(walletd.metric("walletd_evm_deep_reorg_total"), 2, "effects that vanished")
    check("level=error module=outbox event=directive.deep_reorg" in walletd.log(), "the log has an error")
    same(len(world.contract.executed()), 0, "effects meanwhile")
    lab.wait_until(lambda: len(world.chain.pooled().get(world.relayer, {})) == 2, "both are offered again")
    world.chain.mine(2)
    walletd.wait_all("confirmed", ["w-1", "w-2"])
    same(walletd.story("w-1"), [*ONCE, "confirmed", "reorged", "included", "confirmed"], "the feed")


@scenario("confirmations=finalized: it is done when the chain says so", node=("--slots-in-an-epoch", "4"))
def finalized(world):
    walletd = world.daemon(chain={"confirmations": "finalized"})
    walletd.append("w-1")
    block = walletd.wait("w-1", "included")["effect"]["block"]
    world.chain.mine(3)
    lab.wait_until(lambda: walletd.get("w-1")["effect"]["confirmations"] == 4, "the new head is noticed")
    check(evm.number(world.chain.block("finalized")["number"]) < block, "the chain has not finalized it")
    same(walletd.status_of("w-1"), "included", "a directive that is not final")
    world.chain.mine(20)
    check(evm.number(world.chain.block("finalized")["number"]) >= block, "the chain has finalized it")
    walletd.wait("w-1", "confirmed")


# --- others with the relayer's key ---

def overtake(world, walletd, directive_id):
    """Somebody spends the account nonce of its transaction."""
    nonce = walletd.wait(directive_id, "submitted")["tx"]["account_nonce"]
    price = 500 * GWEI
    world.mined(world.chain.send(world.relayer, world.stranger, value=1, nonce=nonce, maxFeePerGas=price,
                                 maxPriorityFeePerGas=price))
    world.others["foreign_txs"] = world.others.get("foreign_txs", 0) + 1


@scenario("F11: a foreign transaction has our account nonce: the directives go out on another one")
def foreign(world):
    walletd = world.daemon(chain={"batch": 50})
    world.chain.automine(False)
    walletd.append("w-1")
    overtake(world, walletd, "w-1")
    world.chain.block_time(1)
    row = walletd.wait("w-1", "confirmed")
    same((row["tx"]["account_nonce"], row["reason_class"]), (1, None), "its new slot")
    same(walletd.story("w-1"), ["accepted", "submitted", "submitted", "included", "confirmed"], "the feed")
    same(walletd.metric("walletd_relayer_nonce_anomaly_total", lane="1", kind="foreign"), 1, "the anomaly is counted")
    check("event=outbox.slot_lost" in walletd.log(), "the log has an error")
    same(walletd.lane()["paused"], False, "the lane after the first time")
    # Twice within a day is no accident.
    world.chain.block_time(0)
    walletd.append("w-2")
    overtake(world, walletd, "w-2")
    world.chain.block_time(1)
    lane = walletd.wait_trouble("lane_paused")
    same(lane["pause_reason"], "foreign_transactions", "why it is paused")
    check("who else uses the relayer's key" in lane["next"] and "outbox.resume" in lane["next"], f"next: {lane['next']}")
    same(walletd.attention()["lane_paused"]["severity"], "critical", "attention")
    walletd.append("w-3")
    walletd.call("outbox.resume", lane=1, reason="it was me")
    walletd.wait_all("confirmed", ["w-2", "w-3"])
    same([e["subject"] for e in walletd.events("outbox.nonce_anomaly")], ["lane:1", "lane:1"], "events")


@scenario("transactions of the relayer that we did not make: the count of the chain is taken over")
def foreign_idle(world):
    walletd = world.daemon()
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    for _ in range(3):
        world.mined(world.chain.send(world.relayer, world.stranger, value=1))
    world.others["foreign_txs"] = 3
    world.chain.block_time(1)
    walletd.append("w-2")
    same(walletd.wait("w-2", "confirmed")["tx"]["account_nonce"], 4, "its account nonce")
    same(walletd.metric("walletd_relayer_nonce_anomaly_total", kind="foreign"), 1, "the anomaly is counted")


@scenario("a foreign transaction took an account nonce, and is gone with its block: the hole is filled, and nothing jams",
          runs=("between our slots", "under our slot"), long=True)
def foreign_gone(world, where):
    walletd = world.daemon(chain={"confirmations": 2, "slots": 1})
    walletd.append("w-1")
    lab.wait_until(lambda: len(world.contract.executed()) == 1, "it is mined")
    world.chain.mine()
    walletd.wait("w-1", "confirmed")
    world.chain.automine(False)
    before = world.chain.head()
    if where == "between our slots":
        world.mined(world.chain.send(world.relayer, world.stranger, value=1))
        walletd.again()
        walletd.append("w-2")
    else:
        walletd.append("w-2")
        overtake(world, walletd, "w-2")

    def on_the_next_nonce():
        world.chain.mine()
        return (walletd.get("w-2")["tx"] or {}).get("account_nonce") == 2
    lab.wait_until(on_the_next_nonce, "it goes out on the nonce behind", every_s=0.5)
    walletd.append("w-3")  # must not be mined before w-2, though it could have the hole
    world.chain.reorg(world.chain.head() - before)
    world.others["foreign_txs"] = 0
    world.chain.block_time(1)
    walletd.wait_all("confirmed", ["w-2", "w-3"])
    same([walletd.get(i)["tx"]["account_nonce"] for i in ("w-2", "w-3")], [2, 3], "account nonces")
    same(walletd.query("SELECT purpose FROM outbox_tx WHERE tx_nonce = 1"), [(1,)], "what is in the hole: a no-op")
    check("event=outbox.hole_mended" in walletd.log(), "the log tells")


@scenario("a fresh relayer with transactions in the pool: nothing is begun before they are mined")
def pool_pending(world):
    world.chain.automine(False)
    world.chain.send(world.relayer, world.stranger, value=1)
    world.others["foreign_txs"] = 1
    walletd = world.daemon()
    walletd.append("w-1")
    lane = walletd.wait_trouble("pool_pending")
    check("wait until they are mined" in lane["next"], f"next: {lane['next']}")
    world.chain.automine(True)
    world.chain.mine()
    same(walletd.wait("w-1", "confirmed")["tx"]["account_nonce"], 1, "its account nonce")


# --- what it costs ---

def spike(world, gwei):
    """The base fee of the next block, which is made at once."""
    world.chain.next_base_fee(gwei * GWEI)
    world.chain.mine()


def fees(raw):
    tx = rlp.transaction(evm.raw(raw))
    return tx.max_fee, tx.max_priority_fee


@scenario("F14: the base fee jumps over what we bid: a dearer transaction takes its place", long=True)
def replaced(world):
    walletd = world.daemon(chain={"batch": 50})
    world.chain.automine(False)
    walletd.append("w-1")
    walletd.append("w-2", world.users[1])
    walletd.wait_all("submitted", ["w-1", "w-2"])
    spike(world, 50)
    same(walletd.status_of("w-1"), "submitted", "what waits in the pool is too cheap")
    lab.wait_until(lambda: "replaced" in walletd.story("w-1"), "it is replaced", PATIENCE_S + 30)
    old, new = (fees(raw) for raw in walletd.raw_of("w-1"))
    check(new[0] * 10 >= old[0] * 11 and new[1] * 10 >= old[1] * 11, f"{new} outbids {old} by a tenth, both")
    check(new[0] >= 50 * GWEI, f"{new} is enough for the next block")
    lab.wait_until(lambda: world.chain.count(world.relayer, "pending") >= 1, "the node has it")
    world.chain.block_time(1)
    walletd.wait_all("confirmed", ["w-1", "w-2"])
    row = walletd.get("w-1")
    same(len(row["tx"]["attempts"]), 2, "attempts")
    same(row["tx_hash"], row["tx"]["attempts"][1]["hash"], "the one that was mined")
    same(walletd.story("w-1"), ["accepted", "submitted", "replaced", "included", "confirmed"], "the feed")
    same(walletd.metric("walletd_relayer_replacements_total"), walletd.query("SELECT count(*) FROM outbox_tx_attempt"
                                                                            " WHERE attempt > 0")[0][0], "replacements")


@scenario("F14: at the cap nothing is replaced, and it goes on when the spike is over", long=True)
def at_cap(world):
    walletd = world.daemon(chain={"max_fee_gwei": 2, "max_tip_gwei": 1})
    world.chain.automine(False)
    walletd.append("w-1")
    walletd.wait("w-1", "submitted")
    spike(world, 50)
    lab.wait_until(lambda: walletd.lane()["quote"]["over_cap"], "the new base fee is noticed")
    walletd.append("w-2")
    lane = walletd.wait_trouble("fee_cap")
    check("raise the fee caps" in lane["next"], f"next: {lane['next']}")
    same((lane["lowest"]["underpriced"], lane["lowest"]["at_cap"], lane["quote"]["over_cap"]), (True, True, True),
         "what the doctor sees")
    lab.wait_until(lambda: "event=outbox.not_replaced" in walletd.log(), "no replacement is allowed", PATIENCE_S + 30)
    same(len(walletd.raw_of("w-1")), 1, "attempts")
    spike(world, 1)
    world.chain.block_time(1)
    walletd.wait_all("confirmed", ["w-1", "w-2"])
    same(walletd.metric("walletd_relayer_replacements_total"), 0, "replacements")


@scenario("a transaction that would cost more than one may: it waits, is told, and goes when the cap is raised")
def cap_of_one(world):
    walletd = world.daemon(chain={"max_tx_fee_gwei": 1000})
    walletd.append("w-1")
    lane = walletd.wait_trouble("fee_cap")
    check("max_tx_fee_gwei" in lane["what"], f"what: {lane['what']}")
    same(walletd.attention()["fee_cap"]["severity"], "warning", "attention")
    row = walletd.get("w-1")
    same((row["delivery_status"], row["attempts"]), ("pending", 0), "the directive: nobody's attempt")
    check(walletd.metric("walletd_directive_outbox_attempts_total", result="fee_cap") >= 1, "it is counted")
    same(walletd.stop(), 0, "exit code")
    world.daemon(chain={"max_tx_fee_gwei": 10 ** 9}).wait("w-1", "confirmed")


@scenario("what a day may cost is used up: the next waits until what was reserved is known to be less")
def cap_of_a_day(world):
    walletd = world.daemon(chain={"max_tx_fee_gwei": 450_000, "max_day_fee_gwei": 450_000})
    world.chain.automine(False)
    walletd.append("w-1")
    walletd.wait("w-1", "submitted")
    walletd.append("w-2")
    lane = walletd.wait_trouble("day_cap")
    check("max_day_fee_gwei" in lane["what"] and "max_day_fee_gwei" in lane["next"], f"{lane['what']} {lane['next']}")
    same(walletd.get("w-2")["attempts"], 0, "attempts")
    world.chain.automine(True)
    world.chain.mine()
    walletd.wait("w-1", "confirmed")
    walletd.again()
    walletd.wait("w-2", "confirmed")


@scenario("a relayer without gas: it is told whom to send how much, and goes on when it has come")
def no_funds(world):
    world.chain.fund(world.relayer, 12345)
    walletd = world.daemon()
    walletd.append("w-1")
    lane = walletd.wait_trouble("no_funds")
    check(lane["next"].lower().startswith(f"send ether to {world.relayer} on chain 31337"), f"next: {lane['next']}")
    check("has 12345 wei" in lane["what"], f"what: {lane['what']}")
    same((lane["hold"], lane["balance_wei"]), ("no_funds", "12345"), "the lane")
    same(walletd.attention()["no_funds"]["severity"], "critical", "attention")
    same(walletd.metric("walletd_relayer_balance_wei", lane="1"), 12345, "the balance, as the metric has it")
    row = walletd.get("w-1")
    same((row["delivery_status"], row["attempts"]), ("pending", 0), "the directive: nobody's attempt")
    world.chain.fund(world.relayer)
    walletd.wait("w-1", "confirmed")
    same(walletd.attention(), {}, "attention")


# --- slots that are refused ---

def of_nonce(nonce):
    """For when=: the raw transaction of this account nonce."""
    return lambda call: rlp.transaction(evm.raw(call.params[0])).nonce == nonce


@scenario("F10: a transaction is refused for good: its slot is filled anew, and there is no gap")
def refilled(world):
    walletd, gate = world.gated(chain={"batch": 50})
    gate.at("eth_sendRawTransaction", evm_acts.error("intrinsic gas too low"))
    walletd.append("w-1")
    row = walletd.wait("w-1", "confirmed")
    same((row["tx"]["account_nonce"], row["tx"]["fill"], len(row["tx"]["attempts"])), (0, 1, 2), "its slot")
    same(walletd.story("w-1"), ["accepted", "submitted", "submitted", "included", "confirmed"], "the feed")
    same(world.chain.count(world.relayer), 1, "transactions of the relayer")


@scenario("F10: nobody is left to fill the slot, and others wait behind it: a transfer of nothing goes there")
def filler(world):
    world.contract.set_action(ORDER, False)
    walletd, gate = world.gated(space={"ordering": "none"})
    # The node's dry run is wrong once, and the node refuses what was made of it.
    wanted = evm_acts.selector(abi.selector("executeDirective((bytes32,address,string,uint64,bytes),bytes)"))
    gate.at("eth_call", evm_acts.result("0x"), when=wanted)
    gate.at("eth_estimateGas", evm_acts.result(hex(200_000)), when=wanted)
    no, go = evm_acts.error("intrinsic gas too low"), threading.Event()
    no.first = lambda _: go.wait(lab.START_S)
    gate.at("eth_sendRawTransaction", no, when=of_nonce(0))
    walletd.append("refused", action=ORDER, payload=order())
    walletd.wait("refused", "submitted")
    walletd.append("behind")
    lab.wait_until(lambda: 1 in world.chain.pooled().get(world.relayer, {}), "the one behind is in the pool")
    go.set()
    row = walletd.wait("behind", "confirmed")
    same(row["tx"]["account_nonce"], 1, "the slot of the one behind")
    same(walletd.wait("refused", "dead_lettered")["reason_class"], "unsupported_action", "the one that was refused")
    sent = [rlp.transaction(s.raw) for s in gate.sent()]
    noop = [tx for tx in sent if tx.nonce == 0][-1]
    same((noop.to, noop.value, noop.data, noop.gas), (world.relayer, 0, b"", 21_000), "what fills the slot")
    same(walletd.query("SELECT purpose, state FROM outbox_tx WHERE tx_nonce = 0"), [(1, 3)], "the slot: a no-op, confirmed")


@scenario("an operator cancels a transaction that must not happen any more")
def cancelled(world):
    walletd = world.daemon()
    world.chain.automine(False)
    walletd.append("w-1")
    walletd.wait("w-1", "submitted")
    hash_ = walletd.call("outbox.cancel_slot", lane=1, tx_nonce=0, reason="a test")["tx_hash"]
    walletd.call("outbox.pause", space_id=1, reason="a test")
    lab.wait_until(lambda: world.chain.pooled()[world.relayer][0]["hash"] == hash_, "the node has it")
    world.chain.automine(True)
    world.chain.mine(2)
    row = walletd.wait("w-1", "failed_retryable")
    check("no effect" in row["last_error"], f"its error: {row['last_error']}")
    same(len(world.contract.executed()), 0, "effects")
    walletd.call("outbox.resume", space_id=1, reason="it may happen after all")
    walletd.wait("w-1", "confirmed")
