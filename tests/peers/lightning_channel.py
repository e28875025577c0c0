"""The model channel of the scripted Lightning node (lightningd_stub.py): one side's view of it, its peer, and what becomes
of a splice.  It behaves as Core Lightning 26.06 was measured to (spec/splice.md 5.1, [M]); what it says is in calls of
lightning_calls.py.

The chain is a real one: funding outputs and splices are transactions that a bitcoind takes or refuses.  Amounts are
satoshi; an outpoint is (txid, vout)."""
import hashlib
import threading
import time

import bitcoin
from bitcoin import Output
from lightning_coins import (BASE_WEIGHT, DUST, FUNDING_INPUT_WEIGHT, OUTPUT_WEIGHT, TWO_OF_TWO, COIN_INPUT_WEIGHT, fee_of,
                             open_witness, p2wsh)
from psbt import Psbt

NORMAL, AWAITING_SPLICE = "CHANNELD_NORMAL", "CHANNELD_AWAITING_SPLICE"
SHUTTING_DOWN, CLOSED, UNILATERAL, ONCHAIN = "CHANNELD_SHUTTING_DOWN", "CLOSINGD_COMPLETE", "AWAITING_UNILATERAL", "ONCHAIN"
OPEN = (NORMAL, AWAITING_SPLICE)
SPLICE_BITS = 1 << 63 | 1 << 35 | 0x8a2a59  # option_splice and option_quiesce, both optional, and what all have
# Of common/jsonrpc_errors.h.
BROADCAST_FAIL, WRONG_OWNER, UNKNOWN_CHANNEL, INVALID_STATE, NOT_SUPPORTED, BUSY = 350, 351, 352, 353, 354, 355
INPUT_ERROR, FUNDING_LOW, STATE_ERROR, LOW_FEE, HIGH_FEE, ABORT, CHANNEL_ERROR = 356, 357, 358, 359, 360, 362, 363
NOT_BEGUN = "because this channel hasn't begun a splice."


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


class Row:
    """A candidate that both sides have agreed upon: durable."""

    def __init__(self, tx, vout, feerate_kw, amount, psbt, ours):
        self.txid, self.vout, self.feerate_kw, self.amount, self.psbt, self.ours = (tx.txid(), vout, feerate_kw, amount, psbt,
                                                                                     ours)
        self.total = tx.outputs[vout].amount
        self.own_sigs = self.peer_sigs = False

    @property
    def outpoint(self):
        return self.txid, self.vout


class Round:
    """A negotiation: in memory only.  sent: what the peer has heard of it."""

    def __init__(self, relative, feerate_kw, force):
        self.relative, self.feerate_kw, self.force, self.sent = relative, feerate_kw, force, None


class Peer:
    """Who is at the other end.  aborts: {method: its words}, at the next call of it.  meddle(psbt): changes what we have
    proposed, the once."""

    def __init__(self, node_id):
        self.id, self.features = node_id, SPLICE_BITS
        self.connected, self.reachable, self.frozen, self.in_stfu, self.locks = True, True, False, False, True
        self.aborts, self.meddle = {}, None


class Channel:
    def __init__(self, world, name, peer, capacity, ours):
        """world: the stub, of which it uses node, coins, lock, journal, random and settings."""
        self.world, self.name, self.peer, self.capacity, self.to_us_msat = world, name, peer, capacity, ours * 1000
        self.id = hashlib.sha256(name.encode()).hexdigest()
        self.generation = 0
        self.state, self.changes, self.closer, self.close_cause, self.closing_txid = NORMAL, [], None, None, None
        self.rows = []
        self.volatile()
        self.funding = self.pay_funding()
        self.original = capacity, ours

    def volatile(self):
        """What a node forgets when it ends."""
        self.round = None
        self.running = None  # a command that waits: an Event
        self.aborting = 0.0, None  # until when the daemon that is on its way out answers, and what it says
        self.reestablished, self.reconnects = self.peer.connected, False

    # Its outputs.

    def witness(self, later=0):
        """That of its funding output, or of one that comes later."""
        return open_witness(f"{self.name} funding {self.generation + later}", TWO_OF_TWO)

    def pay_funding(self):
        node = self.world.node
        address = bitcoin.segwit_address("bcrt", 0, p2wsh(self.witness())[2:])
        tx = bitcoin.Tx.parse(node.raw(node.pay(address, self.capacity)))
        node.mine(6)
        return tx.txid(), next(n for n, o in enumerate(tx.outputs) if o.script == p2wsh(self.witness()))

    def funding_output(self):
        return Output(self.capacity, p2wsh(self.witness()))

    def next_script(self):
        """Of the output that replaces it, as long as no candidate has come to be it."""
        return p2wsh(self.witness(later=1))

    # Its peer.

    def disconnect(self):
        """What was under way is forgotten, without a word to whoever waits for it."""
        self.peer.connected = self.reestablished = False
        self.round = None

    def cut(self):
        """By the node itself, which connects again of its own."""
        self.disconnect()
        self.reconnects = True

    def look_for_peer(self):
        if self.reconnects and not self.peer.connected and self.peer.reachable:
            self.connect()

    def connect(self):
        """The handshake: what can be resumed is."""
        self.reconnects = False
        self.peer.connected = self.reestablished = True
        self.aborting = 0.0, None
        if self.state not in OPEN:
            return
        for row in self.rows:
            if row.own_sigs and row.peer_sigs:
                self.broadcast(row)
            elif row.own_sigs or not self.unsigned(row.psbt):
                self.exchange_signatures(row)

    @property
    def owner(self):
        """The name of the daemon that serves it, or None."""
        return "channeld" if self.state in OPEN and self.peer.connected else None

    def give_up(self, words):
        """We abort the round.  The daemon ends when the peer has heard of it, and what is asked meanwhile is answered by
        the abort."""
        self.round = None
        self.aborting = time.monotonic() + self.world.abort_s, words

    def check_fresh(self):
        until, words = self.aborting
        if time.monotonic() < until:
            raise Refused(ABORT, words)

    # Splices.

    def check_splice(self):
        """What is looked at before any command."""
        if not self.peer.features >> 62 & 3:
            raise Refused(NOT_SUPPORTED, "Peer does not support splicing")
        if not self.owner:
            raise Refused(WRONG_OWNER, "Channel is disconnected")

    def wait_for_peer(self, command):
        """A peer that is silent makes us wait; one that goes away meanwhile makes us wait for ever, until somebody
        aborts.  The lock is held, and let go meanwhile."""
        if self.peer.frozen:
            self.running = done = threading.Event()
            self.world.note("hang", self, command=command)
            while self.running is done and (self.peer.frozen or not self.reestablished or self.round is None):
                self.world.changed.wait(0.02)
                self.world.check_alive()
            if self.running is not done:
                raise Refused(ABORT, "requested by user")
            self.running = None
        words = self.peer.aborts.pop(command, None)
        if words is not None:
            self.round = None
            raise Refused(ABORT, f"Peer aborted for reason: {words}")

    def begin(self, relative, feerate_kw, force, initial):
        if self.round:
            raise Refused(STATE_ERROR, "Can't start two splices on the same channel at once.")
        # From here on there is one, whatever is said next.
        self.round = made = Round(relative, feerate_kw, force)
        if self.peer.in_stfu:
            raise Refused(STATE_ERROR, "Can't begin a splice while currently in STFU")
        if feerate_kw < self.world.floor_kw:
            raise Refused(STATE_ERROR, f"Feerate {feerate_kw} is too low. Lower than channel feerate_min "
                                       f"{self.world.floor_kw}")
        self.world.note("open", self, relative=relative, feerate_kw=feerate_kw, rbf=bool(self.rows))
        self.wait_for_peer("splice_init")
        if self.rows and not any(row.own_sigs for row in self.rows):
            # Its side has forgotten those that nobody signed and that could not be resumed.
            self.round = None
            raise Refused(CHANNEL_ERROR, "WARNING: tx_init_rbf without a splice to replace")
        found = initial.copy()
        found.add_input(*self.funding, self.funding_output(), sequence=0)
        found.add_output(self.capacity + relative, self.next_script())
        made.asked = found
        return found

    def update(self, given):
        """The PSBT, and whether it is final: (psbt, commitments, signatures)."""
        if not self.round:
            raise Refused(STATE_ERROR, "Can't accept a splice PSBT update " + NOT_BEGUN)
        self.wait_for_peer("splice_update")
        made = self.round
        if made.sent is None or contents(made.sent) != contents(given):
            made.sent = self.heard(given)
            self.world.note("update", self)
            return made.sent, False, False
        self.check_money(made, given)
        vout = [o.script for o in given.paid()].index(self.next_script())
        row = Row(given.tx(), vout, made.feerate_kw, made.relative, given.copy(), True)
        if self.world.forgets_early_signatures:
            for one in row.psbt.inputs:
                one.pop(b"\x08", None)
        self.rows.append(row)
        row.peer_sigs = True  # it has put less into it than we: so it signs first
        self.world.note("final", self, txid=row.txid, signed=not self.unsigned(row.psbt))
        return given, True, True

    def heard(self, given):
        """What the peer makes of it: in the order of serial numbers that nobody chose, with what it adds itself."""
        found = given.copy()
        self.world.random.shuffle(found.inputs)
        self.world.random.shuffle(found.outputs)
        if self.peer.meddle:
            meddle, self.peer.meddle = self.peer.meddle, None
            meddle(found)
        return found

    def check_money(self, made, given):
        """The fee, as the node itself counts it."""
        inputs = [o for o in given.outpoints() if o != self.funding]
        outputs = [o for o in given.paid() if o.script != self.next_script()]
        brought = sum(given.utxo(at).amount for at, o in enumerate(given.outpoints()) if o != self.funding)
        fee = brought - made.relative - sum(o.amount for o in outputs)
        weight = (BASE_WEIGHT + FUNDING_INPUT_WEIGHT + OUTPUT_WEIGHT + len(inputs) * COIN_INPUT_WEIGHT +
                  sum(4 * (9 + len(o.script)) for o in outputs))
        if self.to_us_msat + made.relative * 1000 < 0 or fee < 0:
            self.give_up("Initiator funding is less than commited amount.")
            raise Refused(FUNDING_LOW, f"You provided {brought * 1000}msat but committed to {(brought - fee) * 1000}msat.")
        if fee < fee_of(made.feerate_kw, weight):
            self.give_up(f"Our fee ({fee * 1000}msat) was too low")
            raise Refused(LOW_FEE, f"Feerate too low. Your funding only provided {fee * 1000}msat in fees")
        if not made.force and fee > fee_of(self.world.max_kw, weight):
            self.give_up(f"Our own fee ({fee * 1000}msat) is too high to use without forcing.")
            raise Refused(HIGH_FEE, f"Feerate too high. Do you really want to spend {fee * 1000}msat on fees?")

    def sign(self, given):
        """Our signatures go out, and theirs come; the row that they are for."""
        if not self.round:
            raise Refused(STATE_ERROR, "Can't accept a signed splice PSBT " + NOT_BEGUN)
        row = self.rows[-1] if self.rows else None
        if not row or row.own_sigs or self.round.sent is None:
            raise Refused(STATE_ERROR, "Can't sign a splice until the splice is finalized using splice_update")
        if given.tx().txid() != row.txid:
            raise Refused(CHANNEL_ERROR, "Signed PSBT txid does not match current_psbt_txid")
        if self.unsigned(given):
            raise Refused(STATE_ERROR, "The PSBT is missing a signature. Have you signed it with `signpsbt`?")
        row.psbt = given.copy()
        self.wait_for_peer("splice_signed")
        said = self.exchange_signatures(row)
        if said:
            raise Refused(BROADCAST_FAIL, f"Error broadcasting splice {said}. Unsent tx discarded {self.final(row)}.")
        return row

    def unsigned(self, psbt):
        """Whether an input of ours has no signature yet."""
        return any(o != self.funding and psbt.utxo(at).script in self.world.coins.scripts and not psbt.is_signed(at)
                   for at, o in enumerate(psbt.outpoints()))

    def exchange_signatures(self, row):
        """What the chain says against it, or None."""
        row.own_sigs = row.peer_sigs = True
        self.round = None
        self.world.note("signatures", self, txid=row.txid)
        self.become(AWAITING_SPLICE, "user", "Broadcasting splice")
        return self.broadcast(row)

    def final(self, row):
        """Its transaction in hex, with all signatures."""
        found = row.psbt.copy()
        found.finish(found.outpoints().index(self.funding), self.witness())
        for at, outpoint in enumerate(found.outpoints()):
            if outpoint != self.funding and not found.is_signed(at):
                found.finish(at, self.world.witness(found.utxo(at).script))
        return found.tx().serialize().hex()

    def broadcast(self, row):
        raw = self.final(row)
        said = self.world.send(raw)
        self.world.note("broadcast", self, txid=row.txid, said=said)
        self.world.coins.notice(bitcoin.Tx.parse(raw))
        return said

    def abort(self):
        """abort_channels: by what it does to the newest row, not by what was meant."""
        newest = self.rows[-1] if self.rows else None
        signed = bool(newest and newest.own_sigs)
        self.world.note("abort", self, signed=signed)
        self.running = None
        if signed:
            self.world.unlawful.append(f"abort_channels of a signed splice of {self.name}")
            self.force_close("I needed to abort a splice where I have already sent my signatures")
            return
        if newest:
            self.rows.pop()
        self.give_up("requested by user")

    # What becomes of it.

    def become(self, state, cause, message):
        if state != self.state:
            self.changes.append({"timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), "old_state": self.state,
                                 "new_state": state, "cause": cause, "message": message})
            self.state = state

    def look_at_chain(self):
        """A candidate with enough blocks upon it is the channel's funding, once the peer says so too."""
        if self.state not in OPEN or not self.reestablished or not self.peer.locks:
            return
        for row in self.rows:
            if row.own_sigs and self.world.confirmations(row.txid) >= self.world.depth:
                self.lock(row)
                return

    def lock(self, row):
        self.funding, self.capacity = row.outpoint, row.total
        self.to_us_msat += row.amount * 1000
        self.generation += 1
        self.rows, self.round = [], None
        self.world.note("lock", self, txid=row.txid)
        self.become(NORMAL, "remote", "Lockin complete")

    def foreign_splice(self, amount, feerate_kw=1000):
        """The peer puts so much of its own into the channel, or takes it out, in a first round or as a replacement; the
        txid."""
        found = Psbt()
        found.add_input(*self.funding, self.funding_output(), sequence=0)
        fee = fee_of(feerate_kw, BASE_WEIGHT + FUNDING_INPUT_WEIGHT + COIN_INPUT_WEIGHT + 2 * OUTPUT_WEIGHT)
        found.add_output(self.capacity + amount, self.next_script())
        coins = self.world.peer_coins
        if amount + fee > 0:
            coin = next(c for c in coins.free(0, 1) if c.amount >= amount + fee + DUST)
            coins.reserve((coin.txid, coin.vout), 0, 1 << 30)
            found.add_input(coin.txid, coin.vout, Output(coin.amount, coin.script))
            found.add_output(coin.amount - amount - fee, coins.script())
        else:
            found.add_output(-amount - fee, coins.script())
        tx = found.tx()
        row = Row(tx, 0, feerate_kw, 0, found, False)
        self.rows.append(row)
        self.world.note("foreign", self, txid=row.txid)
        said = self.exchange_signatures(row)
        if said:
            raise AssertionError("the peer's splice: " + said)
        coins.notice(tx)
        return row.txid

    # How it ends.

    def close_tx(self, locktime=0, sequence=0xffffffff):
        """Both get what they have, less a fee that we pay."""
        found = Psbt(locktime=locktime)
        found.add_input(*self.funding, self.funding_output(), sequence)
        ours = self.to_us_msat // 1000 - fee_of(1000, BASE_WEIGHT + FUNDING_INPUT_WEIGHT + 2 * OUTPUT_WEIGHT)
        for amount, coins in ((ours, self.world.coins), (self.capacity - self.to_us_msat // 1000, self.world.peer_coins)):
            if amount >= DUST:
                found.add_output(amount, coins.script())
        found.finish(0, self.witness())
        return found.tx()

    def end(self, tx, state, closer, cause):
        """The transaction in hex, which is sent: for a test that would rather mine it than have it in the mempool, too."""
        raw = tx.serialize().hex()
        said = self.world.send(raw)
        self.world.coins.notice(tx)
        self.closer, self.close_cause, self.closing_txid, self.round = closer, cause, tx.txid(), None
        self.world.note("close", self, txid=tx.txid(), said=said)
        self.become(state, cause, "Closing")
        return raw

    def close(self, closer="remote", cause="user"):
        return self.end(self.close_tx(), CLOSED, closer, cause)

    def force_close(self, cause="protocol"):
        """A commitment: BOLT 3's top bytes of locktime and sequence."""
        return self.end(self.close_tx(0x20000001, 0x80000001), UNILATERAL, "local", cause)


def contents(psbt):
    return set(psbt.outpoints()), sorted(psbt.paid())
