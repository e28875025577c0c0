"""What the scripted Lightning node (lightningd_stub.py) answers: the methods of Core Lightning that a splice needs, with
their parameters, replies and refusals (spec/splice.md 5.1.3 and 5.1.8, and the node's own schemas)."""
import hashlib

import bitcoin
from bitcoin import Output
from lightning_channel import BUSY, INPUT_ERROR, OPEN, UNKNOWN_CHANNEL, Refused
from lightning_coins import COIN_INPUT_WEIGHT, DUST, OUTPUT_WEIGHT, fee_of
from psbt import Psbt

UNSPECIFIC, BAD_PARAMETERS, NO_METHOD = -1, -32602, -32601
CANNOT_AFFORD, IS_DUST, NO_ADDRESS, ALL_FAILED, TIMED_OUT = 301, 303, 400, 401, 2000
FLOOR_KW = 253
METHODS = {}
REQUIRED = object()


def method(**params):
    """Registers one; params are its parameters with what they are when they are not given."""
    def register(function):
        METHODS[function.__name__] = function, params
        return function
    return register


def call(node, name, given):
    """The result of a call, or Refused."""
    if name not in METHODS:
        raise Refused(NO_METHOD, f"Unknown command '{name}'")
    function, params = METHODS[name]
    for one in given:
        if one not in params:
            raise Refused(BAD_PARAMETERS, f"unknown parameter: {one}")
    for one, otherwise in params.items():
        if otherwise is REQUIRED and one not in given:
            raise Refused(BAD_PARAMETERS, f"missing required parameter: {one}")
    return function(node, **{**params, **given})


# Parameters.

def bad(name, what, value):
    return Refused(BAD_PARAMETERS, f"{name}: should be {what}: invalid token '{value}'")


def feerate(node, value):
    """In sat per kw.  A number without a unit is per kilobyte: whoever sends one has fallen into the trap."""
    text = str(value)
    if text.endswith("perkw"):
        return max(int(text[:-5]), FLOOR_KW)
    if text.endswith("perkb"):
        return max(int(text[:-5]) // 4, FLOOR_KW)
    if text in ("normal", "urgent", "slow", "minimum", "opening"):
        return node.estimate_kw
    node.unlawful.append(f"the feerate {value!r} has no unit")
    return max(int(text) // 4, FLOOR_KW)


def sat_of(name, value):
    text = str(value)
    if text.endswith("sat") and not text.endswith("msat"):
        return int(text[:-3])
    if text.endswith("msat") and text.endswith("000msat"):
        return int(text[:-7])
    raise bad(name, "a satoshi amount", value)


def psbt_of(name, text):
    try:
        return Psbt.parse(text)
    except (ValueError, KeyError, IndexError, TypeError):
        raise bad(name, "a PSBT", text) from None


def owned(node, channel_id):
    found = node.channels.get(channel_id)
    if not found or found.name in node.closed:
        raise Refused(UNKNOWN_CHANNEL, f"Unknown channel {channel_id}")
    found.check_splice()
    return found


def channel_of(node, channel_id):
    """For a command of a splice."""
    found = owned(node, channel_id)
    if found.running:
        raise Refused(BUSY, "Currently waiting on previous splice command to finish.")
    found.check_fresh()
    return found


# The node.

@method()
def getinfo(node):
    return {"id": node.id, "alias": "STUB", "color": "000000", "num_peers": len(node.channels), "version": node.version,
            "blockheight": node.height(), "network": "regtest", "fees_collected_msat": 0, "lightning-dir": node.folder,
            "address": [], "binding": [], **node.warnings}


@method(style=REQUIRED)
def feerates(node, style):
    if style != "perkw":
        raise bad("style", "'perkb' or 'perkw'", style)
    rates = dict.fromkeys(("opening", "mutual_close", "unilateral_close", "penalty", "splice"), node.estimate_kw)
    return {"perkw": {**rates, "min_acceptable": node.floor_kw, "max_acceptable": node.max_kw, "floor": node.floor_kw,
                      "estimates": []}}


@method(blockheight=REQUIRED, timeout=60)
def waitblockheight(node, blockheight, timeout):
    if not node.wait(lambda: node.height() >= blockheight, timeout):
        raise Refused(TIMED_OUT, f"Timed out (block {node.height()})")
    return {"blockheight": node.height()}


# Peers and channels.

@method(id=None, level=None)
def listpeers(node, id, level):  # the node's names
    found = {c.peer.id: c.peer for c in node.channels.values()}
    return {"peers": [{"id": p.id, "connected": p.connected, "num_channels": sum(c.peer is p for c in node.channels.values()),
                       "features": features(p)} for p in found.values() if id in (None, p.id)]}


def features(peer):
    text = f"{peer.features:x}"
    return "0" * (len(text) % 2) + text


@method(id=REQUIRED, host=None, port=None)
def connect(node, id, host, port):
    found = [c for c in node.channels.values() if c.peer.id == id]
    if found and found[0].peer.connected:
        return connected(found[0].peer)
    if not host and not (found and found[0].peer.reachable):
        raise Refused(NO_ADDRESS, "Unable to connect, no address known for peer")
    if not found or not found[0].peer.reachable:
        raise Refused(ALL_FAILED, f"All addresses failed: {host}:{port}: Connection establishment: Connection refused. ")
    node.note("connect", found[0])
    for one in found:
        one.connect()
    return connected(found[0].peer)


def connected(peer):
    return {"id": peer.id, "features": features(peer), "direction": "out",
            "address": {"type": "ipv4", "address": "127.0.0.1", "port": 9735}}


@method(id=REQUIRED, force=False)
def disconnect(node, id, force):
    found = [c for c in node.channels.values() if c.peer.id == id and c.peer.connected]
    if not found:
        raise Refused(UNSPECIFIC, "Peer not connected")
    if not force and any(c.state in OPEN for c in found):
        raise Refused(UNSPECIFIC, f"Peer has (at least one) channel in state {found[0].state}")
    node.note("disconnect", found[0])
    for one in found:
        one.cut()
    return {}


@method(id=None, short_channel_id=None, channel_id=None)
def listpeerchannels(node, id, short_channel_id, channel_id):
    return {"channels": [told(c) for c in node.channels.values() if c.name not in node.closed and
                         id in (None, c.peer.id) and channel_id in (None, c.id)]}


def told(channel):
    rows = [{"funding_txid": r.txid, "funding_outnum": r.vout, "feerate": f"{r.feerate_kw}perkw",
             "total_funding_msat": r.total * 1000, "our_funding_msat": channel.original[1] * 1000,
             "splice_amount": r.amount, **({"scratch_txid": hashlib.sha256(r.txid.encode()).hexdigest()} if r.peer_sigs else {})}
            for r in channel.rows]
    reserve = channel.capacity // 100
    spendable = max(channel.to_us_msat - reserve * 1000 - 1_000_000, 0)
    last = channel.rows[-1].feerate_kw if channel.rows else 0
    return {"peer_id": channel.peer.id, "peer_connected": channel.peer.connected,
            **({"reestablished": channel.reestablished} if channel.peer.connected else {}), "state": channel.state,
            **({"owner": channel.owner} if channel.owner else {}), "short_channel_id": f"103x1x{channel.generation}",
            "channel_id": channel.id, "funding_txid": channel.funding[0], "funding_outnum": channel.funding[1],
            **({"initial_feerate": f"{channel.rows[0].feerate_kw}perkw", "last_feerate": f"{last}perkw",
                "next_feerate": f"{last * 25 // 24}perkw", "inflight": rows} if rows else {}),
            "private": False, "opener": "local", **({"closer": channel.closer} if channel.closer else {}),
            "features": ["option_static_remotekey", "option_anchors"],
            "funding": {"local_funds_msat": channel.original[1] * 1000,
                        "remote_funds_msat": (channel.original[0] - channel.original[1]) * 1000, "pushed_msat": 0},
            "to_us_msat": channel.to_us_msat, "total_msat": channel.capacity * 1000, "dust_limit_msat": DUST * 1000,
            "their_reserve_msat": reserve * 1000, "our_reserve_msat": reserve * 1000, "spendable_msat": spendable,
            "receivable_msat": max(channel.capacity * 1000 - channel.to_us_msat - reserve * 1000, 0),
            "state_changes": channel.changes, "status": [f"{channel.state}:Channel ready for use."], "htlcs": []}


@method(id=None)
def listclosedchannels(node, id):
    return {"closedchannels": [
        {"peer_id": c.peer.id, "channel_id": c.id, "opener": "local", "closer": c.closer, "private": False,
         "funding_txid": c.funding[0], "funding_outnum": c.funding[1], "total_msat": c.capacity * 1000,
         "final_to_us_msat": c.to_us_msat, "close_cause": c.close_cause}
        for c in node.channels.values() if c.name in node.closed and id in (None, c.peer.id)]}


# Coins and PSBTs.

@method(spent=False)
def listfunds(node, spent):
    return {"outputs": [told_coin(node, c) for c in node.coins.listed()], "channels": []}


def told_coin(node, coin):
    to = node.coins.reserved_to((coin.txid, coin.vout), node.height())
    return {"txid": coin.txid, "output": coin.vout, "amount_msat": coin.amount * 1000, "scriptpubkey": coin.script.hex(),
            "status": "confirmed" if coin.confirmations else "unconfirmed", "reserved": to is not None,
            **({"reserved_to_block": to} if to is not None else {})}


def chosen(node, amount, rate, startweight, outpoints, free):
    """The coins, those asked for or the biggest, and what is left of them after the fee; amount None is all."""
    if outpoints is not None:
        picked = [c for c in free if (c.txid, c.vout) in outpoints]
        if len(picked) != len(outpoints):
            raise Refused(BAD_PARAMETERS, "utxos: should be unreserved coins of this wallet")
    else:
        picked = []
    weight = startweight + COIN_INPUT_WEIGHT * len(picked)

    def left():
        return sum(c.amount for c in picked) - (amount or 0) - fee_of(rate, weight)
    for coin in free if outpoints is None else ():
        if amount is not None and picked and left() >= 0:
            break
        picked.append(coin)
        weight += COIN_INPUT_WEIGHT
    if not picked or left() < 0:
        raise Refused(CANNOT_AFFORD, f"Could not afford {'all' if amount is None else f'{amount}sat'} using all {len(picked)} "
                                     f"available UTXOs: {max(-left(), 1)}sat short")
    return picked, left(), weight


def funded(node, amount, rate, startweight, reserve, change, outpoints, free):
    rate, amount = feerate(node, rate), None if amount == "all" else sat_of("satoshi", amount)
    picked, excess, weight = chosen(node, amount, rate, startweight, outpoints, free)
    height = node.height()
    made = Psbt(locktime=height)
    for coin in picked:
        made.add_input(coin.txid, coin.vout, Output(coin.amount, coin.script))
    answer = {}
    if change and amount is not None and excess - fee_of(rate, OUTPUT_WEIGHT) >= DUST:
        weight += OUTPUT_WEIGHT
        made.add_output(excess - fee_of(rate, OUTPUT_WEIGHT), node.coins.script())
        answer, excess = {"change_outnum": 0}, 0
    held = [node.coins.reserve((c.txid, c.vout), height, reserve) for c in picked] if reserve else []
    node.note("reserve", coins=[(c.txid, c.vout) for c in picked])
    return {"psbt": made.text(), "feerate_per_kw": rate, "estimated_final_weight": weight, "excess_msat": excess * 1000,
            **answer, **({"reservations": held} if held else {})}


@method(satoshi=REQUIRED, feerate=REQUIRED, startweight=REQUIRED, minconf=1, reserve=72, locktime=None,
        min_witness_weight=0, excess_as_change=False, nonwrapped=False, opening_anchor_channel=False)
def fundpsbt(node, satoshi, feerate, startweight, minconf, reserve, excess_as_change, **_):
    return funded(node, satoshi, feerate, startweight, reserve, excess_as_change, None,
                  node.coins.free(node.height(), minconf))


@method(satoshi=REQUIRED, feerate=REQUIRED, startweight=REQUIRED, utxos=REQUIRED, reserve=72, reservedok=False,
        locktime=None, min_witness_weight=0, excess_as_change=False, opening_anchor_channel=False)
def utxopsbt(node, satoshi, feerate, startweight, utxos, reserve, reservedok, excess_as_change, **_):
    wanted = [(txid, int(vout)) for txid, vout in (one.split(":") for one in utxos)]
    # A coin that a candidate in the mempool spends is one still, for what replaces it.
    for txid, vout in wanted:
        if (txid, vout) in node.coins.known and not node.node.rpc.ask("gettxout", txid, vout, False):
            raise Refused(BAD_PARAMETERS, f"Already spent UTXO {txid}:{vout}")
    free = [c for c in node.coins.all(spent=True) if reservedok or not node.coins.is_reserved((c.txid, c.vout), node.height())]
    return funded(node, satoshi, feerate, startweight, reserve, excess_as_change, wanted, free)


@method(satoshi=REQUIRED, initialpsbt=None, locktime=None, destination=None)
def addpsbtoutput(node, satoshi, initialpsbt, locktime, destination):
    amount = sat_of("satoshi", satoshi)
    if amount < DUST:
        raise Refused(IS_DUST, f"Output amount is below dust limit ({DUST}sat)")
    made = psbt_of("initialpsbt", initialpsbt) if initialpsbt else Psbt(locktime=node.height())
    try:
        if destination and not destination.startswith("bcrt1"):
            raise ValueError("another network")
        script = bitcoin.segwit_script(destination) if destination else node.coins.script()
    except (ValueError, IndexError):
        raise Refused(UNSPECIFIC, "Could not parse destination address, destination should be a valid address") from None
    made.add_output(amount, script)
    return {"psbt": made.text(), "estimated_added_weight": 4 * (9 + len(script)), "outnum": len(made.outputs) - 1}


@method(psbt=REQUIRED, version=REQUIRED)
def setpsbtversion(node, psbt, version):
    if version not in (0, 2):
        raise Refused(BAD_PARAMETERS, "Could not set PSBT version")
    return {"psbt": psbt_of("psbt", psbt).text(version)}


@method(psbt=REQUIRED, signonly=None)
def signpsbt(node, psbt, signonly):
    made = psbt_of("psbt", psbt)
    wanted = range(len(made.inputs)) if signonly is None else signonly
    if any(at >= len(made.inputs) for at in wanted):
        raise Refused(BAD_PARAMETERS, "signonly: out of range")
    ours = [at for at in wanted if made.utxo(at).script in node.coins.scripts]
    if signonly is not None and len(ours) != len(wanted):
        raise Refused(BAD_PARAMETERS, "Aborting PSBT signing. UTXO is unknown to us")
    if not ours:
        raise Refused(UNSPECIFIC, "No wallet inputs to sign. Are you sure you added inputs to this PSBT? If not, then there "
                                  "is no need to sign it.")
    node.note("sign", inputs=[made.outpoint(at) for at in ours])
    for at in ours:
        made.finish(at, node.coins.scripts[made.utxo(at).script])
    return {"signed_psbt": made.text()}


def reservations(node, psbt, blocks):
    made = psbt_of("psbt", psbt)
    ours = [made.outpoint(at) for at in range(len(made.inputs)) if made.outpoint(at) in node.coins.known]
    return {"reservations": [node.coins.reserve(o, node.height(), blocks) for o in ours]}


@method(psbt=REQUIRED, exclusive=True, reserve=72)
def reserveinputs(node, psbt, exclusive, reserve):
    made = psbt_of("psbt", psbt)
    if exclusive and any(node.coins.is_reserved(o, node.height()) for o in made.outpoints()):
        raise Refused(BAD_PARAMETERS, "psbt: an input is already reserved")
    node.note("renew", coins=made.outpoints(), blocks=reserve)
    return reservations(node, psbt, reserve)


@method(psbt=REQUIRED, reserve=72)
def unreserveinputs(node, psbt, reserve):
    node.note("unreserve", coins=psbt_of("psbt", psbt).outpoints())
    return reservations(node, psbt, -reserve)


# Splices.

@method(channel_id=REQUIRED, relative_amount=REQUIRED, initialpsbt=None, feerate_per_kw=None, force_feerate=False,
        skip_stfu=False)
def splice_init(node, channel_id, relative_amount, initialpsbt, feerate_per_kw, force_feerate, **_):
    rate = node.estimate_kw if feerate_per_kw is None else feerate(node, feerate_per_kw)
    initial = psbt_of("initialpsbt", initialpsbt) if initialpsbt else Psbt(locktime=node.height())
    channel = channel_of(node, channel_id)
    if isinstance(relative_amount, bool) or not isinstance(relative_amount, int):
        raise bad("relative_amount", "an integer", relative_amount)
    return {"psbt": channel.begin(relative_amount, rate, force_feerate, initial).text(initial.version)}


@method(channel_id=REQUIRED, psbt=REQUIRED)
def splice_update(node, channel_id, psbt):
    given, channel = psbt_of("psbt", psbt), channel_of(node, channel_id)
    found, commitments, signatures = channel.update(given)
    return {"psbt": found.text(given.version), "commitments_secured": commitments, "signatures_secured": signatures}


@method(channel_id=REQUIRED, psbt=REQUIRED, sign_first=False)
def splice_signed(node, channel_id, psbt, sign_first):
    given, channel = psbt_of("psbt", psbt), channel_of(node, channel_id)
    try:
        row = channel.sign(given)
    except KeyError:
        raise Refused(INPUT_ERROR, "PSBT failed to validate.") from None
    return {"tx": channel.final(row), "txid": row.txid, "outnum": row.vout, "psbt": row.psbt.text(given.version)}


@method(channel_ids=REQUIRED)
def abort_channels(node, channel_ids):
    """Whether a command waits does not matter."""
    for found in [owned(node, channel_id) for channel_id in channel_ids]:
        found.abort()
    return {}
