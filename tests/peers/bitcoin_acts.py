"""What a gate in front of a bitcoind (bitcoin_gate.py) does with a call: all of acts.py, and what is for that kind of node
alone.  A lie is told with a rule that stands (times=None), or the second question shows it."""
from acts import *  # noqa: F401,F403
from acts import body_of, edit, error

GENESIS = {
    "main": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}


def warming_up(message="Loading block index…"):
    """As after a start."""
    return error(message, code=-28)


def unauthorized():
    """As after a restart, to one who has the old cookie."""
    return body_of(b"", 401, WWW_Authenticate='Basic realm="jsonrpc"')


def forbidden():
    """To one whose rpcwhitelist lacks the method."""
    return body_of(b"", 403)


def busy():
    return body_of(b"Work queue depth exceeded", 503)


def changed(**fields):
    """An object with other values in these fields, or without those that are None."""
    def change(found):
        told = {**found, **fields}
        return {name: value for name, value in told.items() if name not in fields or value is not None}
    return edit(change)


def other_chain(name="main"):
    """For getblockchaininfo."""
    return changed(chain=name)


def syncing(headers=1_000):
    """For getblockchaininfo: there is far more to come."""
    return edit(lambda found: {**found, "initialblockdownload": True, "headers": found["blocks"] + headers})


def in_block(block):
    """For getrawtransaction, verbose: it says that it is in this block."""
    return changed(blockhash=block, confirmations=1, in_active_chain=None)


def flipped(at=-1):
    """For a result in hex: another digit there."""
    def change(found):
        digits = list(found)
        digits[at] = f"{int(digits[at], 16) ^ 1:x}"
        return "".join(digits)
    return edit(change)
