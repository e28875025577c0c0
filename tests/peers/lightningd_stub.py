"""A scripted Lightning node: what walletd sees of a Core Lightning, over its unix socket, with a model channel behind it
that behaves as the real one was measured to (spec/splice.md 5.1) and a real bitcoind under it.

  stub = lightningd_stub.Stub(folder, node)            node: a real_bitcoind.Bitcoind that can pay
  stub.coins.fund(500_000)                             its wallet
  channel = stub.open_channel("a", 1_000_000, 600_000) 600 000 of them ours
  stub.start()                                         ... walletd talks to stub.socket
  stub.at("splice_init", acts.lose_reply())            a rule, as of http_gate.py: any act of acts.py that is of a call
  stub.crash(); stub.start()                           what was in memory only is gone, and what can be resumed is
  channel.disconnect(); channel.connect()              the peer, which comes back by connect(), or when it is asked for
  channel.peer.frozen = True                           it says nothing more; commands wait
  stub.journal                                         what was done, in order: submissions, signatures, aborts, sendings
  stub.unlawful                                        what must never be done; a test checks that it is empty

Amounts are satoshi.  Standard library, tests/support and tests/peers alone, which must be on sys.path."""
import collections
import json
import os
import random
import socket
import threading

import bitcoin
import bitcoin_rpc
import lightning_calls
from acts import PLAIN, Reply
from http_gate import Call, Rule
from lightning_channel import CLOSED, ONCHAIN, UNILATERAL, Channel, Peer, Refused
from lightning_coins import Coins

OURS = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
PEERS = ("02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
         "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9")
VERSION = "v26.06.6"
FORGOTTEN_BLOCKS = 100  # a closed channel is listed as such by then
Note = collections.namedtuple("Note", "what channel more")


class Gone(Exception):
    """The node has crashed under a call."""


class Wire:
    """The way back to whoever asked: what acts.py knows as such."""

    def __init__(self, connection, stub):
        self.connection, self.stub, self.open = connection, stub, True

    def wait(self, seconds):
        if self.stub.stopping.wait(seconds):
            self.close()
        return self.open

    def close(self):
        self.open = False

    def reply(self, reply, promised=None, last=False):
        self.connection.sendall(reply.body)
        if last or promised is not None:
            self.close()

    def drip(self, reply, bytes_per_s):
        for at in range(len(reply.body)):
            self.connection.sendall(reply.body[at:at + 1])
            if not self.wait(1 / bytes_per_s):
                return


class Stub:
    def __init__(self, folder, node, seed=1):
        self.folder, self.node, self.id, self.version = folder, node, OURS, VERSION
        self.socket = os.path.join(folder, "lightning-rpc")
        self.coins, self.peer_coins = Coins(node, "ours"), Coins(node, "theirs")
        self.channels, self.closed = {}, set()
        self.random = random.Random(seed)
        # Settings, which a test may change at any time.
        self.floor_kw, self.max_kw, self.estimate_kw, self.depth, self.abort_s = 253, 2_530, 253, 1, 0.05
        self.warnings, self.forgets_early_signatures, self.refuse_sending = {}, False, None
        self.journal, self.unlawful, self.calls, self.rules = [], [], [], []
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.stopping, self.listener, self.connections, self.life = threading.Event(), None, set(), 0
        os.makedirs(folder, exist_ok=True)

    # What a test says.

    def open_channel(self, name, capacity, ours, peer=0):
        channel = Channel(self, name, Peer(PEERS[peer]), capacity, ours)
        self.channels[channel.id] = channel
        return channel

    def at(self, method, act, nth=1, times=1, when=None):
        """Adds a rule: for which calls (when, a function of the Call), from which of them on and how often."""
        rule = Rule(method, act, nth, times, when)
        with self.lock:
            self.rules.append(rule)
        return rule

    def unused(self):
        """Rules that never came to act."""
        return [rule.method for rule in self.rules if rule.fired == 0]

    def start(self):
        self.stopping.clear()
        self.life += 1
        for channel in self.channels.values():
            channel.volatile()
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.socket)
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        with self.lock:
            for channel in self.channels.values():
                if channel.peer.connected:
                    channel.connect()

    def crash(self):
        """As a SIGKILL: rows stay, and the reservations of coins; its peers are to be connected to again."""
        self.stopping.set()
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        with self.lock:
            self.changed.notify_all()
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the other side was first
            self.connections = set()

    stop = crash

    # What a test asks.

    def count(self, what, **more):
        """How often it was done, as the journal has it."""
        return len([n for n in self.journal if n.what == what and all(n.more.get(k) == v for k, v in more.items())])

    def of(self, method):
        with self.lock:
            return [call for call in self.calls if call.method == method]

    def wealth(self):
        """What is ours, in the wallet and in channels that live."""
        with self.lock:
            live = [c for c in self.channels.values() if c.state in lightning_calls.OPEN]
            return self.coins.total() + sum(c.to_us_msat // 1000 for c in live)

    # What channels and calls use.

    def note(self, what, channel=None, **more):
        self.journal.append(Note(what, channel.name if channel else None, more))

    def height(self):
        return self.node.height()

    def confirmations(self, txid):
        try:
            return self.node.rpc.ask("getrawtransaction", txid, True).get("confirmations", 0)
        except bitcoin_rpc.BitcoinError:
            return 0

    def send(self, raw):
        """Into the mempool: None, or what the node has against it."""
        if self.refuse_sending:
            return self.refuse_sending
        try:
            self.node.send(raw)
        except bitcoin_rpc.BitcoinError as why:
            return None if self.confirmations(bitcoin.Tx.parse(raw).txid()) else \
                f"error code: {why.code}\\nerror message:\\n{why.message}"
        return None

    def witness(self, script):
        for coins in (self.coins, self.peer_coins):
            if script in coins.scripts:
                return coins.scripts[script]
        raise AssertionError("an input that nobody can sign for")

    def wait(self, question, seconds):
        """Whether it came true within the time; the lock is let go meanwhile."""
        left = seconds
        while not question():
            self.changed.wait(0.05)
            self.check_alive()
            left -= 0.05
            if left <= 0:
                return False
        return True

    def check_alive(self):
        if self.stopping.is_set():
            raise Gone

    def look_at_chain(self):
        for channel in self.channels.values():
            channel.look_for_peer()
            channel.look_at_chain()
            if channel.state in (CLOSED, UNILATERAL, ONCHAIN) and channel.name not in self.closed:
                buried = self.confirmations(channel.closing_txid)
                if buried:
                    channel.become(ONCHAIN, "onchain", "Onchain init reply")
                if buried >= FORGOTTEN_BLOCKS:
                    self.closed.add(channel.name)

    # Its socket.

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # it has crashed
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self.serve, args=(connection, self.life), daemon=True).start()

    def serve(self, connection, life):
        """Requests one after the other, each an object, with or without white space between them."""
        decoder, text = json.JSONDecoder(), ""
        wire = Wire(connection, self)
        try:
            while wire.open and life == self.life:
                try:
                    asked, end = decoder.raw_decode(text.lstrip())
                except ValueError:
                    more = connection.recv(65536)
                    if not more:
                        return
                    text += more.decode()
                    continue
                text = text.lstrip()[end:]
                self.exchange(wire, asked)
        except (OSError, Gone):
            pass  # one of both is not there any more
        finally:
            with self.lock:
                self.connections.discard(connection)
            connection.close()

    def exchange(self, wire, asked):
        call = Call(0, asked.get("id"), asked.get("method"), asked.get("params"))
        with self.lock:
            self.calls.append(call)
            acts = [rule.act for rule in self.rules if rule.takes(call, True)][:1]
        act = acts[0] if acts else PLAIN
        if act.first:
            act.first(call)
        found = self.answer(asked) if act.passes_on else None
        if act.answer:
            found = act.answer(call, found)
        call.answer = found
        reply = None
        if found is not None:
            body = json.dumps({"jsonrpc": "2.0", "id": call.id, **found}) + "\n\n"
            reply = Reply(body.encode())
        if act.send:
            act.send(wire, reply)
        else:
            wire.reply(reply)

    def answer(self, asked):
        for name in ("jsonrpc", "id", "method", "params"):
            if name not in asked:
                return {"error": {"code": -32600, "message": f"No {name}"}}
        with self.lock:
            self.check_alive()
            self.look_at_chain()
            try:
                return {"result": lightning_calls.call(self, asked["method"], asked["params"])}
            except Refused as no:
                return {"error": {"code": no.code, "message": no.message}}
            finally:
                self.changed.notify_all()
