"""What a gate in front of a bitcoind (bitcoin_gate.py) does with a call: all of acts.py, and what is for that kind of
node alone.  A lie is told with a rule that stands (times=None), or the second question shows it."""
from acts import *  # noqa: F401,F403
from acts import body_of, changed, edit, error


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


def other_chain(name="main"):
    """For getblockchaininfo."""
    return changed(chain=name)


def syncing(headers=1_000):
    """For getblockchaininfo: there is far more to come."""
    return edit(lambda found: {**found, "initialblockdownload": True, "headers": found["blocks"] + headers})


def in_block(block):
    """For getrawtransaction, verbose: it says that it is in this block."""
    return changed(blockhash=block, confirmations=1, in_active_chain=None)
