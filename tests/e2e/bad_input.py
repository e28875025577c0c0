"""What a user may get wrong: each mistake has an answer of its own, which names what is wrong and says truthfully whether
money moved; and nothing is left behind."""
import base64
import time

import lab
import tokens
from bench import check, same, scenario
from proxy import LOST

BUCKETS = ("spendable", "pending", "locked", "sent", "total")
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


def refused(wallet, wanted, method, field=None, code=None, hint=None, says=None, **params):
    """The call must fail with exactly this, and move nothing."""
    try:
        answer = wallet.call(method, **params)
    except lab.RpcError as no:
        same((no.kind, no.data.get("field")), (wanted, field), f"{method} {shown(params)}: kind and field ({no})")
        same(no.data["funds_moved"], "no", f"{method}: funds_moved")
        if code:
            same(no.code, code, f"{method}: code")
        for part in hint or []:
            check(part in no.data.get("hint", "") + str(no), f"{method}: {no} ({no.data}) does not say {part!r}")
        if says:
            check(says in str(no), f"{method}: {no} does not say {says!r}")
        return no
    raise AssertionError(f"{method} {shown(params)} was answered {str(answer)[:300]}")


def shown(params):
    return str(params)[:200]


def not_started(wallet, error_kind, action_kind, field, params, **more):
    return refused(wallet, error_kind, "action.start", field=field, kind=action_kind, params=params, **more)


def ends_badly(wallet, kind, token, **params):
    """The receive is started, and fails for this reason."""
    end = wallet.receive(token, **params)
    same((end["status"], end["error"]["kind"], end["funds_moved"]), ("failed", kind, "no"), f"the receive ({end['error']})")
    return end


class Unchanged:
    """What a mistake leaves as it was."""

    def __init__(self, *wallets):
        self.wallets = wallets

    def look(self):
        return [([w.bucket(name, unit) for name in BUCKETS for unit in ("sat", "usd")], w.proofs(),
                 [a["id"] for a in w.active()]) for w in self.wallets]

    def __enter__(self):
        self.before = self.look()

    def __exit__(self, kind, *_):
        if kind is None:
            same(self.look(), self.before, "balance, notes and actions")


@scenario("wrong parameters: unknown, missing, of a wrong type, too much", mints="fee")
def parameters(world):
    alice = world.wallet("alice")
    alice.issue(100)
    url = alice.mint_url
    with Unchanged(alice):
        bad = -32602
        refused(alice, "invalid_params", "balance", field="rial", code=bad, rial="ecash")
        refused(alice, "invalid_params", "action.start", field="knd", code=bad, hint=["kind"], knd="cashu_send")
        refused(alice, "invalid_params", "action.start", field="kind", code=bad)
        refused(alice, "invalid_params", "action.start", field="kind", code=bad, kind=7)
        refused(alice, "invalid_params", "action.start", field="kind", code=bad, hint=["cashu_send"], kind="cashu_sned")
        refused(alice, "invalid_params", "action.start", field="params", code=bad, kind="cashu_send", params=[300])
        refused(alice, "invalid_params", "action.start", field="wait", code=bad, kind="cashu_send", wait="forever")
        refused(alice, "invalid_params", "action.start", field="idempotency_key", code=bad, kind="cashu_send",
                params={"amount": 1}, idempotency_key="x" * 129)
        not_started(alice, "invalid_params", "cashu_send", "amuont", {"amuont": 5}, code=bad, hint=["amount"])
        not_started(alice, "invalid_params", "cashu_send", "amount", {}, code=bad)
        not_started(alice, "invalid_params", "cashu_send", "amount", {"amount": "5"}, code=bad)
        not_started(alice, "invalid_params", "cashu_send", "amount", {"amount": 5.5}, code=bad)
        not_started(alice, "invalid_params", "cashu_send", "amount", {"amount": None}, code=bad)
        not_started(alice, "invalid_params", "cashu_send", "include_fee", {"amount": 5, "include_fee": "yes"}, code=bad)
        not_started(alice, "invalid_params", "cashu_issue", "mint", {"amount": 5}, code=bad)
        not_started(alice, "invalid_params", "cashu_receive", "token", {}, code=bad)
        not_started(alice, "invalid_params", "cashu_send", "unit", {"amount": 5, "unit": "Sat!"}, code=bad)
        not_started(alice, "invalid_params", "cashu_issue", "extra", {"mint": url, "amount": 5, "extra": 1}, code=bad)
        refused(alice, "not_found", "action.get", field="id", code=-32003, id="there-is-none")
        refused(alice, "not_found", "action.cancel", field="id", code=-32003, id="there-is-none")
        refused(alice, "invalid_params", "action.get", field="id", code=bad, id="no id at all")
        try:
            alice.call("balanec")
            check(False, "a method that does not exist")
        except lab.RpcError as no:
            same(no.code, -32601, "code of an unknown method")
            check("balance" in no.data["hint"], "the nearest name")


@scenario("wrong amounts: zero, negative, huge, more than there is, outside of the mint's limits", mints="fee")
def amounts(world):
    alice = world.wallet("alice")
    empty = world.wallet("empty")
    alice.issue(100)
    url = alice.mint_url
    with Unchanged(alice, empty):
        for kind, more in (("cashu_send", {}), ("cashu_issue", {"mint": url}), ("cashu_swap", {"mint": url})):
            name = "target" if kind == "cashu_swap" else "amount"
            for wrong in (0, -1):
                found = not_started_any(alice, ("invalid_params", "out_of_range"), kind, name, {name: wrong, **more})
                same(found.code, -32602, f"{kind} {wrong}: code")
            for wrong in (1 << 63, 10 ** 30):
                same(not_started_any(alice, ("parse_error",), kind, None, {name: wrong, **more}).code, -32700,
                     f"{kind} {wrong}: code")
        for much in (101, 10 ** 9, (1 << 62)):
            not_started(alice, "insufficient_funds", "cashu_send", "amount", {"amount": much}, code=-32005)
        not_started(empty, "insufficient_funds", "cashu_send", "amount", {"amount": 1}, code=-32005, hint=["cashu_issue"])
        not_started(empty, "insufficient_funds", "cashu_swap", "mint", {"mint": url}, code=-32005)
        # 100 are there, and the swap that 99 take costs 1; the receiver's fee on top is too much.
        not_started(alice, "insufficient_funds", "cashu_send", "amount", {"amount": 100, "include_fee": True})
        refused(alice, "insufficient_funds", "action.start", field="amount", kind="cashu_send", params={"amount": 101},
                dry_run=True)


def not_started_any(wallet, kinds, action_kind, field, params):
    try:
        wallet.call("action.start", kind=action_kind, params=params)
    except lab.RpcError as no:
        check(no.kind in kinds, f"{action_kind} {params}: {no.kind}")
        same((no.data.get("field"), no.data["funds_moved"]), (field, "no"), f"{action_kind} {params}: field, funds_moved")
        return no
    raise AssertionError(f"{action_kind} {params} was started")


@scenario("wrong mints: unknown, malformed, not there, not a mint", mints="fee")
def mints(world):
    alice = world.wallet("alice")
    alice.issue(100)
    nobody = "http://127.0.0.1:9"
    with Unchanged(alice):
        for kind, params in (("cashu_issue", {"amount": 5}), ("cashu_send", {"amount": 5}), ("cashu_swap", {})):
            not_started(alice, "unknown_mint", kind, "mint", {"mint": "https://mint.example.com", **params},
                        hint=["mint.add"])
            not_started_any(alice, ("invalid_params", "parse_error"), kind, "mint", {"mint": "no url", **params})
        for wrong in ("", "mint.example.com", "ftp://mint.example.com", "http://", "http://a b/", "http://u:p@mint.example.com",
                      "http://mint.example.com/?q=1", "javascript:alert(1)", "http://[::1", "http://x:99999"):
            no = refused_any(alice, ("invalid_params", "parse_error", "out_of_range"), "mint.add", "url", url=wrong)
            same(no.code, -32602, f"mint.add {wrong!r}: code")
        refused(alice, "peer_unavailable", "mint.add", code=-32006, url=nobody)
        not_started(alice, "unknown_mint", "cashu_issue", "mint", {"mint": nobody, "amount": 5})
        # The daemon's own proxy to the mint, where nothing of a mint is served.
        no = refused_any(alice, ("peer_rejected", "peer_misbehaved", "peer_unavailable"), "mint.add", None,
                         url=world.proxy.url + "/not/here")
        check(no.code in (-32006, -32007), f"not a mint: code {no.code}")
    check(all(not m["trusted"] for m in alice.call("mint.list")["mints"] if m["url"] != alice.mint_url),
          "a mint that never answered is not trusted")


def refused_any(wallet, kinds, method, field, **params):
    try:
        answer = wallet.call(method, **params)
    except lab.RpcError as no:
        check(no.kind in kinds, f"{method} {shown(params)}: {no.kind}: {no}")
        same((no.data.get("field"), no.data["funds_moved"]), (field, "no"), f"{method} {shown(params)}: field, funds_moved")
        return no
    raise AssertionError(f"{method} {shown(params)} was answered {str(answer)[:300]}")


def broken_tokens(token):
    """Texts that are no tokens, each for a reason of its own."""
    half = len(token) // 2
    return {
        "empty": "",
        "only the beginning": "cashuB",
        "V4 without its head": token[6:],
        "an unknown version": "cashuC" + token[6:],
        "cut": token[:half],
        "one letter more": token + "A",
        "not base64url": token[:half] + "!" + token[half + 1:],
        "V4 called V3": "cashuA" + token[6:],
        "not CBOR": "cashuB" + base64.urlsafe_b64encode(b"{\"a\":1}").decode().rstrip("="),
        "V3, not JSON": "cashuA" + base64.urlsafe_b64encode(b"[1,2").decode().rstrip("="),
        "V3, no proofs": tokens.token_v3("http://127.0.0.1:9", "sat", []),
        "V3, two mints": "cashuA" + base64.urlsafe_b64encode(
            b'{"token":[{"mint":"http://a","proofs":[]},{"mint":"http://b","proofs":[]}]}').decode().rstrip("="),
        "an invoice": "lnbc1u1p4sqhlg9qypqqqdqqxqrrsssp5wu2ukzxzdup30v9yswqv3y62xn2ytck6dkta0xn8y4fvg5mk5gf",
        "a book": "cashuB" + "A" * 200000,
    }


@scenario("malformed tokens: refused before anybody is asked", mints="fee")
def malformed(world):
    alice, bob = world.pair()
    alice.issue(100)
    token = alice.token(36)
    mint, unit, proofs = tokens.token_read(token)
    world.proxy.reset()
    with Unchanged(alice, bob):
        for name, text in broken_tokens(token).items():
            for method, params in (("action.start", {"kind": "cashu_receive", "params": {"token": text}}),
                                   ("token.decode", {"token": text})):
                no = refused_any(bob, ("malformed_token", "invalid_params", "out_of_range"), method, "token", **params)
                check(no.code == -32602, f"{name}: code {no.code}")
                check(text == "" or text[:40] not in str(no), f"{name}: the error quotes the token")
        for name, change in (("amount 0", {"amount": 0}), ("amount 3", {"amount": 3}), ("amount below 0", {"amount": -1}),
                             ("huge amount", {"amount": 1 << 63}), ("C off the curve", {"C": "02" + "ff" * 32}),
                             ("C too short", {"C": "02"}), ("no keyset", {"id": ""}), ("a secret that is none", {"secret": 5})):
            text = tokens.token_v3(mint, unit, [{**proofs[0], **change}] + proofs[1:])
            try:
                end = bob.receive(text)
            except lab.RpcError as no:
                same((no.kind, no.data["field"], no.data["funds_moved"]), ("malformed_token", "token", "no"), name)
            else:
                same((end["status"], end["error"]["kind"], end["funds_moved"]), ("failed", "malformed_token", "no"), name)
        twice = tokens.token_v3(mint, unit, proofs + [proofs[0]])
        not_started(bob, "malformed_token", "cashu_receive", "token", {"token": twice})
    same(world.proxy.bodies("/v1/swap"), [], "swaps of malformed tokens")
    bob.receive_well(token)


@scenario("tokens that are well-formed and no good: forged, of an unknown keyset, mislabelled, dust, our own")
def no_good(world):
    alice, bob = world.pair()
    alice.issue(100)
    sent = alice.send(36)
    mint, unit, proofs = tokens.token_read(sent["result"]["token"])
    with Unchanged(alice, bob):
        # One note's signature on another note's secret: only the mint can tell.
        forged = [{**proofs[0], "C": proofs[1]["C"]}, {**proofs[1], "C": proofs[0]["C"]}]
        end = bob.receive(tokens.token_v3(mint, unit, forged))
        same((end["status"], end["error"]["kind"], end["funds_moved"]), ("failed", "peer_rejected", "no"), "forged")
        inflated = [{**proofs[0], "amount": 2 * proofs[0]["amount"]}] + proofs[1:]
        end = bob.receive(tokens.token_v3(mint, unit, inflated))
        same((end["status"], end["error"]["kind"], end["funds_moved"]), ("failed", "peer_rejected", "no"), "inflated")
        strange = [{**p, "id": "00" + "ab" * 7} for p in proofs]
        ends_badly(bob, "unknown_keyset", tokens.token_v3(mint, unit, strange))
        ends_badly(bob, "wrong_unit", tokens.token_v3(mint, "eur", proofs))
        no = not_started(alice, "token_own", "cashu_receive", "token", {"token": sent["result"]["token"]})
        check(sent["id"] in no.data["hint"] and "cancel" in no.data["hint"], "the way to take it back: " + no.data["hint"])
    if world.mint.fee_ppk:
        sent = alice.send(1)
        before = bob.call("balance"), bob.proofs()
        ends_badly(bob, "token_dust", sent["result"]["token"])
        same((bob.call("balance"), bob.proofs()), before, "after a token that the fee eats")
        bob.receive_well(tokens.token_v3(mint, unit, proofs))


@scenario("spent tokens, and spent notes among good ones", mints="fee")
def spent(world):
    alice, bob = world.pair()
    carol = world.wallet("carol")
    alice.issue(1000)
    token = alice.token(300)
    mint, unit, proofs = tokens.token_read(token)
    bob.receive_well(tokens.token_v3(mint, unit, proofs[:1]))
    with Unchanged(carol):
        ends_badly(carol, "token_spent", tokens.token_v3(mint, unit, proofs[:1]))
    got = carol.receive_well(token)["result"]
    same((got["proofs_spent_elsewhere"], got["amount"] + got["fee"]), (1, sum(p["amount"] for p in proofs[1:])),
         "the rest of a token of which a part is spent")
    alice.look_at_tokens()
    with Unchanged(alice):
        not_started(alice, "token_spent", "cashu_receive", "token", {"token": token})


@scenario("wrong units", mints="fee")
def units(world):
    alice = world.wallet("alice")
    alice.issue(100)
    with Unchanged(alice):
        not_started(alice, "wrong_unit", "cashu_issue", "unit", {"mint": alice.mint_url, "amount": 5, "unit": "eur"},
                    hint=None)
        not_started(alice, "insufficient_funds", "cashu_send", "amount", {"amount": 5, "unit": "eur"})
        not_started(alice, "insufficient_funds", "cashu_send", "amount", {"amount": 5, "unit": "usd", "mint": alice.mint_url})


@scenario("quotes: unknown, expired, and issued already", mints="stingy")
def quotes(world):
    alice = world.wallet("alice")
    with Unchanged(alice):
        not_started(alice, "not_found", "cashu_issue", "quote", {"mint": alice.mint_url, "quote": "there-is-none"})
        started = alice.action("cashu_issue", wait="park", mint=alice.mint_url, amount=50)
        # Held by the action that made it.
        quote = world.mint.books("SELECT quote FROM mint_quotes ORDER BY created_time DESC LIMIT 1")[0][0]
        not_started(alice, "conflict", "cashu_issue", "quote", {"mint": alice.mint_url, "quote": quote})
        done = alice.cancel(started)
        same((done["status"], done["error"]["kind"], done["funds_moved"]), ("cancelled", "cancelled", "no"), "the issue")
        time.sleep(2.1)  # until the invoice has expired
        late = alice.action("cashu_issue", mint=alice.mint_url, quote=quote)
        same((late["status"], late["error"]["kind"], late["funds_moved"]), ("failed", "quote_expired", "no"), "taken up")


@scenario("quotes: one that was issued is not issued again", mints="fee")
def quote_issued(world):
    alice = world.wallet("alice")
    alice.issue(50)
    quote = world.mint.books("SELECT quote FROM mint_quotes WHERE amount = 50 ORDER BY created_time DESC LIMIT 1")[0][0]
    with Unchanged(alice):
        not_started(alice, "quote_issued", "cashu_issue", "quote", {"mint": alice.mint_url, "quote": quote})


@scenario("the wallet itself: words, passphrases, twice, locked, none", mints="fee")
def wallet_errors(world):
    none = world.wallet("none", trust=False)
    same(none.call("status")["wallet"]["state"], "unlocked", "the first wallet")
    for method, params in (("wallet.create", {}), ("wallet.restore", {"mnemonic": WORDS})):
        refused(none, "wallet_exists", method, **params)

    fresh = world.bare("fresh")
    for method, params in (("wallet.unlock", {"passphrase": "x"}), ("wallet.info", {}), ("wallet.lock", {})):
        refused(fresh, "no_wallet", method, code=-32001, **params)
    for kind, params in (("cashu_send", {"amount": 1}), ("cashu_swap", {"mint": world.proxy.url})):
        not_started(fresh, "no_wallet", kind, None, params, code=-32001, hint=["wallet.create"])
    refused(fresh, "no_wallet", "mint.add", code=-32001, url=world.proxy.url)
    for words, says in ((WORDS.replace("about", "abot"), "12"), (WORDS.replace("abandon", "zzz", 1), "1"),
                        (" ".join(WORDS.split()[:11]), "11"), (WORDS.replace("about", "abandon"), "checksum"),
                        ("", "0")):
        no = refused_any(fresh, ("bad_mnemonic", "invalid_params", "out_of_range"), "wallet.restore", "mnemonic",
                         mnemonic=words)
        check(not words or says in str(no), f"{no}: does not say {says}")
        check("abot" not in str(no) and "zzz" not in str(no), "the error quotes a word")
    same(fresh.call("status")["wallet"]["state"], "none", "after what failed")
    no = refused_any(fresh, ("invalid_params", "out_of_range"), "wallet.create", "words", words=13)

    fresh.call("wallet.create", passphrase="correct horse")
    fresh.call("mint.add", url=world.proxy.url)
    refused(fresh, "wrong_passphrase", "wallet.unlock", field="passphrase", passphrase="wrong horse")
    fresh.call("wallet.lock")
    same(fresh.call("status")["wallet"]["state"], "locked", "after the lock")
    not_started(fresh, "wallet_locked", "cashu_issue", None, {"mint": world.proxy.url, "amount": 5}, code=-32002,
                hint=["wallet.unlock"])
    refused(fresh, "wrong_passphrase", "wallet.unlock", field="passphrase", passphrase="wrong horse")
    fresh.restart()
    same(fresh.call("status")["wallet"]["state"], "locked", "after a restart")
    not_started(fresh, "wallet_locked", "cashu_receive", None, {"token": "cashuB"}, code=-32002)
    fresh.call("wallet.unlock", passphrase="correct horse")
    fresh.issue(21)
    same(fresh.total(), 21, "balance once it is unlocked")


@scenario("the wallet is locked while a receive is under way: it waits, and nothing is lost", mints="fee")
def locked_in_flight(world):
    alice = world.wallet("alice")
    bob = world.bare("bob")
    bob.call("wallet.create", passphrase="correct horse")
    bob.call("mint.add", url=world.proxy.url)
    alice.issue(100)
    token = alice.token(36)

    def lock():
        bob.call("wallet.lock")
        return LOST

    world.proxy.at(world.proxy.after, "/v1/swap", lock)
    started = bob.action("cashu_receive", wait="none", token=token)
    lab.wait_until(lambda: not world.proxy.unused(), "the swap passes by")
    time.sleep(1.5)
    check(bob.get(started)["status"] not in ("done", "failed"), "it goes on without keys")
    bob.call("wallet.unlock", passphrase="correct horse")
    bob.settle()
    same((bob.get(started)["status"], bob.total()), ("done", 36 - world.fee(2)), "the receive, once it is unlocked")
