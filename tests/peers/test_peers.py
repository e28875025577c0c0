#!/usr/bin/env python3
"""The real peers of the tests and what stands in front of them, tested themselves: what they say is what walletd is
judged by.  Of the EVM: encoders against the vectors, the node, its gate, and the books that are kept of both.  Of
Bitcoin: the node, its gate, and the Esplora in front of it.  Of Lightning: the scripted nodes.

  tests/peers/test_peers.py [PATTERN...]

A PATTERN is a part of a test's name.  Where a peer cannot be had its tests count as one that is skipped.  Exit code 77
when all there is to run was skipped."""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(HERE, "..", room) for room in ("support", "e2e"))]
import lab  # noqa: E402
import plays  # noqa: E402
from peer_bench import TESTS  # noqa: E402

import bitcoin_test_esplora  # noqa: E402,F401
import bitcoin_test_gate  # noqa: E402,F401
import bitcoin_test_node  # noqa: E402,F401
import evm_test_books  # noqa: E402,F401
import evm_test_codecs  # noqa: E402,F401
import evm_test_gate  # noqa: E402,F401
import evm_test_node  # noqa: E402,F401
import ldk_test_stub  # noqa: E402,F401
import lightning_test_stub  # noqa: E402,F401

AT_ONCE = 3  # they wait more than they work


def run(job):
    number, folder = job
    name, function, kind = TESTS[number]
    return plays.one(name, lambda: kind(folder), function)


def had(world):
    """Whether the peer of this kind of world is there, or can be."""
    try:
        world.install()
    except lab.CannotBeHad as why:
        print(f"SKIPPED: {world.PEER} cannot be had: {why}", flush=True)
        return False
    return True


def main(patterns):
    wanted = [n for n, (name, _, _) in enumerate(TESTS) if not patterns or any(p in name for p in patterns)]
    worlds = {kind: had(kind) for kind in dict.fromkeys(TESTS[n][2] for n in wanted)}
    folder = tempfile.mkdtemp(prefix="walletd-peers-")
    jobs = [(n, os.path.join(folder, str(n))) for n in wanted if worlds[TESTS[n][2]]]
    return plays.all_of(run, jobs, AT_ONCE, folder, list(worlds.values()).count(False))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
