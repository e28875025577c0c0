"""Whose is a nonce?  Used by others, by ourselves and forgotten, revoked: what the daemon finds out, and the way of an
operator through what it cannot decide."""
import os
import subprocess

import abi
import directives
import evm
import evm_acts
import lab
from outbox.world import ORDER, WITHDRAW, check, refused, same, scenario, withdrawal

NONCE_USED = "NonceAlreadyUsed(address,uint64)"
POISON = "0xdead01"


def all_is_well(gate, n):
    """The node's dry runs say that whatever batch of n is sent will work."""
    wanted = evm_acts.selector(abi.selector(directives.EXECUTE_BATCH))
    gate.at("eth_call", evm_acts.result(evm.text(abi.encode("uint8[]", [0] * n))), times=None, when=wanted)
    gate.at("eth_estimateGas", evm_acts.result(hex(900_000)), times=None, when=wanted)


def paused(walletd):
    walletd.call("outbox.pause", space_id=1, reason="a test")


def resume(walletd):
    walletd.call("outbox.resume", space_id=1, reason="the test goes on")


def to_a_person(world, walletd, ids, action=WITHDRAW):
    """Their nonces are used by the signer's owner before they are submitted.  Returns {id: the other transaction}."""
    paused(walletd)
    others = {}
    for directive_id in ids:
        walletd.append(directive_id, action=action)
        others[directive_id] = world.use_nonce(walletd.nonce_of(directive_id), "not " + directive_id)
    resume(walletd)
    for directive_id in ids:
        walletd.wait(directive_id, "manual_reconciliation")
    return others


@scenario("F5: a nonce is used before the submission, and not by us: a person has to look", runs=("single", "batch"))
def taken(world, mode):
    walletd, gate = world.gated(chain={"batch": 1 if mode == "single" else 50})
    other = to_a_person(world, walletd, ["w-1"])["w-1"]
    row = walletd.get("w-1")
    same((row["reason_class"], row["domain_status"], row["wire_status"], row["tx"], row["signed"]),
         ("nonce_consumed", "pending_manual_review", "manual_review", None, False), "the directive")
    for part in ("nonce 0 is already used before directive submission", "outcome is unknown", "manual reconciliation", other):
        check(part in row["last_error"], f"{row['last_error']!r} does not say {part!r}")
    same(gate.sent(), [], "what was sent")
    same(walletd.story("w-1"), ["accepted", "manual_reconciliation"], "the feed: no TransactionUpdate")
    same(walletd.samples("walletd_directive_outbox_manual_reconciliation_required_total"),
         [({"action_key": WITHDRAW, "reason_class": "nonce_consumed"}, 1)], "the counter")
    same(walletd.samples("walletd_withdrawal_manual_reconciliation_required_total"), [({"action_key": WITHDRAW}, 1)],
         "the counter of withdrawals")
    check("event=withdrawal.manual_reconciliation_required" in walletd.log(), "the log warns")
    item = walletd.attention()["manual_reconciliation"]
    same((item["severity"], item["next"].split()[0]), ("critical", "directive.resolve"), "attention")
    # One that is no withdrawal: counted, and no withdrawal's signal.
    to_a_person(world, walletd, ["o-1"], ORDER)
    same(walletd.metric("walletd_directive_outbox_manual_reconciliation_required_total", action_key=ORDER), 1, "counter")
    same(walletd.metric("walletd_withdrawal_manual_reconciliation_required_total"), 1, "the counter of withdrawals")
    same([r["directive_id"] for r in walletd.call("directive.list", status="attention")["directives"]], ["w-1", "o-1"],
         "what waits for a person")


@scenario("an operator decides: looks again, sends with another nonce, gives up, knows better")
def decide(world):
    walletd = world.daemon()
    others = to_a_person(world, walletd, ["again", "given-up", "done"])
    looked = walletd.resolve("again", "recheck", dry_run=True)
    same((looked["evidence"]["verdict"], looked["evidence"]["nonce_used"], looked["evidence"]["tx_hash"], looked["dry_run"]),
         ("foreign", True, others["again"], True), "what a dry run tells")
    same(walletd.resolve("again", "recheck")["changed"], False, "recheck")
    for method, params, kind in (("directive.retry", {}, "nonce_used"),
                                 ("directive.resolve", {"action": "revoke"}, "nonce_used"),
                                 ("directive.resolve", {"action": "done"}, "no_evidence"),
                                 ("directive.resolve", {"action": "done", "tx_hash": others["again"]}, "no_evidence")):
        no = refused(kind, walletd.call, method, directive_id="again", reason="trying", **params)
        check("was spent by another directive" in str(no), f"{no} does not tell by whom")
    refused("invalid_params", walletd.call, "directive.retry", directive_id="again", field="reason", reason="")
    again = walletd.resolve("again", "resubmit", "the other one was a mistake", idempotency_key="once")
    same((again["delivery_status"], again["nonce"]), ("pending", "3"), "after resubmit")
    same(walletd.resolve("again", "resubmit", "the other one was a mistake", idempotency_key="once"),
         {**again, "replayed": True}, "the same call again")
    row = walletd.wait("again", "confirmed")
    (old,) = row["nonce_history"]
    same((row["nonce_generation"], old["nonce"], old["evidence"]["tx_hash"], old["operator"]),
         (1, "0", others["again"], "unix:0"), "what is kept of the old nonce")
    given_up = walletd.resolve("given-up", "abandon")
    same((given_up["delivery_status"], given_up["domain_status"], given_up["reason_class"]),
         ("dead_lettered", "failed", "operator_abandoned"), "after abandon")
    done = walletd.resolve("done", "done", note="the ledger of the exchange shows it")
    same((done["delivery_status"], done["domain_status"], done["reason_class"]), ("confirmed", "completed", "operator_done"),
         "after done")
    refused("illegal_state", walletd.resolve, "done", "abandon")
    refused("not_found", walletd.resolve, "nobody", "abandon", field="directive_id")
    audits = [e for e in walletd.events("outbox.audit") if e["subject"] in others]
    same([(e["subject"], e["data"]["method"], e["data"]["who"], e["data"]["after"]["delivery_status"]) for e in audits],
         [("again", "directive.resolve", "unix:0", "pending"), ("given-up", "directive.resolve", "unix:0", "dead_lettered"),
          ("done", "directive.resolve", "unix:0", "confirmed")], "audit events")
    same(audits[2]["data"]["note"], "the ledger of the exchange shows it", "the note")
    same(walletd.attention(), {}, "attention")


def walletctl(walletd, *words, code=0):
    """What it prints to a person."""
    program = os.path.join(os.path.dirname(walletd.program), "walletctl")
    done = subprocess.run([program, "--socket=" + walletd.socket, *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=lab.START_S, check=False)
    text = done.stdout.decode()
    same(done.returncode, code, f"exit code of walletctl {' '.join(words)} ({text})")
    return text


@scenario("the same with walletctl, as docs/outbox.md has it")
def with_walletctl(world):
    walletd = world.daemon()
    walletctl(walletd, "outbox", "pause", "all=true", "reason=a test")
    payload = os.path.join(world.folder, "payload")
    with open(payload, "w", encoding="ascii") as f:
        f.write(withdrawal(world.users[0]))
    walletctl(walletd, "directive", "append", "withdrawal-81", WITHDRAW, world.users[0], "payload=@" + payload)
    other = world.use_nonce(0)
    walletctl(walletd, "outbox", "resume", "all=true", "reason=the test goes on")
    walletd.wait("withdrawal-81", "manual_reconciliation")
    check("withdrawal-81" in walletctl(walletd, "directive", "list", "status=attention"), "the list")
    check("nonce_consumed" in walletctl(walletd, "directive", "get", "withdrawal-81"), "the directive")
    looked = walletctl(walletd, "directive", "resolve", "withdrawal-81", "recheck", "looking", "dry_run=true")
    check("foreign" in looked and other in looked, f"the evidence: {looked}")
    walletctl(walletd, "directive", "retry", "withdrawal-81", "trying", code=1)
    walletctl(walletd, "directive", "resolve", "withdrawal-81", "resubmit", "the other one was a mistake")
    walletd.wait("withdrawal-81", "confirmed")
    lanes = walletctl(walletd, "outbox", "lanes")
    check(world.relayer[2:] in lanes.lower(), f"the lanes: {lanes}")
    walletctl(walletd, "outbox", "nonce-advance", "1", "20000", "a test")
    check("20000" in walletctl(walletd, "outbox", "spaces"), "the spaces")


def signed_and_dead(world, walletd, directive_id):
    """It was sent, and the contract supported its action until then: dead-lettered, and its signature is out."""
    world.chain.automine(False)
    walletd.append(directive_id)
    walletd.wait(directive_id, "submitted")
    world.before_all(world.owner, abi.calldata("setAction(string,bool)", WITHDRAW, False))
    world.chain.automine(True)
    world.chain.mine(2)
    row = walletd.wait(directive_id, "dead_lettered")
    same((row["reason_class"], row["domain_status"], row["signed"]), ("unsupported_action", "pending_manual_review", True),
         f"{directive_id}, dead-lettered")
    world.contract.set_action(WITHDRAW, True)
    world.chain.mine(2)


@scenario("F23: a signature that is out can act until its nonce is burnt; after that it can be sent anew",
          runs=("single", "batch"))
def revoke(world, mode):
    # The signer itself may burn its nonces: it is the relayer, too.
    walletd = world.daemon(chain={"relayer": "file:signer", "confirmations": 2, "batch": 1 if mode == "single" else 50})
    signed_and_dead(world, walletd, "w-1")
    same(walletd.story("w-1")[-2:], ["dead_lettered", "failed"], "the feed")
    same(walletd.attention()["directive_dead_lettered"]["severity"], "critical", "attention")
    for action in ("resubmit", "abandon"):
        no = refused("old_nonce_still_valid", walletd.resolve, "w-1", action)
        check("revoke" in no.data["hint"], f"the hint: {no.data['hint']}")
    refused("no_evidence", walletd.resolve, "w-1", "done", note="it surely is")
    burnt = walletd.resolve("w-1", "revoke")
    same(burnt["delivery_status"], "dead_lettered", "the directive stays as it is")
    world.chain.mined(burnt["revoke_tx_hash"])
    same([(r.signer, r.nonce) for r in world.contract.revoked()], [(world.signer, 0)], "revoked")
    # Mined, and not deep enough yet to be final.
    refused("old_nonce_still_valid", walletd.resolve, "w-1", "resubmit")
    world.chain.mine()
    lab.wait_until(lambda: walletd.resolve("w-1", "recheck", dry_run=True)["evidence"]["verdict"] == "revoked",
                   "the revocation is deep enough")
    old = walletd.signed("w-1")
    (raw,) = walletd.raw_of("w-1")
    same(walletd.resolve("w-1", "resubmit")["nonce"], "1", "the new nonce")
    row = walletd.wait("w-1", "included")
    same(row["nonce_history"][0]["evidence"]["revoked"], True, "the evidence that is kept")
    world.chain.mine()
    walletd.wait("w-1", "confirmed")
    world.refused(world.stranger, *old, NONCE_USED)
    try:
        world.chain.send_raw(raw)
    except evm.EvmError as no:
        check("nonce too low" in no.message, f"the old transaction again: {no}")
    else:
        raise AssertionError("the old transaction was taken again")


@scenario("a dead letter may be tried again with the nonce it has, while that is unused")
def retry(world):
    walletd = world.daemon(chain={"confirmations": 2})
    signed_and_dead(world, walletd, "w-1")
    # Its relayer is neither the contract's owner nor the signer: nothing is sent that would be mined in vain.
    no = refused("illegal_state", walletd.resolve, "w-1", "revoke")
    check("revokeNonces" in no.data["hint"], f"the hint: {no.data['hint']}")
    same(walletd.resolve("w-1", "revoke", dry_run=True)["allowed"], ["retry"], "what is left")
    again = walletd.call("directive.retry", directive_id="w-1", reason="the action is supported again")
    same((again["delivery_status"], again["nonce"], again["evidence"]["verdict"]), ("pending", "0", "unused"), "after retry")
    walletd.wait("w-1", "included")
    world.chain.mine(2)
    walletd.wait("w-1", "confirmed")
    same(walletd.story("w-1"), ["accepted", "submitted", "dead_lettered", "failed", "reopened", "submitted", "included",
                                "confirmed"], "the feed")


def forget(walletd, directive_id):
    """That it was ever sent.  The slot and the signature stay."""
    walletd.change("UPDATE directive_outbox SET delivery_status = 0, wake_at_ms = 0, tx_id = NULL, version = version + 1"
                   " WHERE directive_id = ?", directive_id)


@scenario("F6: what we have sent and forgotten is found by its evidence, and is nobody's conflict")
def forgotten(world):
    walletd = world.daemon()
    world.chain.automine(False)
    walletd.append("w-1")
    walletd.wait("w-1", "submitted")
    walletd.kill()
    forget(walletd, "w-1")
    world.chain.mine()
    world.chain.automine(True)
    walletd.start()
    row = walletd.wait("w-1", "confirmed")
    same((row["reason_class"], len(world.contract.executed())), (None, 1), "reason, and effects")
    same(walletd.metric("walletd_directive_outbox_transitions_total", **{"from": "claimed", "to": "included"}), 1, "T9")


@scenario("T17: a stranger copies our calldata and is mined first: the effect is ours; replay is refused",
          runs=("single", "batch"))
def copied(world, mode):
    walletd = world.daemon(chain={"batch": 1 if mode == "single" else 50, "confirmations": 2})
    world.chain.automine(False)
    walletd.append("w-1")
    walletd.append("w-2", world.users[1])
    walletd.wait("w-1", "submitted")
    walletd.wait("w-2", "submitted")
    theirs = world.before_all(world.stranger, directives.execute_calldata(*walletd.signed("w-1")))
    world.chain.automine(True)
    world.chain.mine(3)
    row = walletd.wait("w-1", "confirmed")
    same((row["tx_hash"], row["tx"], row["reason_class"]), (theirs["transactionHash"], None, None), "the directive")
    same(walletd.story("w-1"), ["accepted", "submitted", "included", "confirmed"], "the feed")
    walletd.wait("w-2", "confirmed")
    world.refused(world.stranger, *walletd.signed("w-1"), NONCE_USED)
    same(walletd.attention(), {}, "attention")


@scenario("T12 T18: what a stranger delivered for us is gone with its block: we send it ourselves",
          runs=("included", "confirmed"))
def copied_and_gone(world, how_far):
    walletd, gate = world.gated(chain={"confirmations": 3})
    silence = gate.at("eth_sendRawTransaction", evm_acts.error("internal error"), times=None)
    walletd.append("w-1")
    walletd.wait("w-1", "submitted")
    walletd.kill()
    forget(walletd, "w-1")
    theirs = world.before_all(world.stranger, directives.execute_calldata(*walletd.signed("w-1")))
    walletd.start()
    row = walletd.wait("w-1", "included")
    same((row["tx_hash"], row["tx"]), (theirs["transactionHash"], None), "included by the stranger's transaction")
    if how_far == "confirmed":
        world.chain.mine(2)
        walletd.wait("w-1", "confirmed")
    world.chain.reorg(1 if how_far == "included" else 3)
    lab.wait_until(lambda: "reorged" in walletd.story("w-1"), "it is told that the block is gone", 60)
    same(walletd.metric("walletd_evm_deep_reorg_total"), 0 if how_far == "included" else 1, "effects that vanished when final")
    gate.lift(silence)
    world.chain.block_time(1)
    row = walletd.wait("w-1", "confirmed")
    check(row["tx_hash"] != theirs["transactionHash"], "confirmed by a transaction of our own")
    same(world.chain.receipt(row["tx_hash"])["from"], world.relayer, "who sent it")
    same(len(world.contract.executed()), 1, "effects")


@scenario("F19: one batch, five outcomes")
def mixed(world):
    walletd, gate = world.gated(chain={"batch": 50, "confirmations": 2}, space={"payload": "any", "ordering": "none"})
    all_is_well(gate, 5)
    world.chain.automine(False)
    paused(walletd)
    ids = ["fine", "taken", "poison", "gone", "copied"]
    for i in ids:
        walletd.append(i, action=ORDER if i == "gone" else WITHDRAW, payload=POISON if i == "poison" else None)
    nonces = {i: walletd.nonce_of(i) for i in ids}
    resume(walletd)
    for directive_id in ids:
        walletd.wait(directive_id, "submitted")
    ours, = {e["data"]["tx_hash"] for e in walletd.events("directive.update")}
    world.use_nonce(nonces["taken"], mine=False)
    world.ahead(world.owner, abi.calldata("setAction(string,bool)", ORDER, False))
    theirs = world.ahead(world.stranger, directives.execute_calldata(*walletd.signed("copied")))
    world.chain.mine(3)
    rows = {"fine": walletd.wait("fine", "confirmed"), "copied": walletd.wait("copied", "confirmed"),
            "taken": walletd.wait("taken", "manual_reconciliation"), "poison": walletd.wait("poison", "reverted"),
            "gone": walletd.wait("gone", "dead_lettered")}
    same(sorted((s.nonce, s.reason) for s in world.contract.skipped()),
         sorted([(nonces["taken"], 1), (nonces["poison"], 5), (nonces["gone"], 4), (nonces["copied"], 1)]),
         "what the contract skipped")
    same((rows["fine"]["tx_hash"], rows["copied"]["tx_hash"]), (ours, theirs), "by which transactions")
    same({i: (r["reason_class"], r["domain_status"]) for i, r in rows.items()},
         {"fine": (None, "completed"), "copied": (None, "completed"),
          "taken": ("nonce_consumed", "pending_manual_review"), "poison": ("effect_reverted", "pending_manual_review"),
          "gone": ("unsupported_action", "failed")}, "reasons and domain statuses")
    same(walletd.story("gone")[-1], "dead_lettered", "the feed of one that is no withdrawal")
    same(walletd.story("poison")[-1], "reverted", "the feed of the refused effect")
    same(walletd.samples("walletd_directive_outbox_dead_lettered_total"),
         [({"action_key": ORDER, "reason_class": "unsupported_action"}, 1)], "dead letters")
    same(walletd.metric("walletd_withdrawal_manual_reconciliation_required_total"), 2, "withdrawals for a person")
    gate.reset()
    # The contract has its say before anything is sent again, and costs nothing.
    walletd.call("directive.retry", directive_id="poison", reason="trying")
    row = walletd.wait("poison", "failed_retryable")
    same(row["last_error"], "dry run: effect_failed", "its error")
    same(gate.sent(), [], "what was sent meanwhile")
    walletd.kill()
    walletd.change("UPDATE directive_outbox SET reverted_dry_runs = 19, wake_at_ms = 1 WHERE directive_id = 'poison'")
    walletd.start()
    row = walletd.wait("poison", "manual_reconciliation")
    same((row["reason_class"], row["reverted_dry_runs"]), ("effect_reverted", 20), "after twenty refusals")
    refused("old_nonce_still_valid", walletd.resolve, "poison", "abandon")


@scenario("F3: a kind that this walletd does not know is dead-lettered, and told if it is a withdrawal")
def unknown_kind(world):
    walletd = world.daemon()
    paused(walletd)
    walletd.append("w-1")
    walletd.append("o-1", action=ORDER)
    walletd.stop()
    for directive_id in ("w-1", "o-1"):
        walletd.change("UPDATE directive_outbox SET kind = 'of_tomorrow' WHERE directive_id = ?", directive_id)
    walletd.start()
    resume(walletd)
    row = walletd.wait("w-1", "dead_lettered")
    same((row["reason_class"], row["last_error"], row["domain_status"]),
         ("unsupported_kind", "unsupported directive outbox kind of_tomorrow", "pending_manual_review"), "the withdrawal")
    same(walletd.wait("o-1", "dead_lettered")["domain_status"], "failed", "the order")
    same((walletd.story("w-1"), walletd.story("o-1")),
         (["accepted", "dead_lettered", "failed"], ["accepted", "dead_lettered"]), "the feeds")
    same(dict(walletd.told("w-1"))["failed"]["error"], row["last_error"], "the error that is told")
    same(sorted((labels["action_key"], labels["reason_class"], n)
                for labels, n in walletd.samples("walletd_directive_outbox_dead_lettered_total")),
         [(ORDER, "unsupported_kind", 1), (WITHDRAW, "unsupported_kind", 1)], "dead letters")
    same(walletd.samples("walletd_withdrawal_manual_reconciliation_required_total"), [({"action_key": WITHDRAW}, 1)],
         "withdrawals for a person")
    # Nothing was ever signed, so giving up is safe while the nonce is unused.
    same(walletd.resolve("w-1", "abandon")["domain_status"], "failed", "after abandon")


@scenario("halt_on_terminal: those behind one that waits for a person wait, too")
def halt(world):
    walletd = world.daemon(space={"halt_on_terminal": 1})
    paused(walletd)
    walletd.append("first")
    walletd.append("second")
    walletd.append("other", world.users[1])
    world.use_nonce(walletd.nonce_of("first"))
    resume(walletd)
    walletd.wait("first", "manual_reconciliation")
    walletd.wait("other", "confirmed")
    row = walletd.get("second")
    same((row["delivery_status"], row["blocked"]), ("pending", True), "the one behind")
    walletd.resolve("first", "resubmit")
    walletd.wait("first", "confirmed")
    walletd.wait("second", "confirmed")
