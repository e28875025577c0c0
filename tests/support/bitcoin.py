"""Bitcoin's own formats, as far as tests look into them: segwit addresses, transactions, headers, Merkle trees,
scripts as text.  Standard library alone, and no code of the daemon's: what this says, the daemon is judged by.

Hashes are hex as shown to people, scripts and witness items are bytes, amounts are satoshi."""
import collections
import hashlib

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)
BECH32, BECH32M = 1, 0x2bc830a3
P2A = bytes.fromhex("51024e73")  # BIP 433
COINBASE = ("00" * 32, 0xffffffff)
GENESIS = {
    "main": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}

Input = collections.namedtuple("Input", "txid vout script sequence witness")
Output = collections.namedtuple("Output", "amount script")
Header = collections.namedtuple("Header", "hash version previous merkle_root time bits nonce")


def hash256(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def shown(digest):
    """A digest as people see it: backwards."""
    return digest[::-1].hex()


def scripthash(script):
    """What an Esplora calls a script by: not backwards."""
    return hashlib.sha256(script).hexdigest()


# Segwit addresses: BIP 173, BIP 350.

def polymod(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1ffffff) << 5 ^ value
        for n, generator in enumerate(GENERATOR):
            check ^= generator if top >> n & 1 else 0
    return check


def regroup(values, from_bits, to_bits, pad):
    """Numbers of so many bits as numbers of so many others; None where bits are left over that say something."""
    found, bits, count = [], 0, 0
    for value in values:
        bits, count = bits << from_bits | value, count + from_bits
        while count >= to_bits:
            count -= to_bits
            found.append(bits >> count & (1 << to_bits) - 1)
    left = bits & (1 << count) - 1
    if pad and count:
        found.append(left << to_bits - count)
    elif not pad and (count >= from_bits or left):
        return None
    return found


def expanded(hrp):
    return [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]


def segwit_address(hrp, version, program, constant=None):
    """With a constant that is not the version's own, its checksum is wrong in the way that BIP 350 tells about."""
    data = [version] + regroup(program, 8, 5, True)
    check = polymod(expanded(hrp) + data + [0] * 6) ^ (constant or (BECH32 if version == 0 else BECH32M))
    return hrp + "1" + "".join(CHARSET[n] for n in data + [check >> 5 * (5 - i) & 31 for i in range(6)])


def segwit_script(address):
    """The script of an address that is right, of any network."""
    hrp, _, text = address.rpartition("1")
    data = [CHARSET.index(c) for c in text]
    if polymod(expanded(hrp) + data) != (BECH32 if data[0] == 0 else BECH32M):
        raise ValueError(f"{address}: checksum")
    program = bytes(regroup(data[1:-6], 5, 8, False))
    return bytes([data[0] and 0x50 + data[0], len(program)]) + program


# Base58Check.

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58check(data):
    """The text of these bytes."""
    value, text = int.from_bytes(data + hash256(data)[:4], "big"), ""
    while value:
        value, digit = divmod(value, 58)
        text = BASE58[digit] + text
    return BASE58[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def from_base58check(text):
    """The bytes of a text."""
    value = 0
    for c in text:
        value = value * 58 + BASE58.index(c)
    data = bytes(len(text) - len(text.lstrip(BASE58[0]))) + value.to_bytes((value.bit_length() + 7) // 8, "big")
    if hash256(data[:-4])[:4] != data[-4:]:
        raise ValueError(f"{text}: checksum")
    return data[:-4]


def test_network_key(xpub):
    """An extended public key as nodes of test networks write it: tpub (BIP32's version bytes)."""
    return base58check(bytes.fromhex("043587cf") + from_base58check(xpub)[4:])


# Transactions and blocks.

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise ValueError("too short")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def count(self):
        first = self.number(1)
        return first if first < 0xfd else self.number({0xfd: 2, 0xfe: 4, 0xff: 8}[first])

    def string(self):
        return self.take(self.count())

    def end(self):
        if self.at != len(self.data):
            raise ValueError("too long")


def number(value, size):
    return value.to_bytes(size, "little")


def count(value):
    if value < 0xfd:
        return number(value, 1)
    size, mark = next(pair for pair in ((2, b"\xfd"), (4, b"\xfe"), (8, b"\xff")) if value < 1 << 8 * pair[0])
    return mark + number(value, size)


def string(data):
    return count(len(data)) + data


class Tx(collections.namedtuple("Tx", "version inputs outputs locktime")):
    """A transaction: version is unsigned."""

    @classmethod
    def parse(cls, raw):
        """Of hex or bytes."""
        reader = Reader(bytes.fromhex(raw) if isinstance(raw, str) else raw)
        tx = cls.read(reader)
        reader.end()
        return tx

    @classmethod
    def read(cls, reader):
        version, inputs, has_witness = reader.number(4), reader.count(), False
        if inputs == 0:
            if reader.number(1) != 1:
                raise ValueError("no inputs, or a flag that nobody knows")
            inputs, has_witness = reader.count(), True
        spent = [(shown(reader.take(32)), reader.number(4), reader.string(), reader.number(4)) for _ in range(inputs)]
        outputs = [Output(reader.number(8), reader.string()) for _ in range(reader.count())]
        witnesses = [[reader.string() for _ in range(reader.count())] if has_witness else [] for _ in range(inputs)]
        return cls(version, [Input(*s, w) for s, w in zip(spent, witnesses)], outputs, reader.number(4))

    def serialize(self, with_witness=True):
        with_witness = with_witness and any(i.witness for i in self.inputs)
        spent = b"".join(bytes.fromhex(i.txid)[::-1] + number(i.vout, 4) + string(i.script) + number(i.sequence, 4)
                         for i in self.inputs)
        paid = b"".join(number(o.amount, 8) + string(o.script) for o in self.outputs)
        witness = b"".join(count(len(i.witness)) + b"".join(map(string, i.witness)) for i in self.inputs)
        return (number(self.version, 4) + (b"\0\1" if with_witness else b"") + count(len(self.inputs)) + spent +
                count(len(self.outputs)) + paid + (witness if with_witness else b"") + number(self.locktime, 4))

    def txid(self):
        return shown(hash256(self.serialize(with_witness=False)))

    def wtxid(self):
        return shown(hash256(self.serialize()))

    def weight(self):
        return 3 * len(self.serialize(with_witness=False)) + len(self.serialize())


def header(raw):
    """Of a block's first 80 bytes."""
    reader = Reader(raw[:80])
    return Header(shown(hash256(raw[:80])), reader.number(4), shown(reader.take(32)), shown(reader.take(32)),
                  reader.number(4), reader.number(4), reader.number(4))


def block(raw):
    """Its header and its transactions."""
    reader = Reader(raw)
    reader.take(80)
    txs = [Tx.read(reader) for _ in range(reader.count())]
    reader.end()
    return header(raw), txs


def merkle_branch(txids, at):
    """The Merkle root of these, and what is hashed with the one at this place on the way up to it."""
    level, branch = [bytes.fromhex(t)[::-1] for t in txids], []
    while len(level) > 1:
        level += level[-1:] if len(level) % 2 else []
        branch.append(shown(level[at ^ 1]))
        level, at = [hash256(level[n] + level[n + 1]) for n in range(0, len(level), 2)], at // 2
    return shown(level[0]), branch


def merkle_root(txids):
    return merkle_branch(txids, 0)[0]
