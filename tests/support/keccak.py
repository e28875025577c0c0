"""Keccak-256 as Ethereum uses it: the padding is the original 0x01, not that of SHA3-256.  For tests: slow, and plain."""

RATE = 136
MASK = (1 << 64) - 1
# Rotations and destinations of rho and pi, for lane x + 5y.
RHO = (0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14)
PI = tuple((i // 5) + 5 * ((2 * (i % 5) + 3 * (i // 5)) % 5) for i in range(25))


def round_constants():
    """The 24 constants of iota, from the shift register that defines them."""
    register, found = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        found.append(constant)
    return tuple(found)


IOTA = round_constants()


def permute(a):
    for constant in IOTA:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ ((c[x - 4] << 1 | c[x - 4] >> 63) & MASK) for x in range(5)]
        b = [0] * 25
        for i in range(25):
            lane, by = a[i] ^ d[i % 5], RHO[i]
            b[PI[i]] = (lane << by | lane >> (64 - by)) & MASK
        a = [b[i] ^ (~b[i - i % 5 + (i + 1) % 5] & MASK & b[i - i % 5 + (i + 2) % 5]) for i in range(25)]
        a[0] ^= constant
    return a


def keccak256(message):
    """The 32 bytes of the digest of these bytes."""
    padded = bytearray(message) + bytes(RATE - len(message) % RATE)
    padded[len(message)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for at in range(0, len(padded), RATE):
        for i in range(RATE // 8):
            lanes[i] ^= int.from_bytes(padded[at + 8 * i:at + 8 * i + 8], "little")
        lanes = permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])
