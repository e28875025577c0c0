"""Tokens taken apart and put together again, with as much of CBOR (RFC 8949) as that needs: integers, byte strings, texts,
lists and maps of definite length."""
import base64
import json


def loads(data):
    value, end = item(data, 0)
    if end != len(data):
        raise ValueError("bytes after the end")
    return value


def item(data, at):
    kind, n = data[at] >> 5, data[at] & 31
    at += 1
    if n >= 24:
        size = 1 << (n - 24)
        n = int.from_bytes(data[at:at + size], "big")
        at += size
    if kind == 0:
        return n, at
    if kind in (2, 3):
        raw = data[at:at + n]
        return (raw if kind == 2 else raw.decode()), at + n
    if kind == 4:
        values = []
        for _ in range(n):
            value, at = item(data, at)
            values.append(value)
        return values, at
    if kind == 5:
        pairs = {}
        for _ in range(n):
            key, at = item(data, at)
            pairs[key], at = item(data, at)
        return pairs, at
    raise ValueError(f"major type {kind}")


def token_read(token):
    """A V4 token as (mint, unit, proofs as in V3)."""
    text = token[len("cashuB"):]
    v4 = loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    proofs = [{"id": group["i"].hex(), "amount": p["a"], "secret": p["s"], "C": p["c"].hex()}
              for group in v4["t"] for p in group["p"]]
    return v4["m"], v4["u"], proofs


def token_v3(mint, unit, proofs):
    text = json.dumps({"token": [{"mint": mint, "proofs": proofs}], "unit": unit})
    return "cashuA" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
