"""Signed transactions of type 2 (EIP-1559), taken apart: what walletd sent, as a test reads it."""
import collections

Transaction = collections.namedtuple("Transaction",
                                     "chain_id nonce max_priority_fee max_fee gas to value data y_parity r s")


def item(data, at):
    """The item that starts there, bytes or a list, and where it ends."""
    first = data[at]
    if first < 0x80:
        return data[at:at + 1], at + 1
    if first < 0xc0:
        start, end = extent(data, at, first - 0x80)
        return data[start:end], end
    start, end = extent(data, at, first - 0xc0)
    found = []
    while start < end:
        one, start = item(data, start)
        found.append(one)
    if start != end:
        raise ValueError("an item reaches out of its list")
    return found, end


def extent(data, at, length):
    """Where its content starts and ends; length as the first byte has it: above 55 it is that of the length."""
    start = at + 1
    if length > 55:
        size = length - 55
        start, length = start + size, int.from_bytes(data[start:start + size], "big")
    if start + length > len(data):
        raise ValueError(f"{length} bytes wanted at {start} of {len(data)}")
    return start, start + length


def transaction(raw):
    """Of the bytes that eth_sendRawTransaction takes.  to is "0x" text; the numbers are int."""
    if raw[:1] != b"\2":
        raise ValueError(f"no transaction of type 2: {raw[:4].hex()}")
    fields, end = item(raw, 1)
    if end != len(raw) or len(fields) != 12 or fields[8] != []:
        raise ValueError("not the 12 fields of a transaction without an access list")
    chain_id, nonce, tip, fee, gas, to, value, data, _, y_parity, r, s = fields
    n = int.from_bytes
    return Transaction(n(chain_id, "big"), n(nonce, "big"), n(tip, "big"), n(fee, "big"), n(gas, "big"),
                       "0x" + to.hex(), n(value, "big"), data, n(y_parity, "big"), n(r, "big"), n(s, "big"))
