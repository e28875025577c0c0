"""What a user does, against the real mint, on good days and on bad ones."""
import json
import os
import re
import subprocess
import threading

import lab
import real_mint
import tokens
from bench import Skip, check, same, scenario
from proxy import LOST

SWAP, MINT, QUOTE, CHECK, RESTORE = "/v1/swap", "/v1/mint/bolt11", "/v1/mint/quote/bolt11", "/v1/checkstate", "/v1/restore"
CASHU_CLI_S = 60


# --- issue ---

@scenario("issue: what the mint was paid is what there is")
def issue(world):
    alice = world.wallet("alice")
    issued = world.mint.issued()
    done = alice.issue(1000)
    same({k: done["result"][k] for k in ("mint", "unit", "amount", "fee")},
         {"mint": world.proxy.url, "unit": "sat", "amount": 1000, "fee": 0}, "result")
    check(done["result"]["request"].startswith("lnbc"), "the invoice that was paid")
    same((alice.bucket("spendable"), alice.total()), (1000, 1000), "balance")
    same(world.mint.issued() - issued, 1000, "issued by the mint")
    same([m["kind"] for m in alice.call("history")["movements"]], ["issue"], "history")
    alice.issue(21)
    same(alice.total(), 1021, "balance")


@scenario("issue: the reply is lost, and so is every reply to the questions about it")
def issue_replies_lost(world):
    alice = world.wallet("alice")
    quote = alice.action("cashu_issue", wait="none", mint=alice.mint_url, amount=333)
    world.proxy.lose_reply(MINT)
    if not world.mint.remembers:
        world.proxy.lose_reply(RESTORE)
    alice.settle()
    done = alice.get(quote)
    same((done["status"], alice.total()), ("done", 333), "after the settling")
    bodies = world.proxy.bodies(MINT)
    check(len(bodies) >= 2, "it was sent again")
    same(len(set(bodies)), world.mint.quote_messages, "the same bytes each time, but for a signature that the mint does not know")
    same(len({str(json.loads(body)["outputs"]) for body in bodies}), 1, "the same outputs each time")


@scenario("issue: requests lost on the way, before the mint sees them")
def issue_requests_lost(world):
    alice = world.wallet("alice")
    for path in (QUOTE, MINT):
        world.proxy.lose_request(path)
    started = alice.action("cashu_issue", wait="none", mint=alice.mint_url, amount=64)
    alice.settle()
    same((alice.get(started)["status"], alice.total()), ("done", 64), "after the settling")


# --- send and receive ---

@scenario("send exact: no swap is needed, no fee is paid, and the token is what it says")
def send_exact(world):
    alice, bob = world.pair()
    alice.issue(100)  # 64, 32, 4
    plan = alice.plan("cashu_send", amount=36)
    same((plan["amount"], plan["fee"], plan["swap"], plan["remains"]), (36, 0, False, 64), "plan")
    sent = alice.send(36, memo="for coffee")
    same((sent["result"]["amount"], sent["result"]["fee"], sent["result"]["claimed"]), (36, 0, False), "sent")
    same((alice.bucket("spendable"), alice.bucket("sent"), alice.total()), (64, 36, 100), "the sender's balance")
    token = sent["result"]["token"]
    read = bob.call("token.decode", token=token)
    same((read["mint"], read["unit"], read["amount"], read["memo"], read["own_proofs"], read["mint_trusted"]),
         (world.proxy.url, "sat", 36, "for coffee", 0, True), "the token as decoded")
    same({p["dleq"] for p in read["proofs"]}, {"valid"}, "its signatures")
    got = bob.receive_well(token)["result"]
    fee = world.fee(2)
    same((got["amount"], got["fee"], got["memo"]), (36 - fee, fee, "for coffee"), "received")
    same(bob.total(), 36 - fee, "the receiver's balance")
    alice.wake(id=sent["id"])
    done = alice.get(sent, wait="done")
    same((done["status"], done["result"]["claimed"]), ("done", True), "the send, once claimed")
    same((alice.total(), alice.bucket("sent")), (64, 0), "the sender's balance")


@scenario("send with a swap: dry_run says what it costs, keeps nothing, and is right")
def send_with_swap(world):
    alice, bob = world.pair()
    alice.issue(1000)
    before = (alice.proofs(), alice.active(), len(alice.all_of_events()))
    plan = alice.plan("cashu_send", amount=300)
    same((alice.proofs(), alice.active(), len(alice.all_of_events())), before, "what a dry run leaves behind")
    check(plan["swap"], "300 cannot be paid from 8, 32, 64, 128, 256 and 512 without change")
    sent = alice.send(300)
    same(sent["result"]["fee"], plan["fee"], "the fee, as planned")
    same(alice.bucket("spendable"), plan["remains"], "what remains, as planned")
    same(alice.total(), 1000 - plan["fee"], "the sender's balance")
    bob.receive_well(sent["result"]["token"])
    same([a["status"] for a in alice.all_of("action.list", "actions", kind="cashu_swap")], ["done"], "the child swap")


@scenario("send with include_fee: the whole amount arrives")
def send_include_fee(world):
    alice, bob = world.pair()
    alice.issue(1000)
    for amount in (1, 7, 300):
        before = bob.total()
        bob.receive_well(alice.token(amount, include_fee=True))
        same(bob.total() - before, amount, "what arrived")


@scenario("send everything, down to the last sat")
def send_everything(world):
    alice, bob = world.pair()
    alice.issue(255)
    token = alice.token(255)
    same(alice.bucket("spendable"), 0, "left")
    bob.receive_well(token)
    same(bob.total(), 255 - world.fee(8), "received")


@scenario("many at once: each note goes into one token only, and what is locked meanwhile is said to be")
def many_sends(world):
    alice, bob = world.pair()
    for n in range(6):
        alice.issue(64 + n)
    started, refused = [], 0
    for n in range(12):
        try:
            started.append(alice.action("cashu_send", wait="none", amount=10 + n))
        except lab.RpcError as no:
            same((no.kind, no.data["funds_moved"]), ("insufficient_funds", "no"), "refusal")
            check("under way" in no.data["hint"], "the hint: " + no.data["hint"])
            refused += 1
    check(len(started) > 2, "some of them were started")
    alice.settle()
    sent = [alice.get(s) for s in started] + [alice.send(5 + n) for n in range(refused)]
    for s in sent:
        bob.action("cashu_receive", wait="none", token=s["result"]["token"])
    bob.settle()
    same([a["status"] for a in bob.all_of("action.list", "actions", kind="cashu_receive")], ["done"] * len(sent), "received")


@scenario("receive twice: the same wallet finds its first receive, another one hears that it is spent")
def receive_twice(world):
    alice, bob = world.pair()
    carol = world.wallet("carol")
    alice.issue(100)
    token = alice.token(36)
    first = bob.receive_well(token)
    again = bob.receive_well(token)
    same((again["id"], again["result"]), (first["id"], first["result"]), "the second receive")
    same(bob.total(), 36 - world.fee(2), "balance")
    late = carol.receive(token)
    same((late["status"], late["error"]["kind"], late["funds_moved"]), ("failed", "token_spent", "no"), "somebody else")
    same(carol.total(), 0, "balance of the one who came late")


@scenario("two wallets race for one token: one has it")
def race_for_a_token(world):
    alice, bob = world.pair()
    carol = world.wallet("carol")
    alice.issue(100)
    token = alice.token(36)
    for w in (bob, carol):
        w.action("cashu_receive", wait="none", token=token)
    for w in (bob, carol):
        w.settle()
    ends = sorted(a["status"] for w in (bob, carol) for a in w.all_of("action.list", "actions", kind="cashu_receive"))
    same(ends, ["done", "failed"], "how the two receives ended")
    same(bob.total() + carol.total(), 36 - world.fee(2), "what both have")


@scenario("receive: the reply is lost, the request is delivered twice, the request is lost")
def receive_lost(world):
    alice, bob = world.pair()
    alice.issue(1000)
    made = [alice.token(100 + n) for n in range(3)]
    world.proxy.reset()
    for token, trouble in zip(made, (world.proxy.lose_reply, world.proxy.deliver_twice, world.proxy.lose_request)):
        before, sent = bob.total(), len(world.proxy.bodies(SWAP))
        trouble(SWAP)
        started = bob.action("cashu_receive", wait="none", token=token)
        bob.settle()
        same(bob.get(started)["status"], "done", "the receive")
        check(bob.total() > before, "it was counted")
        same(len(set(world.proxy.bodies(SWAP)[sent:])), 1, "different requests for one receive")


@scenario("a token of a mint that is not known: refused, then taken with trust")
def unknown_mint(world):
    alice = world.wallet("alice")
    bob = world.wallet("bob", trust=False)
    alice.issue(100)
    token = alice.token(36)
    try:
        bob.receive(token)
        check(False, "a token of an unknown mint was taken")
    except lab.RpcError as no:
        same((no.kind, no.data["field"], no.data["funds_moved"]), ("unknown_mint", "token", "no"), "refusal")
        check("mint.add" in no.data["hint"] and "trust" in no.data["hint"], "the way out")
    same(bob.call("mint.list")["mints"], [], "mints after a refusal")
    bob.receive_well(token, trust=True)
    same([(m["url"], m["trusted"]) for m in bob.call("mint.list")["mints"]], [(world.proxy.url, True)], "mints")


# --- swap, cancel ---

@scenario("swap: many small notes become few")
def consolidate(world):
    alice = world.wallet("alice")
    for _ in range(6):
        alice.issue(15)
    before = len([p for p in alice.proofs() if p["state"] == "spendable"])
    plan = alice.plan("cashu_swap", mint=alice.mint_url)
    done = alice.action("cashu_swap", mint=alice.mint_url)
    fee = world.fee(before)
    same((plan["fee"], done["result"]["fee"], alice.total()), (fee, fee, 90 - fee), "fee and balance")
    after = [p for p in alice.proofs() if p["state"] == "spendable"]
    check(len(after) < before, f"{before} notes became {len(after)}")


@scenario("cancel: an unclaimed token comes back, and is worth nothing then")
def cancel_reclaims(world):
    alice, bob = world.pair()
    alice.issue(100)
    sent = alice.send(36)
    back = alice.cancel(sent)
    fee = world.fee(2)
    same((back["status"], back["result"]["reclaimed"], back["result"]["fee"], back["funds_moved"]),
         ("cancelled", 36 - fee, fee, "yes" if fee else "no"), "the cancelled send")
    same((alice.bucket("spendable"), alice.bucket("sent")), (100 - fee, 0), "balance")
    late = bob.receive(sent["result"]["token"])
    same((late["status"], late["error"]["kind"], late["funds_moved"]), ("failed", "token_spent", "no"), "the receiver")


@scenario("cancel: a token that was claimed meanwhile is told as claimed")
def cancel_after_claim(world):
    alice, bob = world.pair()
    alice.issue(100)
    sent = alice.send(36)
    bob.receive_well(sent["result"]["token"])
    done = alice.cancel(sent)
    same((done["status"], done["result"]["claimed"]), ("done", True), "the send")
    same(alice.total(), 64, "balance")


@scenario("cancel: the replies to taking it back are lost")
def cancel_lost(world):
    alice = world.wallet("alice")
    alice.issue(100)
    sent = alice.send(36)
    world.proxy.lose_reply(SWAP)
    alice.call("action.cancel", id=sent["id"])
    alice.settle()
    same(alice.get(sent)["status"], "cancelled", "the send")
    same(alice.total(), 100 - world.fee(2), "balance")


@scenario("cancel: an invoice that nobody has paid", mints="stingy")
def cancel_issue(world):
    alice = world.wallet("alice")
    started = alice.action("cashu_issue", wait="park", mint=alice.mint_url, amount=50)
    same((started["status"], started["state"]), ("parked", "awaiting_payment"), "before it is paid")
    check(started["result"]["request"].startswith("lnbc"), "there is an invoice to pay")
    done = alice.cancel(started)
    same((done["status"], done["funds_moved"]), ("cancelled", "no"), "the issue")
    same(alice.total(), 0, "balance")


# --- the same thing asked twice ---

@scenario("idempotency keys: one answer for ever, also over a restart")
def idempotency(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    first = alice.action("cashu_send", wait="park", key="order-1", amount=300)
    again = alice.action("cashu_send", wait="park", key="order-1", amount=300)
    same(again.pop("replayed"), True, "a replay that says so")
    same(again, first, "the replayed answer")
    try:
        alice.action("cashu_send", wait="park", key="order-1", amount=301)
        check(False, "the same key for something else")
    except lab.RpcError as no:
        same((no.code, no.kind, no.data["funds_moved"]), (-32013, "idempotency_mismatch", "no"), "refusal")
    alice.restart()
    again = alice.action("cashu_send", wait="park", key="order-1", amount=300)
    same((again["id"], again["result"]), (first["id"], first["result"]), "after a restart")
    same(alice.call("action.get", idempotency_key="order-1")["id"], first["id"], "action.get by its key")
    same(len([a for a in alice.active() if a["kind"] == "cashu_send"]), 1, "sends")


# --- the mint is away ---

@scenario("the mint is down: nothing is lost, what waits says why, and it goes on by itself", mints="fee")
def mint_down(world):
    alice, bob = world.wallet("alice", url=world.mint.url), world.wallet("bob", url=world.mint.url)
    alice.issue(1000)
    token, before = alice.token(100), bob.total()
    world.mint.stop()
    try:
        receiving = bob.action("cashu_receive", wait="park", token=token)
        sending = alice.action("cashu_send", wait="none", amount=333)
        exact = alice.action("cashu_send", wait="none", amount=min(p["amount"] for p in alice.proofs() if p["state"] == "spendable"))
        lab.wait_until(lambda: bob.get(receiving)["error"], "the receive says what is wrong")
        waiting = bob.get(receiving)
        same(waiting["error"]["kind"], "peer_unavailable", "what the receive waits for")
        check(waiting["status"] in ("parked", "uncertain"), "status: " + waiting["status"])
        same((bob.total(), alice.bucket("spendable") + alice.bucket("locked") + alice.bucket("sent")), (before, alice.total()),
             "balances without the mint")
        check(any(p["url"] == world.mint.url and p["trouble"] for p in bob.call("status")["peers"]), "status names the peer")
        same(alice.get(exact, wait="park")["state"], "token_created", "a send of notes that are there needs no mint")
        alice.restart()
    finally:
        world.mint.start()
        world.mint.ready()
    alice.settle()
    same(bob.get(receiving, wait="done")["status"], "done", "the receive, by itself, once the mint is back")
    same(alice.get(sending)["state"], "token_created", "the send")


@scenario("the mint restarts between request and reply", mints="fee")
def mint_restarts(world):
    alice, bob = world.pair()
    alice.issue(100)
    token = alice.token(36)

    acted, back = threading.Event(), threading.Event()

    def away():
        acted.set()
        back.wait(60)
        return LOST

    world.proxy.at(world.proxy.after, SWAP, away)
    started = bob.action("cashu_receive", wait="none", token=token)
    check(acted.wait(30), "the swap passes by")
    world.mint.stop()
    world.mint.start()
    world.mint.ready()
    back.set()
    bob.settle()
    same((bob.get(started)["status"], bob.total()), ("done", 36 - world.fee(2)), "the receive")


# --- units, mints, seeds ---

@scenario("another unit: usd is issued, sent and received, and never mixed with sat")
def usd(world):
    world.needs("usd")
    alice, bob = world.pair()
    alice.issue(500, unit="usd")
    alice.issue(100)
    bob.receive_well(alice.token(123, unit="usd"))
    check(0 < bob.total("usd") <= 123 and bob.total() == 0, "what arrived")
    same(alice.total(), 100, "sat of the sender")
    # The same notes called sat.
    mint, _, proofs = tokens.token_read(alice.token(7, unit="usd"))
    token = tokens.token_v3(mint, "sat", proofs)
    before = alice.active(), bob.total(), bob.total("usd")
    refused = bob.receive(token)
    same((refused["status"], refused["error"]["kind"], refused["funds_moved"]), ("failed", "wrong_unit", "no"), "refusal")
    same((alice.active(), bob.total(), bob.total("usd")), before, "balances")


@scenario("one seed in two wallets: used counters are passed over", mints="fee")
def restored_seed(world):
    alice = world.wallet("alice")
    alice.issue(100)
    alice.receive_well(alice_token_from(world, alice))
    again = world.wallet("again", mnemonic=alice.words)
    again.issue(7)
    same((again.total(), alice.total()), (7, alice.total()), "balances")
    check("wallet.counter_collision" in {e["kind"] for e in again.all_of_events()}, "the collision is in the event log")


def alice_token_from(world, alice):
    """A token by way of a third wallet, so that more counters are used."""
    carol = world.wallet("carol")
    carol.receive_well(alice.token(50))
    return carol.token(20)


@scenario("restart: the token, the history and the balance are as they were; a backup opens")
def restart(world):
    alice = world.wallet("alice")
    alice.issue(1000)
    sent = alice.send(300)
    before = alice.call("balance"), alice.proofs(), alice.all_of("history", "movements"), alice.get(sent)
    alice.restart()
    same((alice.call("balance"), alice.proofs(), alice.all_of("history", "movements"), alice.get(sent)), before, "state")
    backup = alice.call("backup.create", path=os.path.join(world.folder, "backup.db"))
    same(alice.call("backup.verify", path=backup["path"], sha256=backup["sha256"])["valid"], True, "the backup")


# --- another wallet ---

class Cashu:
    """The wallet that comes with nutshell."""

    def __init__(self, world):
        self.program = os.path.join(os.path.dirname(real_mint.install()), "cashu")
        if not os.path.exists(self.program):
            raise Skip("nutshell's own wallet is not installed")
        self.env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.path.join(world.folder, "nutshell-home"),
                    "MINT_URL": world.proxy.url, "TOR": "FALSE"}
        os.makedirs(self.env["HOME"])

    def run(self, *words):
        done = subprocess.run([self.program, "--yes", *words], env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=CASHU_CLI_S, check=False)
        text = done.stdout.decode(errors="replace")
        same(done.returncode, 0, f"cashu {words[0]}: {text}")
        return text

    def balance(self):
        return int(re.search(r"Balance: (\d+) sat", self.run("balance")).group(1))


@scenario("nutshell's wallet takes our tokens, and we take its own: V4, V3, and none that is locked to another", mints="fee")
def other_wallet(world):
    alice = world.wallet("alice")
    theirs = Cashu(world)
    alice.issue(1000)
    theirs.run("receive", alice.token(500))
    has = 500 - world.fee(len([b for b in bin(500) if b == "1"]))
    same(theirs.balance(), has, "what it counts")
    for words in (("send", "21"), ("send", "--legacy", "34"), ("send", "--dleq", "55")):
        token = re.search(r"cashu[AB][A-Za-z0-9_=-]+", theirs.run(*words)).group(0)
        same(token[5], "A" if "--legacy" in words else "B", "version of its token")
        before = alice.total()
        got = alice.receive_well(token)["result"]
        same(alice.total() - before, got["amount"], "received")
        same(got["amount"] + got["fee"], int(words[-1]), "amount of the token")
    key = "P2PK:0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    locked = re.search(r"cashuB[A-Za-z0-9_=-]+", theirs.run("send", "--lock", key, "5")).group(0)
    try:
        alice.receive(locked)
        check(False, "a locked token was taken")
    except lab.RpcError as no:
        same((no.kind, no.data["field"], no.data["funds_moved"]), ("proof_locked", "token", "no"), "refusal")
    world.outside["sat"] = theirs.balance() + 5
