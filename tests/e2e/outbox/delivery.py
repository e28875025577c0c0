"""Good days: what is appended comes to the chain once, in order, and is told as it happened."""
import json
import subprocess
import threading
import time

import evm
import lab
from outbox.world import CREDIT, ORDER, WITHDRAW, check, order, same, scenario, withdrawal

MNEMONIC = "test test test test test test test test test test test junk"
# Of that mnemonic, at the paths of spec/outbox.md 4.1 (vectors: outbox/addresses.json).
HD_SIGNER, HD_RELAYER = "0x6b7d98d0c96004F367468f2aC37dBF6E660e8A0F", "0x525B19015E9230430aaE07ba2c9bC6cE80Da700A"
# Of spec/outbox.md 3.4: what is there from the first directive on.
METRICS = {"directive_outbox_rows": "gauge", "directive_outbox_oldest_pending_age_seconds": "gauge",
           "directive_outbox_transitions_total": "counter", "directive_outbox_attempts_total": "counter",
           "directive_outbox_submit_to_confirm_seconds": "histogram", "directive_outbox_claim_lease_expired_total": "counter",
           "directive_outbox_stale_claim_total": "counter", "relayer_balance_wei": "gauge", "relayer_slots_open": "gauge",
           "relayer_replacements_total": "counter", "evm_rpc_requests_total": "counter", "evm_deep_reorg_total": "counter",
           "outbox_nonce_horizon_violation": "gauge"}
FEED = ["accepted", "submitted", "included", "confirmed"]
MODES = {"single": {"batch": 1}, "batch": {"batch": 200}}


def curl(walletd, method, **params):
    """As the README has it."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    done = subprocess.run(["curl", "-sS", "--unix-socket", walletd.socket, "--json", body, "http://localhost/"],
                          stdout=subprocess.PIPE, check=True, timeout=lab.START_S)
    return json.loads(done.stdout)["result"]


def receipt_of(world, row):
    return world.chain.mined(row["tx_hash"])


@scenario("one directive from curl to the chain, with the keys of the wallet", deployed=False, runs=("single", "batch"))
def one(world, mode):
    world.deploy(HD_SIGNER.lower())
    world.chain.fund(HD_RELAYER)
    walletd = world.daemon(chain={"relayer": "hd:0", **MODES[mode]}, space={"signer": "hd:0"})
    walletd.call("wallet.restore", mnemonic=MNEMONIC)
    account = world.users[0]
    answer = curl(walletd, "directive.append", directive_id="withdrawal-81", action_key=WITHDRAW, account=account,
                  payload=withdrawal(account))
    digest = answer.pop("digest")
    same(answer, {"outcome": "created", "outbox_seq": 1, "directive_id": "withdrawal-81", "nonce": "0", "signer": HD_SIGNER,
                  "directive_id_hash": evm.text(world.chain.hashes([b"withdrawal-81"])[0]), "delivery_status": "pending",
                  "domain_status": "pending_chain_effect"}, "the answer to directive.append")
    row = walletd.wait("withdrawal-81", "confirmed")
    same((row["wire_status"], row["domain_status"], row["attempts"], row["last_error"], row["digest"]),
         ("finalized", "completed", 1, None, digest), "the directive")
    receipt = receipt_of(world, row)
    same((receipt["from"], receipt["to"], receipt["status"]), (HD_RELAYER.lower(), world.contract.address, "0x1"),
         "its transaction")
    effect, = world.contract.executed()
    same((effect.signer, effect.account, evm.text(effect.digest)), (HD_SIGNER.lower(), account, digest), "its effect")
    same(world.contract.effects(account), 1, "effects of the account")
    same(walletd.story("withdrawal-81"), FEED, "the feed")
    told = dict(walletd.told("withdrawal-81"))
    same({k: told["confirmed"][k] for k in ("request_id", "tx_hash", "error", "gas_used", "gas_price")},
         {"request_id": "withdrawal-81", "tx_hash": row["tx_hash"], "error": None,
          "gas_used": evm.number(receipt["gasUsed"]), "gas_price": evm.number(receipt["effectiveGasPrice"])},
         "the last TransactionUpdate")
    tx = row["tx"]
    same((tx["account_nonce"], tx["state"], tx["hash"], len(tx["attempts"])), (0, "confirmed", row["tx_hash"], 1), "its slot")
    same(walletd.attention(), {}, "attention")


@scenario("three hundred of forty accounts at once", runs=("single", "batch"))
def crowd(world, mode):
    walletd = world.daemon(chain={**MODES[mode], "relayer": ["file:relayer", "file:relayer2"]}, space={"ordering": "none"})
    ids = [f"w-{i}" for i in range(300)]
    walletd.append_all(ids, lambda i: "0x" + f"{i % 40 + 1:040x}")
    lab.wait_until(lambda: walletd.rows_by_status() == {"confirmed": 300}, "all are confirmed", 120, 0.2)
    same(len(world.contract.executed()), 300, "effects")
    transactions = {e.tx for e in world.contract.executed()}
    senders = {world.chain.receipt(tx)["from"] for tx in transactions}
    same(senders, {world.relayer, world.relayer2}, "relayers that were used")
    if mode == "single":
        same(len(transactions), 300, "transactions")
    else:
        check(len(transactions) <= 30, f"{len(transactions)} transactions for 300 directives")
        shares_of_gas(world, walletd, transactions)


def shares_of_gas(world, walletd, transactions):
    """What the directives of a transaction are told is all of its gas."""
    told = {tx: 0 for tx in transactions}
    for e in walletd.events("directive.update"):
        if e["data"]["status"] == "confirmed":
            told[e["data"]["tx_hash"]] += e["data"]["gas_used"]
    same(told, {tx: evm.number(world.chain.receipt(tx)["gasUsed"]) for tx in transactions}, "gas used")


def in_flight(walletd, key_of):
    """The most directives of one key that were out and not yet included, and not yet confirmed, as the feed tells it."""
    most = {"included": 0, "confirmed": 0}
    out = {"included": {}, "confirmed": {}}
    for e in walletd.events("directive.update"):
        key, status = key_of(e["subject"]), e["data"]["status"]
        for until in most:
            if status == "submitted":
                out[until][key] = out[until].get(key, 0) + 1
                most[until] = max(most[until], out[until][key])
            elif status == until:
                out[until][key] -= 1
    return most


@scenario("the order of each account is kept, with blocks every second", node=("--block-time", "1"),
          runs=("submitted", "included", "confirmed"))
def order_of_accounts(world, release_at):
    each = {"submitted": 20, "included": 4, "confirmed": 3}[release_at]
    walletd = world.daemon(chain={"batch": 50, "confirmations": 2, "relayer": ["file:relayer", "file:relayer2"]},
                           space={"ordering": "account", "release_at": release_at})
    accounts = ["0x" + f"{i + 1:040x}" for i in range(6)]
    ids = [f"{i % 6}-{i}" for i in range(6 * each)]
    walletd.append_all(ids, lambda i: accounts[i % 6])
    walletd.wait_all("confirmed", ids, 120)
    for account in accounts:
        mine = [e for e in world.contract.executed() if e.account == account]
        same(len(mine), each, f"effects of {account}")
        same([e.nonce for e in mine], sorted(e.nonce for e in mine), f"nonces of {account} in the order of their effects")
    most = in_flight(walletd, lambda directive_id: directive_id.split("-")[0])
    if release_at == "submitted":
        check(most["included"] > 1, "none follows before the one before is included")
    else:
        same(most[release_at], 1, f"directives of one account that are out and not {release_at}")


@scenario("one order for all of a signer's, and none at all")
def order_of_signer(world):
    walletd = world.daemon(chain={"batch": 3}, space={"ordering": "signer"},
                           options=["--outbox_space=31337 contract=" + world.contract.address +
                                    " signer=file:owner ordering=none"])
    world.contract.set_signer(world.owner, True)
    ids = [f"w-{i}" for i in range(12)]
    for i, directive_id in enumerate(ids):
        walletd.append(directive_id, world.users[i % 4], signer=world.signer)
        walletd.append("free-" + directive_id, world.users[i % 4], signer=world.owner)
    walletd.wait_all("confirmed", ids + ["free-" + i for i in ids])
    mine = [e for e in world.contract.executed() if e.signer == world.signer]
    same([e.nonce for e in mine], list(range(12)), "nonces in the order of their effects")
    check(walletd.get("w-0")["order_key"] == walletd.get("w-1")["order_key"], "one key for two accounts")
    same(walletd.get("free-w-0")["order_key"], None, "the key of one without order")


def at_once(functions):
    """All of them at a time; what each returned."""
    found = [None] * len(functions)

    def call(i):
        try:
            found[i] = functions[i]()
        except lab.RpcError as no:
            found[i] = no
    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(functions))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return found


@scenario("F1 F2: one id from eight sides: one row, one nonce; other content is refused and spends none")
def duplicates(world):
    walletd = world.daemon(chain={"batch": 200})
    for i in range(25):
        answers = at_once([lambda i=i: walletd.append(f"w-{i}")] * 8)
        same(sorted(a["outcome"] for a in answers), ["created"] + ["existing"] * 7, f"outcomes of w-{i}")
        same({(a["outbox_seq"], a["nonce"], a["digest"]) for a in answers},
             {(i + 1, str(i), answers[0]["digest"])}, f"what all eight of w-{i} heard")
    others = at_once([lambda i=i: walletd.append(f"w-{i % 25}", payload=withdrawal(world.users[0], 10 ** 6 + 1))
                      for i in range(50)])
    same({(no.kind, no.data["field"], no.data["funds_moved"]) for no in others},
         {("idempotency_conflict", "directive_id", "no")}, "other content under the same ids")
    same(others[0].code, -32004, "its code")
    check("content hash 0x" in str(others[0]), f"{others[0]} does not tell the hash of what is there")
    walletd.append("w-25")
    same(walletd.nonce_of("w-25"), 25, "the nonce of the next")
    walletd.wait_all("confirmed", [f"w-{i}" for i in range(26)])
    again = walletd.append("w-3")
    same((again["outcome"], again["delivery_status"]), ("existing", "confirmed"), "the same again, when it is done")
    same(len(world.contract.executed()), 26, "effects")


@scenario("an idempotency key answers again with the first answer, and with nothing else")
def idempotency(world):
    walletd = world.daemon()
    first = walletd.append("w-1", idempotency_key="k-1")
    walletd.wait("w-1", "confirmed")
    again = walletd.append("w-1", idempotency_key="k-1")
    same(again, {**first, "replayed": True}, "the same call again")
    try:
        walletd.append("w-2", idempotency_key="k-1")
    except lab.RpcError as no:
        same((no.kind, no.data["funds_moved"]), ("idempotency_mismatch", "no"), "the key with another directive")
    else:
        raise AssertionError("the key was taken with another directive")
    same(walletd.rows_by_status(), {"confirmed": 1}, "directives")


@scenario("F16: a request that has expired is delivered all the same")
def expired(world):
    walletd = world.daemon()
    walletd.append("late", expires_at_ms=1)
    walletd.append("later", expires_at_ms=str(int(time.time() * 1000) + 5))
    row = walletd.wait("late", "confirmed")
    same((row["expires_at_ms"], row["domain_status"]), (1, "completed"), "the directive")
    walletd.wait("later", "confirmed")
    check(not [e for e in walletd.events("*") if "expired" in e["kind"]], "nobody is told of an expiry")


@scenario("the feed: dense, in order, filtered, waited for; every action key has its place in it")
def feed(world):
    walletd = world.daemon(chain={"batch": 10})
    for i, action in enumerate((WITHDRAW, CREDIT, ORDER, WITHDRAW)):
        walletd.append(f"d-{i}", world.users[i], action, payload=order(i) if action == ORDER else None)
    walletd.wait_all("confirmed", [f"d-{i}" for i in range(4)])
    for i in range(4):
        same(walletd.story(f"d-{i}"), FEED, f"what was told of d-{i}")
    updates = walletd.events("directive.update")
    same({e["data"]["status"] for e in updates}, set(FEED[1:]), "words of the TransactionUpdates")
    for e in updates:
        same(set(e["data"]), {"request_id", "status", "tx_hash", "error", "timestamp", "gas_used", "gas_price"},
             "members of a TransactionUpdate")
        same((e["data"]["request_id"], e["data"]["error"]), (e["subject"], None), "of a TransactionUpdate")
    last = walletd.events("*")[-1]["seq"]
    waited = at_once([lambda: walletd.call("wait", after=last, kinds="directive.*", timeout_s=30),
                      lambda: walletd.append("d-4")])[0]
    same([(e["seq"], e["kind"], e["subject"]) for e in waited["events"]][:1], [(last + 1, "directive.accepted", "d-4")],
         "what was waited for")
    walletd.wait("d-4", "confirmed")


@scenario("stats and lists say how it stands")
def stats(world):
    walletd = world.daemon(chain={"batch": 10})
    world.chain.automine(False)
    walletd.append_all([f"w-{i}" for i in range(5)], lambda i: world.users[i % 2])
    walletd.wait("w-4", "submitted")
    told = walletd.call("directive.stats")
    same({k: n for k, n in told["rows_by_status"].items() if n}, {"submitted": 5}, "rows_by_status")
    lane = told["lanes"][0]
    same(told["open_slots_by_lane"], {str(lane["lane"]): lane["slots_open"]}, "open slots")
    check(lane["slots_open"] >= 1 and lane["next_tx_nonce"] == lane["slots_open"], f"the lane: {lane}")
    same([(e["state"], e["chain_id"], e["failures_in_a_row"]) for e in told["endpoints"]], [("ready", 31337, 0)], "endpoints")
    same([(s["next_nonce"], s["paused"], s["signer"].lower()) for s in told["spaces"]], [("5", False, world.signer)], "spaces")
    rows = walletd.call("directive.list", status="open", account=world.users[1])["directives"]
    same([r["directive_id"] for r in rows], ["w-1", "w-3"], "open ones of one account")
    first = walletd.call("directive.list", limit=2)
    rest = walletd.call("directive.list", limit=1000, after=first["next"])
    same([r["outbox_seq"] for r in first["directives"] + rest["directives"]], [1, 2, 3, 4, 5], "two pages")
    same(rest["next"], None, "the cursor after the last page")
    world.chain.automine(True)
    world.chain.mine()
    walletd.wait_all("confirmed", [f"w-{i}" for i in range(5)])
    same(walletd.call("directive.stats")["oldest_pending_age_ms"], None, "age of the oldest pending")
    kinds = dict(line.split()[2:4] for line in walletd.page("/metrics")[1].splitlines() if line.startswith("# TYPE "))
    same({name: kinds.get("walletd_" + name) for name in METRICS}, METRICS, "metrics and their types")
    same(walletd.metric("walletd_relayer_slots_open", lane="1"), 0, "open slots, as the metric has it")
    check(walletd.metric("walletd_evm_rpc_requests_total", method="eth_sendRawTransaction", result="ok") >= 1, "sends")
    same(walletd.metric("walletd_directive_outbox_submit_to_confirm_seconds_count"), 5, "observed durations")
