"""A wallet from its words alone: what the mint has signed for them is found again, once, and what was spent is not."""
import os
import shutil

import lab
from bad_input import Unchanged, not_started
from bench import check, same, scenario

RESTORE, CHECK = "/v1/restore", "/v1/checkstate"


def leave(world, wallet):
    """The wallet is gone for good; its words are left."""
    wallet.settle()
    wallet.look_at_tokens()
    for unit in world.fees_before:
        world.fees_before[unit] += sum(m["fee"] for m in wallet.history(unit))
    has = wallet.bucket("spendable"), sorted(p["y"] for p in wallet.proofs() if p["state"] == "spendable")
    wallet.stop()
    world.wallets.remove(wallet)
    return has


def heir_of(world, wallet, name="heir"):
    return world.wallet(name, trust=False, mnemonic=wallet.words)


def restore(wallet, world, **params):
    done = wallet.action("cashu_restore", mint=world.proxy.url, **params)
    same((done["status"], done["error"]), ("done", None), "how the restore ended")
    return done["result"]


def only(report):
    """The report on the keyset of sat, which is the only one that was ever used here."""
    used = [k for k in report["keysets"] if k["signatures"]]
    same([k["unit"] for k in used], ["sat"], "keysets in which the mint has signed")
    return used[0]


def lively(world):
    """A wallet with a history: issued, sent, received, swapped, taken back."""
    alice, bob = world.pair()
    alice.issue(1000)
    for amount in (300, 36, 7):
        bob.receive_well(alice.token(amount))
    alice.receive_well(bob.token(100))
    alice.cancel(alice.send(50))
    alice.action("cashu_swap", mint=alice.mint_url)
    alice.look_at_tokens()
    return alice


@scenario("restore: from the words alone, all that is unspent, and again nothing")
def from_words(world):
    alice = lively(world)
    has, ys = leave(world, alice)
    heir = heir_of(world, alice)
    same(heir.total(), 0, "before")
    report = restore(heir, world)
    found = only(report)
    same((report["restored"]["sat"], found["amount"], found["restored"]), (has, has, len(ys)), "the report")
    check(found["spent"] > 0 and found["signatures"] == found["spent"] + found["restored"], f"what was spent: {found}")
    check(found["scanned"] >= 400, "three empty batches at the end")
    same((heir.bucket("spendable"), sorted(p["y"] for p in heir.proofs())), (has, ys), "what it has")
    same([(m["kind"], m["amount"]) for m in heir.history()], [("restore", has)], "history")
    with Unchanged(heir):
        again = only(restore(heir, world))
        same((again["restored"], again["known"], again["spent"]), (0, len(ys), found["spent"]), "the second time")


@scenario("restore: life goes on, and no secret is drawn twice")
def afterwards(world):
    alice = lively(world)
    leave(world, alice)
    heir = heir_of(world, alice)
    restore(heir, world)
    carol = world.wallet("carol")
    heir.issue(77)
    carol.receive_well(heir.token(33))
    same([e for e in heir.all_of_events() if e["kind"] == "wallet.counter_collision"], [], "collisions")


@scenario("restore: replies are lost, and the wallet is killed in the middle")
def interrupted(world):
    alice = lively(world)
    has, ys = leave(world, alice)
    heir = heir_of(world, alice)
    world.proxy.lose_reply(RESTORE)
    world.proxy.lose_reply(CHECK)
    started = heir.action("cashu_restore", wait="none", mint=world.proxy.url)
    heir.settle()
    same((heir.get(started)["status"], heir.total()), ("done", has), "through what was lost")
    leave(world, heir)

    last = heir_of(world, alice, "last")
    world.proxy.at(world.proxy.after, RESTORE, last.kill)
    try:
        last.action("cashu_restore", wait="none", key="once", mint=world.proxy.url)
    except lab.Died:
        pass  # the mint was quicker than the answer
    lab.wait_until(lambda: not last.alive(), "it is killed")
    last.start()
    last.settle()
    again = last.action("cashu_restore", wait="done", key="once", mint=world.proxy.url)
    same(last.get(again)["status"], "done", "the restore after the kill")
    same((last.total(), sorted(p["y"] for p in last.proofs())), (has, ys), "what it has")


@scenario("restore: a token that nobody claimed is found, too, and is whose hand is quicker", mints="fee")
def unclaimed(world):
    alice, bob = world.pair()
    alice.issue(100)
    token = alice.token(36)
    locked = alice.token(21, lock_to=[bob.call("lock_key.new")["public_key"]])
    spendable, _ = leave(world, alice)
    heir = heir_of(world, alice)
    report = restore(heir, world)
    same(report["restored"]["sat"], spendable + 36, "the token's notes are in it, those of the locked one are not")
    check(any("nobody has claimed" in words for words in report["limits"]), "the report says so")
    bob.receive_well(token)
    bob.receive_well(locked)
    # Its notes are spent, which the heir learns when it uses them.
    end = heir.action("cashu_swap", mint=world.proxy.url)
    same((end["status"], end["error"]["kind"]), ("failed", "token_spent"), "the use of what was taken")
    heir.action("cashu_swap", mint=world.proxy.url)


@scenario("restore: beside a wallet that is at work, and in one that has everything", mints="fee")
def at_work(world):
    alice = lively(world)
    before, fees = alice.total(), sum(m["fee"] for m in alice.history())
    started = alice.action("cashu_restore", wait="none", mint=world.proxy.url)
    alice.issue(64)
    bob = world.wallet("carol")
    bob.receive_well(alice.token(33))
    alice.settle()
    alice.look_at_tokens()
    done = alice.get(started)
    same((done["status"], done["result"]["restored"]["sat"]), ("done", 0), "the restore")
    fees = sum(m["fee"] for m in alice.history()) - fees
    same(alice.total(), before + 64 - 33 - fees, "nothing was found twice")


@scenario("restore: cancelled, or of a mint that is none", mints="fee")
def refused(world):
    alice = world.wallet("alice", trust=False)
    with Unchanged(alice):
        not_started(alice, "invalid_params", "cashu_restore", "mint", {})
        not_started(alice, "invalid_params", "cashu_restore", "gap", {"mint": world.proxy.url, "gap": 0})
        bad = alice.action("cashu_restore", mint=f"http://127.0.0.1:{lab.free_port()}")
        same((bad["status"], bad["error"]["kind"], bad["funds_moved"]), ("failed", "peer_unavailable", "no"), "no mint there")
    with Unchanged(alice):
        for _ in range(1000):
            world.proxy.lose_reply(RESTORE)
        started = alice.action("cashu_restore", wait="none", mint=world.proxy.url)
        lab.wait_until(lambda: alice.get(started)["error"], "every reply is lost")
        same(alice.cancel(started)["status"], "cancelled", "the restore")
        world.proxy.reset()


@scenario("a backup is put back: notes spent since are gone, notes made since are found, and actions go on", mints="fee")
def put_back(world):
    alice, bob = world.pair()
    alice.issue(500)
    open_token = alice.token(100)
    backup = alice.call("backup.create")["path"]
    bob.receive_well(open_token)
    bob.receive_well(alice.token(130, include_fee=True))
    alice.issue(64)
    alice.action("cashu_swap", mint=alice.mint_url)
    alice.look_at_tokens()
    total = alice.total()

    alice.stop()
    database = os.path.join(alice.datadir, "wallet.db")
    for name in (database + "-wal", database + "-shm"):
        if os.path.exists(name):
            os.remove(name)
    shutil.copyfile(backup, database)
    alice.start()
    lab.wait_until(lambda: any(e["kind"] == "wallet.backup_put_back" for e in alice.all_of_events()), "it knows what it is")
    alice.settle()
    alice.look_at_tokens()
    same(alice.total(), total, "balance")
    alice.issue(8)
    alice.send(200)
    world.outside["sat"] = 0  # what it paid in fees since the backup is in no history any more
    alice.restart()
    same([e["kind"] for e in alice.all_of_events()].count("wallet.backup_put_back"), 1, "how often it asked")
