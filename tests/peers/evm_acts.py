"""What a gate in front of an EVM node (evm_gate.py) does with a call: all of acts.py, and what is for that kind of node
alone."""
from acts import *  # noqa: F401,F403
from acts import Act


def ranges_up_to(blocks, message="query exceeds max block range"):
    """eth_getLogs of more blocks than so many is refused.  The range must be in numbers."""
    def answer(call, found):
        asked = call.params[0]
        if int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) + 1 > blocks:
            return {"error": {"code": -32602, "message": message}}
        return found
    return Act(answer=answer)


def selector(four_bytes):
    """For when=: an eth_call of this function of a contract."""
    wanted = "0x" + bytes(four_bytes).hex()

    def fits(call):
        sent = call.params[0]
        return (sent.get("data") or sent.get("input") or "").lower().startswith(wanted)
    return fits
