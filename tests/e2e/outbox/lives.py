"""The daemons' own lives: killed, shut down, two at a time, restored from an old copy, locked, with the wrong keys."""
import os
import shutil
import time

import abi
import directives
import evm_acts
import lab
from outbox.delivery import HD_RELAYER, HD_SIGNER, MNEMONIC
from outbox.world import check, refused, same, scenario

EXIT_OTHER = 75  # another walletd uses the datadir
LEASE_S = 10
SEND, RECEIPT, BLOCK = "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getBlockByNumber"
BATCH = evm_acts.selector(abi.selector(directives.EXECUTE_BATCH))
PASSPHRASE = "correct horse battery staple"


# --- killed ---

# Where walletd is killed: the call at the gate, and whether before or after the node has acted.
MOMENTS = {
    "before the nonce check": ("eth_call", evm_acts.before, evm_acts.selector(abi.selector("noncesUsed(address,uint64[])"))),
    "after the dry run": ("eth_call", evm_acts.after, BATCH),
    "before the send": (SEND, evm_acts.before, None),
    "after the send": (SEND, evm_acts.after, None),
    "with the receipt": (RECEIPT, evm_acts.after, None),
    "at a look at the chain": (BLOCK, evm_acts.after, None),
}


@scenario("SIGKILL, again and again: every effect once, in order", runs=tuple(MOMENTS))
def killed(world, moment):
    method, act, when = MOMENTS[moment]
    walletd, gate = world.gated(chain={"batch": 4, "confirmations": 2})
    world.chain.block_time(1)
    ids = [f"w-{i}" for i in range(24)]
    walletd.append_all(ids, lambda i: world.users[i % 3])
    for nth in (1, 2, 2):
        rule = gate.at(method, act(walletd.process.kill), nth=nth, when=when)
        walletd.ended()
        same(rule.fired, 1, f"kills at the {nth}. {method}")
        gate.lift(rule)
        walletd.start()
    walletd.wait_all("confirmed", ids)
    same(len(world.contract.executed()), len(ids), "effects")


@scenario("F27: SIGTERM with four hundred claimed: all are given back, at once")
def shutdown(world):
    walletd, gate = world.gated(chain={"batch": 200, "relayer": ["file:relayer", "file:relayer2"]},
                                space={"ordering": "none"})
    hold = evm_acts.Hold()
    rule = gate.at("eth_call", hold, times=None, when=BATCH)
    walletd.append_all([f"w-{i}" for i in range(600)], lambda i: world.users[i % 5])
    lab.wait_until(lambda: walletd.rows_by_status().get("claimed", 0) >= 300, "some hundreds are claimed")
    began = time.monotonic()
    same(walletd.stop(), 0, "exit code")
    check(time.monotonic() - began < 5, f"it took {time.monotonic() - began:.1f} s")
    same(walletd.query("SELECT delivery_status, count(*), max(attempts) FROM directive_outbox GROUP BY 1"), [(0, 600, 0)],
         "directives, and their attempts")
    hold.let_go()
    gate.lift(rule)
    walletd.start()
    lab.wait_until(lambda: walletd.rows_by_status() == {"confirmed": 600}, "all are confirmed", 120, 0.2)


# --- two at a time ---

@scenario("F21: a second daemon on the same datadir refuses to start")
def second(world):
    walletd = world.daemon()
    walletd.append("w-1")
    other = world.daemon(start=False, socket_name="other.sock")
    try:
        other.start()
    except lab.Died:
        same(other.ended(), EXIT_OTHER, "exit code of the second")
    else:
        raise AssertionError("two daemons drain one database, and neither knows of the other")
    world.daemons.remove(other)
    walletd.wait("w-1", "confirmed")


@scenario("two daemons on one database: each does its part; one is killed, and the other goes on alone", long=True)
def shared(world):
    world.chain.block_time(1)
    options = ["--shared_state=1", f"--outbox_claim_lease_s={LEASE_S}"]
    chain = {"batch": 5, "confirmations": 2, "relayer": ["file:relayer", "file:relayer2"]}
    one = world.daemon(chain=chain, options=options)
    two = world.daemon(chain=chain, options=options, socket_name="other.sock")
    ids = []

    def append(count):
        for i in range(len(ids), len(ids) + count):
            (one, two)[i % 2].append(f"w-{i}", world.users[i % 5])
            ids.append(f"w-{i}")

    # Whichever looks first takes all there is, so there is more work until both have met some.
    sent = [0, 0]
    while min(sent) == 0 and len(ids) < 600:
        append(20)
        one.wait_all("confirmed", ids, 120)
        sent = [w.metric("walletd_directive_outbox_attempts_total", result="submitted") for w in (one, two)]
    check(min(sent) > 0, f"each has its part: {sent}")
    append(100)
    two.kill()
    one.wait_all("confirmed", ids, 120)
    for account in world.users[:5]:
        mine = [e.nonce for e in world.contract.executed() if e.account == account]
        same((len(mine), mine), (len(ids) // 5, sorted(mine)), f"effects of {account}, in order")


@scenario("two relayers race: daemons that know nothing of each other deliver the same directives, each effect once",
          runs=("single", "batch"))
def race(world, mode):
    world.chain.block_time(1)
    ids = [f"w-{i}" for i in range(30)]
    racers = []
    for name in ("one", "two"):
        walletd = world.daemon(name, chain={"batch": 1 if mode == "single" else 7, "confirmations": 2,
                                            "relayer": "file:relayer" if name == "one" else "file:relayer2"})
        lab.wait_until(lambda w=walletd: w.space()["hold"] is None, "the space is ready")
        racers.append(walletd)
    for walletd in racers:
        walletd.append_all(ids, lambda i: world.users[i % 3])
    for walletd in racers:
        walletd.wait_all("confirmed", ids, 120)
    same(len(world.contract.executed()), len(ids), "effects")
    for walletd in racers:
        same([walletd.get(i)["reason_class"] for i in ids], [None] * len(ids), "reasons")
    for relayer in (world.relayer, world.relayer2):
        check(world.chain.count(relayer) > 0, "both have sent")


# --- an old copy of the database ---

@scenario("F22: a restored backup is older than the chain: nothing is signed before an operator has moved the nonces on")
def restored(world):
    walletd = world.daemon(chain={"batch": 50})
    walletd.append_all([f"w-{i}" for i in range(5)])
    walletd.wait_all("confirmed", [f"w-{i}" for i in range(5)])
    copy = os.path.join(world.folder, "monday.db")
    walletd.call("backup.create", path=copy)
    walletd.append_all([f"w-{i}" for i in range(5, 15)])
    walletd.wait_all("confirmed", [f"w-{i}" for i in range(5, 15)])
    walletd.stop()
    for name in os.listdir(walletd.datadir):
        if name.startswith("wallet.db"):
            os.unlink(os.path.join(walletd.datadir, name))
    shutil.copy(copy, os.path.join(walletd.datadir, "wallet.db"))
    os.chmod(os.path.join(walletd.datadir, "wallet.db"), 0o600)
    # What was done since is nobody's, as far as this database knows.
    world.others["strangers"] = {(world.signer, n) for n in range(6, 15)}
    world.others["foreign_txs"] = 20
    walletd.start()
    walletd.append("w-5")
    walletd.append("new")
    space = walletd.wait_trouble("nonce_horizon", of="space")
    same((space["paused"], space["pause_reason"], space["next_nonce"]), (True, "nonce_horizon", "7"), "the space")
    check("outbox.nonce_advance with space_id=1" in space["next"], f"next: {space['next']}")
    same(walletd.attention()["nonce_horizon"]["severity"], "critical", "attention")
    same(walletd.metric("walletd_outbox_nonce_horizon_violation", space="1"), 1, "the metric")
    same([e["data"]["space_id"] for e in walletd.events("outbox.nonce_horizon")], [1], "the event")
    same(walletd.rows_by_status(), {"confirmed": 5, "pending": 2}, "directives: none is claimed")
    same(walletd.query("SELECT count(*) FROM directive_signature"), [(5,)], "signatures")
    refused("illegal_state", walletd.call, "outbox.resume", space_id=1, reason="it will be fine")
    refused("out_of_range", walletd.call, "outbox.nonce_advance", field="to", space_id=1, to=7, reason="too little")
    walletd.call("outbox.nonce_advance", space_id=1, to=10, reason="still too little")
    walletd.wait_trouble("nonce_horizon", of="space")
    same(walletd.call("outbox.nonce_advance", space_id=1, to=100, reason="restored from Monday")["next_nonce"], "100",
         "the next nonce")
    # Accepted again with the same nonce, it is the same directive: it has had its effect.
    row = walletd.wait("w-5", "confirmed")
    same((row["nonce"], row["reason_class"]), ("5", None), "the one that had been sent before")
    same(walletd.wait("new", "manual_reconciliation")["reason_class"], "nonce_consumed", "the one whose nonce was used")
    walletd.append("newer")
    same(walletd.wait("newer", "confirmed")["nonce"], "100", "the nonce of the next")
    same(walletd.resolve("new", "resubmit")["nonce"], "101", "its new nonce")
    walletd.wait("new", "confirmed")
    same(walletd.metric("walletd_outbox_nonce_horizon_violation", space="1"), 0, "the metric")
    same(len(world.contract.executed()), 15 + 2, "effects")


# --- keys ---

@scenario("a locked wallet: directives are accepted and wait; unlocked, they go", deployed=False)
def locked(world):
    world.deploy(HD_SIGNER.lower())
    world.chain.fund(HD_RELAYER)
    walletd = world.daemon(chain={"relayer": "hd:0"}, space={"signer": "hd:0"})
    # Nobody knows yet who will sign.
    refused("wallet_locked", walletd.append, "w-0")
    walletd.call("wallet.restore", mnemonic=MNEMONIC, passphrase=PASSPHRASE)
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    walletd.again()
    same(walletd.append("w-2")["delivery_status"], "pending", "one that is appended while the wallet is locked")
    space = walletd.wait_trouble("signer_locked", of="space")
    same(space["next"], "wallet.unlock", "next")
    row = walletd.get("w-2")
    same((row["delivery_status"], row["attempts"]), ("pending", 0), "the directive")
    walletd.call("wallet.unlock", passphrase=PASSPHRASE)
    walletd.wait("w-2", "confirmed")


def key_path(walletd, name):
    return os.path.join(walletd.datadir, "keys", name)


@scenario("a key file that is missing, readable for others, or has another password: told, and mended without a loss")
def key_files(world):
    walletd = world.daemon()
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")

    def trouble_after(change, mend):
        walletd.stop()
        change()
        walletd.start()
        walletd.append(f"w-{change.__name__}")
        space = walletd.wait_trouble("key_missing", of="space")
        same((walletd.attention()["key_missing"]["severity"], walletd.status_of(f"w-{change.__name__}")),
             ("critical", "pending"), "attention, the directive")
        walletd.stop()
        mend()
        walletd.start()
        walletd.wait(f"w-{change.__name__}", "confirmed")
        return space["what"]

    def gone():
        os.rename(key_path(walletd, "signer.json"), key_path(walletd, "aside"))

    def readable():
        os.chmod(key_path(walletd, "signer.json"), 0o644)

    def other_password():
        with open(key_path(walletd, "signer.password"), "w", encoding="ascii") as f:
            f.write("another\n")

    def right_again():
        walletd.key_file("signer", world.signer, world.keys[world.signer])

    check("signer" in trouble_after(gone, right_again), "the file that is gone is named")
    check("others" in trouble_after(readable, right_again), "that others can read it is told")
    check("pass" in trouble_after(other_password, right_again), "the password is named")


@scenario("a key file with somebody else's key: the space or lane stops, and goes on when the right one is back",
          runs=("signer", "relayer"))
def wrong_key(world, whose):
    walletd = world.daemon()
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    walletd.stop()
    walletd.key_file(whose, world.stranger, world.keys[world.stranger])
    walletd.start()
    walletd.append("w-2")
    found = walletd.wait_trouble("key_mismatch", of="space" if whose == "signer" else "lane")
    same((found["key"], found["next"]), ("file:" + whose, "put the right key file in place"), "what is told")
    same(walletd.attention()["key_mismatch"]["severity"], "critical", "attention")
    row = walletd.get("w-2")
    same((row["delivery_status"], row["attempts"]), ("pending", 0), "the directive")
    walletd.stop()
    walletd.key_file(whose, getattr(world, whose), world.keys[getattr(world, whose)])
    walletd.start()
    walletd.wait("w-2", "confirmed")
    same(world.chain.count(world.stranger), 0, "transactions of the stranger")


@scenario("a relayer is taken out of the configuration with work that waits for it: told, and not lost")
def lane_gone(world):
    both = {"relayer": ["file:relayer", "file:relayer2"]}
    walletd = world.daemon(chain=both, space={"ordering": "none"})
    walletd.call("outbox.pause", all=True, reason="a test")
    walletd.append_all([f"w-{i}" for i in range(20)])
    walletd.stop()
    less = world.daemon(space={"ordering": "none"})
    less.call("outbox.resume", all=True, reason="the test goes on")
    lab.wait_until(lambda: set(less.rows_by_status()) == {"confirmed", "pending"}, "those of the other one are confirmed")
    item = less.attention()["lane_not_configured"]
    same(item["severity"], "critical", "attention")
    check("put relayer=file:relayer2 back" in item["next"], f"next: {item['next']}")
    less.stop()
    world.daemon(chain=both, space={"ordering": "none"}).wait_all("confirmed", [f"w-{i}" for i in range(20)])


@scenario("paused by an operator: appends go on, nothing is claimed; resumed, it goes", runs=("space", "lane"))
def paused(world, what):
    walletd = world.daemon()
    one = {"space_id": 1} if what == "space" else {"lane": 1}
    same(walletd.call("outbox.pause", reason="an upgrade", **one), {"paused": True, **one}, "the answer")
    walletd.append("w-1")
    found = walletd.wait_trouble(what + "_paused", of=what)
    check("an upgrade" in found["pause_reason"], f"why: {found['pause_reason']}")
    same(found["next"], f"outbox.resume with {what if what == 'lane' else 'space_id'}=1 and a reason", "next")
    same(walletd.attention()[what + "_paused"]["severity"], "info", "attention")
    walletd.again()
    same(walletd.status_of("w-1"), "pending", "the directive, after a restart")
    walletd.call("outbox.resume", reason="the upgrade is done", **one)
    walletd.wait("w-1", "confirmed")
    same([(e["data"]["method"], e["data"]["reason"]) for e in walletd.events("outbox.audit")],
         [("outbox.pause", "an upgrade"), ("outbox.resume", "the upgrade is done")], "audit events")
    refused("not_found", walletd.call, "outbox.pause", field=next(iter(one)), reason="nobody", **{k: 99 for k in one})
    refused("invalid_params", walletd.call, "outbox.pause", field="space_id", reason="which?")
