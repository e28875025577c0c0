"""The contract ABI, as far as the tests' contract needs it: words, bytes, string, arrays of any length, tuples.

A type is spelled as in a function's signature: "address", "uint64", "bytes32", "(bytes32,address)[]".  Addresses are
text, "0x" and 40 digits in lower case; bytes are bytes; numbers are int; tuples and arrays are lists or tuples."""
import functools
import re

from keccak import keccak256

WORD = 32


@functools.lru_cache(maxsize=None)
def members(types):
    """The types in "a,(b,c)[],d", split at the commas of the outermost level."""
    found, depth, start = [], 0, 0
    for at, letter in enumerate(types):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            found.append(types[start:at])
            start = at + 1
    return tuple(found + [types[start:]] if types else found)


def element(kind):
    """What an array is made of, or None."""
    return kind[:-2] if kind.endswith("[]") else None


def inside(kind):
    """The members of a tuple, or None."""
    return members(kind[1:-1]) if kind.startswith("(") and kind.endswith(")") else None


def dynamic(kind):
    if element(kind) or kind in ("bytes", "string"):
        return True
    return any(dynamic(k) for k in inside(kind) or ())


def head_size(kind):
    if dynamic(kind) or not inside(kind):
        return WORD
    return sum(head_size(k) for k in inside(kind))


def encode_all(kinds, values):
    """Heads, then tails; offsets count from the first head."""
    if len(kinds) != len(values):
        raise ValueError(f"{len(values)} values for {kinds}")
    heads, tails = b"", b""
    size = sum(head_size(k) for k in kinds)
    for kind, value in zip(kinds, values):
        if dynamic(kind):
            heads += (size + len(tails)).to_bytes(WORD, "big")
            tails += encode_one(kind, value)
        else:
            heads += encode_one(kind, value)
    return heads + tails


def encode_one(kind, value):
    if element(kind):
        return len(value).to_bytes(WORD, "big") + encode_all((element(kind),) * len(value), value)
    if inside(kind):
        return encode_all(inside(kind), value)
    if kind in ("bytes", "string"):
        raw = value.encode() if kind == "string" else bytes(value)
        return len(raw).to_bytes(WORD, "big") + raw + bytes(-len(raw) % WORD)
    if kind == "address":
        return bytes.fromhex(value[2:]).rjust(WORD, b"\0")
    if kind == "bytes32":
        if len(value) != WORD:
            raise ValueError(f"bytes32 of {len(value)}")
        return bytes(value)
    if kind == "bool" or re.fullmatch(r"uint\d+", kind):
        if not 0 <= value < 1 << int(kind[4:] if kind != "bool" else 1):
            raise ValueError(f"{value} is no {kind}")
        return int(value).to_bytes(WORD, "big")
    raise ValueError("unknown type " + kind)


def encode(types, *values):
    return encode_all(members(types), values)


def word(data, at):
    if not 0 <= at <= len(data) - WORD:
        raise ValueError(f"nothing at {at} of {len(data)}")
    return data[at:at + WORD]


def number(data, at):
    return int.from_bytes(word(data, at), "big")


def decode_all(kinds, data, start):
    found, at = [], start
    for kind in kinds:
        found.append(decode_one(kind, data, start + number(data, at) if dynamic(kind) else at))
        at += head_size(kind)
    return found


def decode_one(kind, data, at):
    if element(kind):
        length = number(data, at)
        if length * WORD > len(data):
            raise ValueError(f"an array of {length} in {len(data)} bytes")
        return decode_all((element(kind),) * length, data, at + WORD)
    if inside(kind):
        return tuple(decode_all(inside(kind), data, at))
    if kind in ("bytes", "string"):
        raw = data[at + WORD:at + WORD + number(data, at)]
        return raw.decode() if kind == "string" else raw
    if kind == "address":
        return "0x" + word(data, at)[12:].hex()
    if kind == "bytes32":
        return word(data, at)
    return bool(number(data, at)) if kind == "bool" else number(data, at)


def decode(types, data):
    """The values, in a list."""
    return decode_all(members(types), data, 0)


@functools.lru_cache(maxsize=None)
def topic(signature):
    """Of an event, "DirectiveExecuted(bytes32,address)": its first topic."""
    return keccak256(signature.encode("ascii"))


def selector(signature):
    """Of a function or an error: its first four bytes."""
    return topic(signature)[:4]


def calldata(signature, *values):
    """A call of "name(type,type)" with these values."""
    return selector(signature) + encode(signature[signature.index("(") + 1:-1], *values)
