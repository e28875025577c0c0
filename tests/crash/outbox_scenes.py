"""What happens to directives while their daemon is killed: a scene for each way that one can go."""
import collections
import contextlib
import os
import sqlite3

import abi
import directives
import evm
import evm_acts
import evm_books
import keystore
import lab
import rlp
from evm_books import CONFIRMED, DEAD_LETTERED, INCLUDED, MANUAL, REVERTED, carried
from evm_gate import SEND
from outbox_world import SETTLE_S, Scene, check

PASSWORD = "of no value"
CREDIT = "system_credit_option"
# What an operator is told before a node has shown what became of a nonce: the head first, and the logs a little later.
NOT_YET = ("peer_unavailable", "old_nonce_still_valid", "no_evidence", "conflict")


def holds(directive_id):
    """For when=: a call with a transaction, sent or tried, that carries this directive."""
    wanted = directives.id_hash(directive_id)

    def fits(call):
        if call.method == SEND:
            data = rlp.transaction(evm.raw(call.params[0])).data
        else:
            data = evm.raw(call.params[0].get("data") or call.params[0].get("input") or "0x")
        is_delivery = data[:4] in (abi.selector(directives.EXECUTE), abi.selector(directives.EXECUTE_BATCH))
        return is_delivery and wanted in [id_hash for id_hash, _ in carried(data)]
    return fits


class FirstSeen:
    """For when=: the transaction that is sent first, whenever it comes again."""

    def __init__(self):
        self.first = None

    def __call__(self, call):
        self.first = self.first or call.params[0]
        return call.params[0] == self.first


class OtherThanFirst(FirstSeen):
    """For when=: any but that."""

    def __call__(self, call):
        return not super().__call__(call)


class Single(Scene):
    """Each in a transaction of its own, over two lanes."""

    chain_words = {"lanes": 2}
    points = ("outbox.append", "rpc.reply", "outbox.receipt", "outbox.confirm")


class Batched(Scene):
    """Several in a transaction, appended together."""

    chain_words = {"batch": 4}
    count = 8
    points = ("outbox.append", "outbox.receipt", "outbox.confirm")

    def act(self):
        self.offer_all()
        self.rest()


class Two(Batched):
    """Two daemons on one database; one of them may be killed, and what it had claimed comes back when its lease ends."""

    chain_words = {"lanes": 2, "batch": 2}
    options = ("--shared_state=1",)

    def act_with(self, other):
        """Both are given work; this one is the one that is watched."""
        for n in range(self.count):
            self.offer(n, other if n % 2 else self.wallet)
        self.rest()


class InOrder(Batched):
    """One after the other is confirmed."""

    space_words = {"ordering": "signer", "release_at": "confirmed"}
    count = 3
    points = ("outbox.receipt", "outbox.confirm")


class Lossy(Batched):
    """A request, and the answer of another, are lost on the way to the node and back."""

    count = 6
    points = ("outbox.receipt",)

    def prepare(self):
        self.gate.at(SEND, evm_acts.lose_reply())
        self.gate.at(SEND, evm_acts.lose_request(), nth=2)


# --- somebody else's hand in it ---

class Shared(Scene):
    """The signer's key is in a file, and somebody else has it, too.  All is accepted before it may go on."""

    space_words = {"signer": "file:signer"}
    chain_words = {"batch": 3}

    def open(self):
        self.key, secret = list(self.worker.node.accounts().items())[2]
        folder = os.path.join(self.datadir, "keys")
        os.makedirs(folder, mode=0o700)
        keystore.write(os.path.join(folder, "signer.json"), self.key, secret, PASSWORD, n=2)
        with open(os.open(os.path.join(folder, "signer.password"), os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="ascii") as f:
            f.write(PASSWORD + "\n")
        super().open()

    def prepare(self):
        self.wallet.call("outbox.pause", all=True, reason="not yet")
        self.offer_all()
        self.meanwhile()

    def meanwhile(self):
        """What is done while they wait."""

    def take(self, n):
        """The nonce of this one is used for another directive."""
        nonce = int(self.given[f"d-{n}"])
        other = directives.Directive(f"not {n}", self.account(n), self.action(n), nonce, b"")
        tx = self.contract.execute(self.worker.stranger, other, self.contract.sign(self.key, other))
        self.chain.mined(tx)
        self.others = {"strangers": [*self.others.get("strangers", []), (self.signer, nonce)]}

    def burn(self, *numbers):
        self.contract.revoke(self.signer, [int(self.given[f"d-{n}"]) for n in numbers])

    def act(self):
        self.wallet.call("outbox.resume", all=True, reason="now")
        self.rest()


class Taken(Shared):
    """Nonces are spent before they are submitted, and not by us: a person has to look."""

    points = ("outbox.settle", "outbox.manual")
    attention = {"manual_reconciliation"}

    def meanwhile(self):
        self.take(1)
        self.burn(2)

    def expected(self):
        return {**super().expected(), "d-1": MANUAL, "d-2": MANUAL}


class GivenUp(Shared):
    """Of a kind that nobody knows; not what was accepted; with an action that the contract does not know."""

    points = ("outbox.dead_letter",)
    attention = {"directive_dead_lettered"}

    def meanwhile(self):
        self.contract.set_action(CREDIT, False)

    def open(self):
        super().open()
        with contextlib.closing(sqlite3.connect(os.path.join(self.datadir, "wallet.db"))) as db, db:
            db.execute("UPDATE directive_outbox SET kind = 'needs_other_signature' WHERE directive_id = 'd-0'")
            db.execute("UPDATE directive_outbox SET payload = x'00' WHERE directive_id = 'd-1'")

    def expected(self):
        return {**super().expected(), **dict.fromkeys(("d-0", "d-1", "d-2", "d-5"), DEAD_LETTERED)}

    def check(self, books):
        found = {i: books.by_id[i].reason for i in ("d-0", "d-1", "d-2", "d-5")}
        check(found == {"d-0": "unsupported_kind", "d-1": "idempotency_conflict", "d-2": "unsupported_action",
                        "d-5": "unsupported_action"}, f"they were given up for {found}")


class Operator(Shared):
    """A person decides: to send with another nonce, to give up, to try again, to take it as done, to burn the nonce."""

    chain_words = {"batch": 3, "relayer": "file:signer", "lanes": None}  # the contract lets its signer burn nonces
    points = ("outbox.decide", "rpc.reply", "outbox.settle", "outbox.manual", "outbox.dead_letter")

    def meanwhile(self):
        self.refusals = collections.Counter()
        self.burn(0, 1)
        self.take(3)
        self.contract.set_action(CREDIT, False)

    def act(self):
        super().act()
        self.once("allowed", self.contract.set_action, CREDIT, True)
        self.decide("d-0", "resubmit")
        self.decide("d-1", "abandon")
        self.decide("d-2", None)
        self.decide("d-3", "done", note="the customer has it")
        self.decide("d-5", "revoke")
        self.decide("d-5", "resubmit")
        self.rest()

    def decide(self, directive_id, action, **more):
        """Until the chain shows that it may be.  A refusal is what its key stands for, as any answer is."""
        method = "directive.resolve" if action else "directive.retry"
        if action:
            more["action"] = action

        def tried():
            key = f"{directive_id}-{action}"
            try:
                return self.wallet.call(method, directive_id=directive_id, reason="the books of Monday",
                                        idempotency_key=f"{key}-{self.refusals[key]}", **more)
            except lab.RpcError as no:
                if no.kind not in NOT_YET:
                    raise
                self.refusals[key] += 1
                return None
        lab.wait_until(tried, f"{action} of {directive_id}", SETTLE_S, 0.1)

    def expected(self):
        return {**super().expected(), "d-1": DEAD_LETTERED}

    def check(self, books):
        old = sorted(books.by_seq[h.seq].id for h in books.history)
        check(old == ["d-0", "d-5"], f"another nonce was given to {old}")
        audits = told(self.datadir, "outbox.audit")
        check(audits == {"d-0": 1, "d-1": 1, "d-2": 1, "d-3": 1, "d-5": 2}, f"what was decided: {audits}")


def told(datadir, kind):
    """{directive: how many events of this kind}."""
    with evm_books.opened(datadir) as db:
        return dict(db.execute("SELECT subject, count(*) FROM event WHERE kind = ? AND subject GLOB 'd-*' GROUP BY 1",
                               (kind,)))


class Overtaken(Scene):
    """What is on its way is delivered by a stranger first; of another the nonce is burnt."""

    chain_words = {"batch": 2}
    points = ("outbox.settle", "outbox.manual")
    attention = {"manual_reconciliation"}

    def prepare(self):
        self.gate.at(SEND, evm_acts.Act(first=self.copy), when=holds("d-0"))
        self.gate.at(SEND, evm_acts.before(self.burn), when=holds("d-3"))

    def copy(self, call):
        data = rlp.transaction(evm.raw(call.params[0])).data
        self.chain.mined(self.chain.send(self.worker.stranger, self.contract.address, data, gas=900_000))

    def burn(self):
        self.contract.revoke(self.signer, [int(self.given["d-3"])])

    def act(self):
        self.offer_all()
        self.rest()

    def expected(self):
        return {**super().expected(), "d-3": MANUAL}

    def check(self, books):
        check(books.by_id["d-0"].tx_id is None, "d-0 had its effect by another transaction, and has a slot")


class Reverted(Scene):
    """The contract refuses the effect, which nobody could see before."""

    points = ("outbox.settle",)
    lies = ()

    def payload(self, n):
        return directives.POISON if n == 1 else super().payload(n)

    def prepare(self):
        mine = holds("d-1")
        self.lies = [self.gate.at("eth_call", evm_acts.result("0x"), times=None, when=mine),
                     self.gate.at("eth_estimateGas", evm_acts.result(hex(500_000)), times=None, when=mine)]
        self.gate.at(SEND, evm_acts.before(self.truth), when=mine)

    def truth(self):
        for lie in self.lies:
            self.gate.lift(lie)

    def expected(self):
        return {**super().expected(), "d-1": REVERTED}


class Foreign(Scene):
    """Somebody else uses the relayer's account: what was in that slot goes out again in another."""

    chain_words = {"batch": 2}
    count = 4
    points = ("outbox.requeue", "outbox.settle")
    others = {"foreign_txs": 1}

    def prepare(self):
        relayer, = self.relayers
        self.gate.at(SEND, evm_acts.before(lambda: self.chain.mined(self.chain.send_as(relayer, relayer))))

    def act(self):
        self.offer_all()
        self.rest(self.chain.mine)


# --- the node ---

class Refused(Scene):
    """The node takes the first transaction for a bad one, however often it comes: its slot is filled anew."""

    chain_words = {"batch": 2}
    points = ("outbox.requeue",)

    def prepare(self):
        self.gate.at(SEND, evm_acts.error("intrinsic gas too low"), times=None, when=FirstSeen())

    def act(self):
        self.offer_all()
        self.rest(self.chain.mine)

    def check(self, books):
        check(any(slot.fill for slot in books.slots), "no slot was filled anew")


class RefusedAndDone(Refused):
    """It says so once, and takes it nevertheless."""

    points = ("outbox.requeue", "outbox.settle")

    def prepare(self):
        self.gate.at(SEND, evm_acts.error("intrinsic gas too low", passing_on=True))

    def check(self, books):
        pass  # whether it is filled anew is a race with its receipt


class Replaced(Scene):
    """Too cheap: a dearer one takes its place.  No block is made before it is there."""

    chain_words = {"batch": 3}
    points = ("outbox.replace",)

    def prepare(self):
        self.chain.automine(False)
        self.gate.at(SEND, evm_acts.error("replacement transaction underpriced", passing_on=True), times=None,
                     when=FirstSeen())

    def act(self):
        self.offer_all()
        self.rest(self.mine)

    def mine(self):
        if self.replaced():
            self.chain.mine()

    def replaced(self):
        return any(attempt.attempt for attempt in evm_books.Books(self.datadir).attempts)

    def check(self, books):
        check(self.replaced(), "nothing was replaced")


class ReplacedInVain(Replaced):
    """The dearer one is lost on its way, and the first is mined."""

    def prepare(self):
        super().prepare()
        self.gate.at(SEND, evm_acts.lose_request(), when=OtherThanFirst())


class Reorged(Scene):
    """The blocks that held them are gone, before they were final."""

    chain_words = {"batch": 3, "confirmations": 3}
    count = 7  # the last comes when the others are gone
    points = ("outbox.reorg", "outbox.confirm")

    def prepare(self):
        self.chain.mine(3)
        self.before = self.chain.head()

    def act(self):
        self.offer_all(self.count - 1)
        if "reorg" not in self.done:
            lab.wait_until(lambda: set(self.status().values()) <= {INCLUDED, CONFIRMED}, "they are included", SETTLE_S)
            self.once("reorg", self.reorg)
        self.offer(self.count - 1)
        self.rest(self.chain.mine)

    def reorg(self):
        self.chain.reorg(self.chain.head() - self.before)

    def check(self, books):
        again = [i for i in self.ids() if "reorged" in books.words(books.by_id[i])]
        check(again == self.ids()[:-1], f"{again} were sent again")


class ReorgedDeep(Reorged):
    """The same when they were believed to be final, and are still looked after."""

    chain_words = {"batch": 10, "confirmations": 1}


ALL = (Single, Batched, InOrder, Lossy, Taken, GivenUp, Operator, Overtaken, Reverted, Foreign, Refused, RefusedAndDone,
       Replaced, ReplacedInVain, Reorged, ReorgedDeep)
