"""A scripted ldk-server: what walletd sees of one, over TLS and HTTP/2, with a model channel behind it and a real bitcoind under
it.  It takes a splice as a whole, and tells nothing of it afterwards but the channel's funding (spec/splice.md 5.2).

  stub = ldk_server_stub.Stub(folder, node)            node: a real_bitcoind.Bitcoind that can pay
  stub.coins.fund(500_000); channel = stub.open_channel("a", 1_000_000, 600_000); stub.start()
  ... walletd talks to stub.url, with stub.certificate and stub.key_file
  stub.surface_s = 5                                   a splice that was taken comes to be so long afterwards; None: never
  stub.at("SpliceOut", acts.lose_reply())              a rule, as of http_gate.py; also those of ldk_acts.py
  stub.clock_s = -120                                  its clock is wrong by so much
  stub.crash(); stub.start()                           what was taken and did not come to be is forgotten

The rest is lightningd_stub.py's: coins, channels and their peer, the journal, rules.  In the journal "open" is a splice that was
taken.  Amounts are satoshi."""
import hashlib
import hmac
import os
import time

import bitcoin
import grpc_gate
import grpc_server
import lightningd_stub
from bitcoin import Output
from grpc_server import FAILED_PRECONDITION, INVALID_ARGUMENT, UNAUTHENTICATED, UNIMPLEMENTED
from lightning_channel import OPEN, SHUTTING_DOWN, Row
from lightning_coins import BASE_WEIGHT, COIN_INPUT_WEIGHT, DUST, FUNDING_INPUT_WEIGHT, OUTPUT_WEIGHT, fee_of
from protobuf import field
from psbt import Psbt

TOLERANCE_S = 60
REGTEST = 4
OVERCOUNTED = 2
NO_SPLICE = "Failed to splice channel."
NO_FUNDS = "The available funds are insufficient to complete the given operation."


class No(Exception):
    """A status and its words."""

    def __init__(self, status, words):
        super().__init__(words)
        self.status, self.words = status, words


class Stub(grpc_gate.Serving, lightningd_stub.Stub):
    def __init__(self, folder, node, seed=1):
        super().__init__(folder, node, seed)
        self.server, self.port = None, 0
        self.certificate, self.tls_key = grpc_server.certificate(folder)
        self.key = hashlib.sha256(folder.encode()).digest()
        self.key_file = os.path.join(folder, "api_key")
        with open(os.open(self.key_file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(self.key)
        # Settings, which a test may change at any time.
        self.surface_s, self.clock_s, self.tip, self.network = 0, 0, None, REGTEST
        self.refused_auth = 0
        self.queued = {}  # by channel: when it comes to be, and what

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def start(self):
        self.stopping.clear()
        self.queued = {}
        for channel in self.channels.values():
            channel.volatile()
        with self.lock:
            for channel in self.channels.values():
                if channel.peer.connected:
                    channel.connect()
        self.server = grpc_server.Server(self.serve, self.certificate, self.tls_key, self.port)
        self.port = self.server.port

    def crash(self):
        self.stopping.set()
        if self.server:
            self.server.stop()
            self.server = None

    stop = crash

    # One call.

    def answer(self, call, body):
        methods = {"GetNodeInfo": self.node_info, "GetBalances": self.balances, "ListChannels": self.list_channels,
                   "SpliceIn": self.splice_in, "SpliceOut": self.splice_out}
        with self.lock:
            try:
                self.check(call, body)
                if call.method not in methods:
                    raise No(UNIMPLEMENTED, f"Unknown method: {call.method}")
                if call.params is None:
                    raise No(INVALID_ARGUMENT, "not a request")
                self.look_at_chain()
                return {"result": methods[call.method](call.params)}
            except No as no:
                return {"error": {"code": no.status, "message": no.words}}

    def check(self, call, body):
        given = call.headers.get("x-auth", "")
        scheme, _, rest = given.partition(" ")
        seconds, _, mac = rest.partition(":")
        if call.headers.get("te") != "trailers" or call.headers.get("content-type") != "application/grpc+proto":
            self.unlawful.append(f"a head that is no gRPC call's: {call.headers}")
        try:
            signed_at = int(seconds)
        except ValueError:
            signed_at = 0
        mine = hmac.new(self.key.hex().encode(), signed_at.to_bytes(8, "big") + body, hashlib.sha256).hexdigest()
        late = abs(time.time() + self.clock_s - signed_at) > TOLERANCE_S
        if scheme != "HMAC" or late or not hmac.compare_digest(mine, mac):
            self.refused_auth += 1
            raise No(UNAUTHENTICATED, "Request timestamp expired" if late else "Invalid credentials")

    # What it tells.

    def node_info(self, _):
        best = field(1, self.tip or self.node.tip()) + field(2, self.height())
        now = int(time.time())
        return field(1, self.id) + field(3, best) + field(4, now) + field(5, now) + field(13, self.network)

    def balances(self, _):
        return field(1, self.coins.total()) + field(2, sum(c.amount for c in self.coins.free(self.height(), 1)))

    def list_channels(self, _):
        listed = b""
        for channel in self.channels.values():
            if channel.state not in (*OPEN, SHUTTING_DOWN):
                continue
            txid, vout = channel.funding
            ready = channel.state in OPEN
            listed += field(1, field(1, hashlib.sha256(txid.encode()).hexdigest()) + field(2, channel.peer.id) +
                            field(3, field(1, txid) + field(2, vout)) + field(4, str(alias(channel))) +
                            field(5, reserve(channel)) + field(6, channel.capacity) + field(8, outbound_msat(channel)) +
                            field(13, ready) +
                            field(14, ready and channel.peer.connected and channel.reestablished))
        return listed

    # Splices.

    def channel_of(self, asked):
        name, peer = asked.get(1, b"").decode(), asked.get(2, b"").decode()
        if not name.isdigit():
            raise No(INVALID_ARGUMENT, "Invalid UserChannelId.")
        for channel in self.channels.values():
            if str(alias(channel)) == name and channel.peer.id == peer and channel.state in OPEN:
                if channel.name in self.queued or any(row.ours for row in channel.rows):
                    raise No(FAILED_PRECONDITION, NO_SPLICE)
                return channel
        raise No(FAILED_PRECONDITION, NO_SPLICE)

    def splice_in(self, asked):
        channel = self.channel_of(asked)
        if 3 not in asked and 4 not in asked:
            raise No(INVALID_ARGUMENT, "An amount is required.")
        amount = asked.get(3)  # None: all
        if sum(c.amount for c in self.coins.free(self.height(), 1)) <= (amount or 0):
            raise No(FAILED_PRECONDITION, NO_FUNDS)
        self.take(channel, lambda: self.build_in(channel, amount), amount)
        return b""

    def splice_out(self, asked):
        channel = self.channel_of(asked)
        address, amount = asked.get(3, b"").decode(), asked.get(4, 0)
        try:
            script = bitcoin.segwit_script(address) if address else self.coins.script()
        except (ValueError, KeyError, IndexError):
            raise No(INVALID_ARGUMENT, "Address is not valid for the configured network.") from None
        if amount * 1000 > outbound_msat(channel):
            raise No(FAILED_PRECONDITION, NO_SPLICE)
        self.take(channel, lambda: self.build_out(channel, script, amount), amount)
        return field(1, address)

    def take(self, channel, build, amount):
        self.note("open", channel, amount=amount)
        self.queued[channel.name] = None if self.surface_s is None else time.monotonic() + self.surface_s, channel, build
        self.look_at_queue()

    def look_at_queue(self):
        """What was taken comes to be when its time has come and the peer is there."""
        for name, (at, channel, build) in list(self.queued.items()):
            if at is None or time.monotonic() < at or not channel.peer.connected:
                continue
            del self.queued[name]
            built, vout, relative = build()
            row = Row(built.tx(), vout, self.estimate_kw, relative, built, True)
            channel.rows.append(row)
            said = channel.exchange_signatures(row)
            if said:
                raise AssertionError("the splice: " + said)

    def look_at_chain(self):
        self.look_at_queue()
        super().look_at_chain()

    def surface(self):
        """Now, whenever it was to be."""
        with self.lock:
            self.queued = {name: (0, *rest) for name, (_, *rest) in self.queued.items()}
            self.look_at_queue()

    def build_out(self, channel, script, amount):
        found = Psbt()
        found.add_input(*channel.funding, channel.funding_output(), sequence=0)
        fee = fee_of(self.estimate_kw, BASE_WEIGHT + FUNDING_INPUT_WEIGHT + 2 * OUTPUT_WEIGHT)
        found.add_output(amount, script)
        found.add_output(channel.capacity - amount - fee, channel.next_script())
        return found, 1, -(amount + fee)

    def build_in(self, channel, amount):
        """amount None: all, without change."""
        found = Psbt()
        found.add_input(*channel.funding, channel.funding_output(), sequence=0)
        weight = BASE_WEIGHT + FUNDING_INPUT_WEIGHT + 2 * OUTPUT_WEIGHT
        total = 0
        for coin in self.coins.free(self.height(), 1):
            if amount is not None and total >= amount + fee_of(self.estimate_kw, weight) + DUST:
                break
            found.add_input(coin.txid, coin.vout, Output(coin.amount, coin.script))
            self.coins.reserve((coin.txid, coin.vout), self.height(), 2016)
            total += coin.amount
            weight += COIN_INPUT_WEIGHT
        # As a real one was measured: its wallet pays for a little more weight than its channel counts, which goes in.
        fee = fee_of(self.estimate_kw, weight)
        added = (total - fee if amount is None else amount) + OVERCOUNTED
        change = total - fee - added
        if change < DUST:
            added, change = total - fee, 0
        found.add_output(channel.capacity + added, channel.next_script())
        if change:
            found.add_output(change, self.coins.script())
        return found, 0, added


def reserve(channel):
    """What our side cannot send."""
    return channel.capacity // 100


def outbound_msat(channel):
    return max(0, channel.to_us_msat - reserve(channel) * 1000)


def alias(channel):
    """Its user_channel_id: a number of 128 bits."""
    return int(channel.id[:32], 16)


def name_of(channel):
    """As walletd names it."""
    return f"{alias(channel):064x}"
