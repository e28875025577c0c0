"""BOLT 11 invoices for regtest, whole and signed, that nobody can be paid with: of a node whose key everybody can guess."""
import hashlib
import secrets
import time

import bitcoin

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
KEY = 0x00C0FFEE
CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
FEATURES = [16, 8, 0]  # payment secrets and long onions: bits 14 and 8, in groups of five


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point=G):
    total = None
    while k:
        if k & 1:
            total = add(total, point)
        point = add(point, point)
        k >>= 1
    return total


def signature(digest):
    """ECDSA with the number that tells which key it was."""
    nonce = secrets.randbelow(N - 1) + 1
    x, y = times(nonce)
    r = x % N
    s = pow(nonce, -1, N) * (int.from_bytes(digest, "big") + r * KEY) % N
    odd = y & 1
    if s > N // 2:
        s, odd = N - s, odd ^ 1
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([odd])


def groups(number, n):
    return [number >> 5 * (n - 1 - i) & 31 for i in range(n)]


def field(letter, data):
    return [CHARSET.index(letter), *groups(len(data), 2), *data]


def make(sat, expiry_s=3600, made_at_s=None, prefix="lnbcrt", says="for the tests"):
    hrp = f"{prefix}{sat}0n"  # ten nano-bitcoin are a satoshi
    data = groups(int(time.time()) if made_at_s is None else made_at_s, 7)
    for letter in "ps":  # payment hash and payment secret
        data += field(letter, bitcoin.regroup(secrets.token_bytes(32), 8, 5, True))
    data += field("d", bitcoin.regroup(says.encode(), 8, 5, True))
    data += field("x", groups(expiry_s, 3)) + field("9", FEATURES)
    signed = hashlib.sha256(hrp.encode() + bytes(bitcoin.regroup(data, 5, 8, True))).digest()
    data += bitcoin.regroup(signature(signed), 8, 5, True)
    check = bitcoin.polymod(bitcoin.expanded(hrp) + data + [0] * 6) ^ 1
    return hrp + "1" + "".join(CHARSET[v] for v in data + groups(check, 6))
