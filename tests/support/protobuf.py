"""Messages of Protocol Buffers as tests write and read them: fields by their numbers, and of their kinds those that ldk-server
has; and the frame that gRPC puts around one."""


def varint(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number, value):
    """A number, a text or a message; nothing for what is not there, as proto3 has it for a zero."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value) if value else b""


def pairs(message):
    """(number, value) of what a message has, in its order."""
    at = 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if not byte & 0x80:
                return value
    while at < len(message):
        head = read()
        if head & 7 == 0:
            yield head >> 3, read()
        elif head & 7 == 2:
            size = read()
            yield head >> 3, message[at:at + size]
            at += size
        else:
            raise ValueError("a field of another kind")


def fields(message):
    """{number: value}; of a number that comes again, the last."""
    return dict(pairs(message))


def all_of(message, number):
    """The values of one number, in their order."""
    return [value for n, value in pairs(message) if n == number]


def frame(message):
    return b"\0" + len(message).to_bytes(4, "big") + message


def unframed(body):
    """The message of a body; ValueError where it is not just one."""
    if len(body) < 5 or body[0] != 0 or int.from_bytes(body[1:5], "big") != len(body) - 5:
        raise ValueError("not a frame")
    return body[5:]
