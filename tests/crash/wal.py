"""SQLite's write-ahead log as a power cut leaves it."""
import os

HEADER, FRAME_HEADER = 32, 24


def end_of_last_commit(data):
    """Where its last transaction ends.  Frames of this log have its salt; what lies behind them is of an earlier one."""
    page_size = int.from_bytes(data[8:12], "big")
    salt = data[16:24]
    at, end = HEADER, None
    while data[at + 8:at + 16] == salt:
        at += FRAME_HEADER + page_size
        pages_after_commit = data[at - page_size - FRAME_HEADER + 4:at - page_size - FRAME_HEADER + 8]
        if any(pages_after_commit):
            end = at
    if end is None or end > len(data):
        raise ValueError("no transaction is in this log")
    return end


def last_commit(path):
    """Something that differs when another transaction has been written since."""
    with open(path, "rb") as f:
        data = f.read()
    if not data:  # all of it is in the database
        return b"", 0
    return data[16:24], end_of_last_commit(data)


def tear(path, n):
    """The last n bytes of its last transaction were never written."""
    os.truncate(path, last_commit(path)[1] - n)
