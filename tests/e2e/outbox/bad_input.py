"""What a caller may get wrong: each mistake has an answer of its own, which names the field, and nothing is left behind."""
import lab
from outbox.world import ORDER, WITHDRAW, check, order, refused, same, scenario, withdrawal

ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
MAX_PAYLOAD = 16384
HUGE = 2 ** 63

# Members of directive.append that differ from a good one (None: left out), and the kind and field of the refusal.
APPENDS = {
    "no id": ({"directive_id": None}, "invalid_params", "directive_id"),
    "an empty id": ({"directive_id": ""}, "invalid_params", "directive_id"),
    "a long id": ({"directive_id": "x" * 129}, "invalid_params", "directive_id"),
    "a long id in UTF-8": ({"directive_id": "ü" * 65}, "invalid_params", "directive_id"),
    "a line break in the id": ({"directive_id": "two\nlines"}, "invalid_params", "directive_id"),
    "a control character in the id": ({"directive_id": "a\x9bb"}, "invalid_params", "directive_id"),
    "a number as id": ({"directive_id": 7}, "invalid_params", "directive_id"),
    "no action": ({"action_key": None}, "invalid_params", "action_key"),
    "an action in capitals": ({"action_key": "System_Withdraw_Token"}, "invalid_action", "action_key"),
    "a long action": ({"action_key": "a" * 65}, "invalid_params", "action_key"),
    "an unknown action": ({"action_key": "system_print_money"}, "unsupported_action", "action_key"),
    "an action that is not enabled": ({"action_key": "hl_limit_order"}, "unsupported_action", "action_key"),
    "no account": ({"account": None}, "invalid_params", "account"),
    "an account without 0x": ({"account": ACCOUNT[2:]}, "invalid_params", "account"),
    "a short account": ({"account": ACCOUNT[:-2]}, "invalid_params", "account"),
    "a long account": ({"account": ACCOUNT + "00"}, "invalid_params", "account"),
    "an account with a wrong checksum": ({"account": ACCOUNT.replace("C", "c", 1)}, "invalid_params", "account"),
    "the zero account": ({"account": "0x" + "0" * 40}, "invalid_action", "account"),
    "no payload": ({"payload": None}, "invalid_params", "payload"),
    "a payload without 0x": ({"payload": withdrawal(ACCOUNT)[2:]}, "invalid_params", "payload"),
    "a payload of odd length": ({"payload": withdrawal(ACCOUNT) + "0"}, "invalid_params", "payload"),
    "a payload that is not hex": ({"payload": "0x" + "zz" * 96}, "invalid_params", "payload"),
    "an empty payload": ({"payload": "0x"}, "invalid_action", "payload"),
    "a payload that is cut off": ({"payload": withdrawal(ACCOUNT)[:-2]}, "invalid_action", "payload"),
    "a payload with something behind": ({"payload": withdrawal(ACCOUNT) + "00"}, "invalid_action", "payload"),
    "the payload of another action": ({"payload": order()}, "invalid_action", "payload"),
    "an address that is none in the payload": ({"payload": "0x" + "ff" * 96}, "invalid_action", "payload"),
    "a payload that is too large": ({"payload": "0x" + "00" * (MAX_PAYLOAD + 1)}, "invalid_params", "payload"),
    "a bool that is none in the payload": ({"action_key": ORDER, "payload": order()[:66 + 63] + "2" + order()[66 + 64:]},
                                           "invalid_action", "payload"),
    "an unknown kind": ({"kind": "needs_two_signatures"}, "unsupported_kind", "kind"),
    "an empty kind": ({"kind": ""}, "invalid_params", "kind"),
    "an unknown signer": ({"signer": ACCOUNT.lower().replace("7", "8")}, "unknown_signer", "signer"),
    "a signer that is no address": ({"signer": "hd:0"}, "invalid_params", "signer"),
    "an unknown contract": ({"contract": "0x" + "12" * 20}, "unknown_signer", "contract"),
    "a contract that is no address": ({"contract": "0x12"}, "invalid_params", "contract"),
    "an unknown chain": ({"chain_id": 1}, "unknown_signer", "chain_id"),
    "chain 0": ({"chain_id": 0}, "invalid_params", "chain_id"),
    "a chain that is no number": ({"chain_id": "mainnet"}, "invalid_params", "chain_id"),
    "an expiry before time": ({"expires_at_ms": -1}, "invalid_params", "expires_at_ms"),
    "an expiry beyond 63 bits": ({"expires_at_ms": str(HUGE)}, "invalid_params", "expires_at_ms"),
    "an expiry with a fraction": ({"expires_at_ms": 1.5}, "invalid_params", "expires_at_ms"),
    "a nonce": ({"nonce": 7}, "invalid_params", "nonce"),
    "a misspelt member": ({"acount": ACCOUNT}, "invalid_params", "acount"),
    "an empty idempotency key": ({"idempotency_key": ""}, "invalid_params", "idempotency_key"),
}


@scenario("each invalid member of directive.append is named, and nothing is stored")
def appends(world):
    walletd = world.daemon()
    lab.wait_until(lambda: walletd.space()["signer"], "the space is there")
    good = {"directive_id": "d-1", "action_key": WITHDRAW, "account": ACCOUNT, "payload": withdrawal(ACCOUNT)}
    for name, (change, kind, field) in APPENDS.items():
        params = {k: v for k, v in {**good, **change}.items() if v is not None}
        try:
            no = refused(kind, walletd.call, "directive.append", field=field, **params)
        except AssertionError as wrong:
            raise AssertionError(f"{name}: {wrong}") from wrong
        check(str(no).split(": ", 1)[1], f"{name}: it says nothing")
    same((walletd.query("SELECT count(*) FROM directive_outbox"), walletd.space()["next_nonce"], walletd.events()),
         ([(0,)], "0", []), "what is stored of all that")
    check("did you mean account?" in str(refused("invalid_params", walletd.call, "directive.append", field="acount",
                                                 **{**good, "acount": ACCOUNT})), "the right name is told")
    # What looks like a mistake, and is none.
    walletd.call("directive.append", **{**good, "account": ACCOUNT.lower(), "expires_at_ms": 0, "chain_id": "31337"})
    walletd.call("directive.append", **{**good, "directive_id": "ümläut 🏦", "kind": "needs_rsm_signature"})
    walletd.wait_all("confirmed", ["d-1", "ümläut 🏦"])


@scenario("payload=any takes every payload up to the limit, and carries it")
def any_payload(world):
    walletd = world.daemon(space={"payload": "any"})
    for number, payload in enumerate(("0x", "0x00", "0x" + "ab" * MAX_PAYLOAD)):
        walletd.append(f"d-{number}", payload=payload)
    refused("invalid_params", walletd.append, "d-3", field="payload", payload="0x" + "ab" * (MAX_PAYLOAD + 1))
    walletd.wait_all("confirmed", ["d-0", "d-1", "d-2"])
    same(walletd.get("d-2")["payload"], "0x" + "ab" * MAX_PAYLOAD, "the largest one, as it is shown")


@scenario("what an operator may get wrong")
def operators(world):
    walletd = world.daemon()
    walletd.append("w-1")
    walletd.wait("w-1", "confirmed")
    before = walletd.events("*")
    call = walletd.call
    for kind, field, method, params in (
            ("not_found", "directive_id", "directive.get", {"directive_id": "w-2"}),
            ("invalid_params", "status", "directive.list", {"status": "lost"}),
            ("invalid_params", "account", "directive.list", {"account": "0x12"}),
            ("invalid_params", "limit", "directive.list", {"limit": 1001}),
            ("invalid_params", "after", "directive.list", {"after": "nowhere"}),
            ("not_found", "directive_id", "directive.retry", {"directive_id": "w-2", "reason": "a test"}),
            ("illegal_state", None, "directive.retry", {"directive_id": "w-1", "reason": "a test"}),
            ("invalid_params", "reason", "directive.retry", {"directive_id": "w-1"}),
            ("invalid_params", "action", "directive.resolve", {"directive_id": "w-1", "action": "refund", "reason": "x"}),
            ("invalid_params", "tx_hash", "directive.resolve",
             {"directive_id": "w-1", "action": "done", "reason": "x", "tx_hash": "0x12"}),
            ("invalid_params", "note", "directive.resolve",
             {"directive_id": "w-1", "action": "abandon", "reason": "x", "note": "y"}),
            ("illegal_state", None, "directive.resolve", {"directive_id": "w-1", "action": "revoke", "reason": "x"}),
            ("invalid_params", "space_id", "outbox.pause", {"space_id": 1, "lane": 1, "reason": "x"}),
            ("not_found", "lane", "outbox.resume", {"lane": 7, "reason": "x"}),
            ("illegal_state", None, "outbox.cancel_slot", {"lane": 1, "tx_nonce": 0, "reason": "x"}),
            ("not_found", None, "outbox.cancel_slot", {"lane": 1, "tx_nonce": 99, "reason": "x"}),
            ("not_found", "space_id", "outbox.nonce_advance", {"space_id": 9, "to": 9, "reason": "x"}),
            ("out_of_range", "to", "outbox.nonce_advance", {"space_id": 1, "to": 1, "reason": "x"})):
        refused(kind, call, method, field=field, **params)
    same(walletd.events("*"), before, "events")


@scenario("without an outbox in the configuration each method says what is missing")
def not_configured(world):
    walletd = lab.Daemon(world.build, world.folder + "/plain", "--allow_plaintext_seed=1")
    try:
        walletd.start()
        for method, params in (("directive.append", {"directive_id": "d", "action_key": WITHDRAW, "account": ACCOUNT,
                                                     "payload": withdrawal(ACCOUNT)}),
                               ("directive.stats", {}), ("outbox.lanes", {}), ("outbox.spaces", {}),
                               ("directive.get", {"directive_id": "d"}),
                               ("directive.retry", {"directive_id": "d", "reason": "x"})):
            no = refused("bad_config", walletd.call, method, **params)
            check("evm_chain" in no.data["hint"], f"{method}: {no.data['hint']}")
    finally:
        if walletd.alive():
            walletd.stop()


@scenario("backpressure: more than outbox_max_open are refused as busy, and taken when others are done")
def backpressure(world):
    walletd = world.daemon(options=["--outbox_max_open=3"])
    world.chain.automine(False)
    for i in range(3):
        walletd.append(f"w-{i}")
    no = refused("busy", walletd.append, "w-3")
    check(no.data["retryable"] and "outbox_max_open" in no.data["hint"], f"{no.data}")
    same(walletd.append("w-1")["outcome"], "existing", "one that is there already")
    world.chain.automine(True)
    world.chain.mine()
    walletd.wait_all("confirmed", ["w-0", "w-1", "w-2"])
    walletd.append("w-3")
    same(walletd.wait("w-3", "confirmed")["nonce"], "3", "its nonce: none was lost")
