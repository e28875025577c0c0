"""Ecash that is locked to a key or a hash, at the real mint, which judges every witness itself; and the same between this
wallet and nutshell's own."""
import hashlib
import re
import time

import lab
from bad_input import Unchanged, ends_badly, not_started, refused
from bench import check, same, scenario
from flows import Cashu

SWAP, RESTORE = "/v1/swap", "/v1/restore"
PREIMAGE = "00112233445566778899aabbccddeeff" * 2
HASH = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()
STRANGER = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"


def key_of(wallet):
    return wallet.call("lock_key.new")["public_key"]


@scenario("locks: a token for one key is taken by its owner, and by nobody else")
def to_one_key(world):
    alice, bob = world.pair()
    carol = world.wallet("carol")
    alice.issue(1000)
    keys = [key_of(bob) for _ in range(3)]
    same([k["public_key"] for k in bob.call("lock_key.list")["keys"]], keys, "the keys that were given out")
    plan = alice.plan("cashu_send", amount=300, lock_to=[keys[1]])
    check(plan["swap"] and plan["lock"]["data"] == keys[1], f"plan: {plan}")
    sent = alice.send(300, lock_to=[keys[1]])
    same((sent["result"]["fee"], alice.bucket("spendable")), (plan["fee"], plan["remains"]), "as planned")
    token = sent["result"]["token"]
    with Unchanged(carol, alice):
        refused(carol, "proof_locked", "action.start", field="token", says="1 signatures of 1 keys",
                kind="cashu_receive", params={"token": token})
        refused(alice, "not_cancellable", "action.cancel", says="locked, and not to this wallet", id=sent["id"])
    for w, opens in ((bob, True), (carol, False)):
        read = w.call("token.decode", token=token)["proofs"]
        same({(p["dleq"], p["lock"]["data"], p["opens_here"]) for p in read}, {("valid", keys[1], opens)}, "the token as decoded")
    got = bob.receive_well(token)["result"]
    same((got["amount"] + got["fee"], bob.total()), (300, got["amount"]), "received")


@scenario("locks: the key of a wallet that was restored from its words, and does not know it yet", mints="fee")
def key_of_a_former_life(world):
    alice, bob = world.pair()
    alice.issue(100)
    keys = [key_of(bob) for _ in range(8)]
    heir = world.wallet("heir", mnemonic=bob.words)
    same(heir.call("lock_key.list")["keys"], [], "the keys that it knows of")
    heir.receive_well(alice.token(36, lock_to=[keys[5]]))
    same([k["public_key"] for k in heir.call("lock_key.list")["keys"]], keys[:6], "the keys that are in use")
    same(key_of(heir), keys[6], "the next key")


@scenario("locks: the reply to a locked token's swap is lost: the same witness again")
def locked_lost(world):
    alice, bob = world.pair()
    alice.issue(1000)
    token = alice.token(300, lock_to=[key_of(bob)])
    for trouble in (world.proxy.lose_reply, world.proxy.lose_request, world.proxy.deliver_twice):
        world.proxy.reset()
        trouble(SWAP)
        started = bob.action("cashu_receive", wait="none", token=token)
        bob.settle()
        same(bob.get(started)["status"], "done", "the receive")
        same(len(set(world.proxy.bodies(SWAP))), 1, "different requests for one receive")
        check(b'"witness"' in world.proxy.bodies(SWAP)[0], "signatures went along")
        token = alice.token(100, lock_to=[key_of(bob)])
    bob.receive_well(token)


@scenario("locks: a child swap that makes locked notes loses its reply: they are had from the mint's memory")
def locked_send_lost(world):
    alice, bob = world.pair()
    alice.issue(1000)
    world.proxy.lose_reply(SWAP)
    world.proxy.lose_reply(SWAP)
    sent = alice.action("cashu_send", wait="none", amount=300, lock_to=[key_of(bob)])
    alice.settle()
    bob.receive_well(alice.get(sent)["result"]["token"])


@scenario("locks: two of three keys, and the signature covers what is made of it")
def several_keys(world):
    alice, bob = world.pair()
    carol = world.wallet("carol")
    alice.issue(1000)
    of_bob = [key_of(bob), key_of(bob)]
    token = alice.token(100, lock_to=[of_bob[0], STRANGER, of_bob[1]], lock_need=2)
    bob.receive_well(token)
    with Unchanged(carol, bob):
        token = alice.token(50, lock_to=[key_of(carol), of_bob[0]], lock_need=2)
        for w in (carol, bob):
            refused(w, "proof_locked", "action.start", field="token", says="2 signatures of 2 keys, of which 1",
                    kind="cashu_receive", params={"token": token})
    world.proxy.reset()
    bob.receive_well(alice.token(77, lock_to=[of_bob[1]], lock_outputs=True))
    body = world.proxy.bodies(SWAP)[-1]
    same(body.count(b'"witness"'), 1, "witnesses in a swap whose one signature covers all")


@scenario("locks: after the locktime, what nobody took comes back")
def refund(world):
    alice, bob = world.pair()
    alice.issue(1000)
    until = int(time.time()) + 3
    theirs = key_of(bob)
    sent = alice.send(100, lock_to=[theirs], locktime_s=until)
    no = refused(alice, "not_cancellable", "action.cancel", hint=[str(until)], id=sent["id"])
    check("locked" in str(no), f"the reason: {no}")
    # With the payee's key it can be taken all the time; without keys for a refund, by anybody at the end.
    taken = alice.send(60, lock_to=[theirs], locktime_s=until)
    open_to_all = alice.token(30, lock_to=[theirs], locktime_s=until, refund_to=[])
    bob.receive_well(taken["result"]["token"])
    lab.wait_until(lambda: time.time() > until + 1, "the locktime")
    back = alice.cancel(sent)
    same((back["status"], back["result"]["claimed"]), ("cancelled", False), "the token that came back")
    carol = world.wallet("carol")
    carol.receive_well(open_to_all)
    ends_badly(bob, "token_spent", sent["result"]["token"])


@scenario("locks: to a hash: the preimage opens it, and no other")
def to_a_hash(world):
    alice, bob = world.pair()
    alice.issue(1000)
    token = alice.token(100, lock_hash=HASH)
    with Unchanged(bob):
        refused(bob, "proof_locked", "action.start", field="token", says="preimage", kind="cashu_receive",
                params={"token": token})
        refused(bob, "proof_locked", "action.start", field="token", says="preimage", kind="cashu_receive",
                params={"token": token, "preimage": HASH})
    done = bob.receive_well(token, preimage=PREIMAGE)
    check(PREIMAGE not in str(bob.get(done)) and PREIMAGE not in bob.log(), "the preimage is shown")
    bob.receive_well(alice.token(50, lock_hash=HASH, lock_to=[key_of(bob)]), preimage=PREIMAGE)


@scenario("locks: what cannot be asked for", mints="fee")
def bad_locks(world):
    alice = world.wallet("alice")
    alice.issue(100)
    for kind, field, params in (
            ("invalid_params", "lock_to", {"lock_to": ["02" + "zz" * 32]}),
            ("invalid_params", "lock_to", {"lock_to": [STRANGER[2:]]}),
            ("bad_lock", "lock_to", {"lock_to": ["05" + STRANGER[2:]]}),
            ("bad_lock", "lock_to", {"lock_to": [STRANGER, "03" + STRANGER[2:]]}),
            ("bad_lock", "lock_need", {"lock_to": [STRANGER], "lock_need": 2}),
            ("bad_lock", "locktime_s", {"lock_to": [STRANGER], "locktime_s": 1700000000}),
            ("bad_lock", "lock_to", {"lock_to": [STRANGER], "refund_to": [STRANGER]}),
            ("bad_lock", "refund_need", {"lock_to": [STRANGER], "locktime_s": 4000000000, "refund_to": [], "refund_need": 1}),
            ("invalid_params", "locktime_s", {"locktime_s": 4000000000}),
            ("invalid_params", "lock_hash", {"lock_hash": "zz" * 32})):
        with Unchanged(alice):
            not_started(alice, kind, "cashu_send", field, {"amount": 10, **params})
    with Unchanged(alice):
        not_started(alice, "invalid_params", "cashu_swap", "lock",
                    {"mint": alice.mint_url, "target": 10, "lock": {"kind": "P2PK", "data": STRANGER, "tags": []}})
    many = [key for n in range(1, 17) for key in [point(n)]]
    with Unchanged(alice):
        not_started(alice, "out_of_range", "cashu_send", "lock_to", {"amount": 10, "lock_to": many})


def point(n):
    """n times the generator of secp256k1, compressed."""
    p = 2**256 - 2**32 - 977
    g = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
         0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
    x, y = g
    for _ in range(n - 1):
        slope = (3 * x * x * pow(2 * y, -1, p) if (x, y) == g else (y - g[1]) * pow(x - g[0], -1, p)) % p
        x, y = (lambda nx: (nx, (slope * (x - nx) - y) % p))((slope * slope - x - g[0]) % p)
    return f"{2 + y % 2:02x}{x:064x}"


@scenario("locks: nutshell's wallet opens ours, and we open its own", mints="fee")
def with_nutshell(world):
    alice = world.wallet("alice")
    theirs = Cashu(world)
    alice.issue(1000)
    theirs.run("receive", alice.token(500))
    lock = re.search(r"P2PK:([0-9a-f]{66})", theirs.run("lock", "p2pk")).group(1)
    before = theirs.balance()
    theirs.run("receive", alice.token(64, lock_to=[lock]))
    same(theirs.balance() - before, 64 - world.fee(1), "what it got from our locked token")
    for more in ((), ("--timelock", "1000", "--refund", STRANGER)):
        text = theirs.run("send", "--lock", "P2PK:" + key_of(alice), *more, "21")
        token = re.search(r"cashuB[A-Za-z0-9_=-]+", text).group(0)
        total = alice.total()
        got = alice.receive_well(token)["result"]
        same((got["amount"] + got["fee"], alice.total() - total), (21, got["amount"]), "received from its locked token")
    world.outside["sat"] = theirs.balance()
