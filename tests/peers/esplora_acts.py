"""What an Esplora (esplora.py) does with a call: all of acts.py, and what is for that kind of server alone.  A lie is
told with a rule that stands (times=None), or the second question shows it."""
from acts import *  # noqa: F401,F403
from acts import body_of, edit, error


def throttled(seconds=None):
    """Too many requests; come again so much later, or whenever you like."""
    more = {} if seconds is None else {"Retry_After": str(seconds)}
    return body_of(b"Too Many Requests", 429, "text/plain", **more)


def unknown(what="Transaction"):
    """There is no such thing; the code is the HTTP status."""
    return error(what + " not found", code=404)


def with_status(change):
    """For a transaction, the status of one, or a list of transactions: change(status) makes what is told instead."""
    def told(found):
        if isinstance(found, list):
            return [told(one) for one in found]
        return {**found, "status": change(found["status"])} if "status" in found else change(found)
    return edit(told)


def in_block(block, **fields):
    """It says that it is in this block, whatever else is told of that: block_height, block_time."""
    return with_status(lambda found: {**found, "confirmed": True, "block_hash": block, **fields})


def unconfirmed():
    """It says that it is in no block."""
    return with_status(lambda _: {"confirmed": False})
