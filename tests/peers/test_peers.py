#!/usr/bin/env python3
"""The real peers of the tests and what stands in front of them, tested themselves: what they say is what walletd is
judged by.  Of the EVM: encoders against the vectors, the node, its gate, and the books that are kept of both.  Of
Bitcoin: the node, its gate, and the Esplora in front of it.  Of Lightning: the scripted nodes.

  tests/peers/test_peers.py [PATTERN...]

A PATTERN is a part of a test's name.  Where a peer cannot be had its tests count as one that is skipped.  Exit code 77
when all there is to run was skipped."""
import os
import shutil
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(HERE, "..", room) for room in ("support", "e2e"))]
import lab  # noqa: E402
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


def run(name, function, world):
    began = time.monotonic()
    try:
        function(world)
    except Exception:  # whatever it was, the others still run
        print(f"FAILED  {name} ({time.monotonic() - began:.1f} s)")
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        return False
    finally:
        world.end()
    print(f"ok      {name} ({time.monotonic() - began:.1f} s)", flush=True)
    return True


def had(world):
    """Whether the peer of this kind of world is there, or can be."""
    try:
        world.install()
    except lab.CannotBeHad as why:
        print(f"SKIPPED: {world.PEER} cannot be had: {why}", flush=True)
        return False
    return True


def main(patterns):
    wanted = [test for test in TESTS if not patterns or any(p in test[0] for p in patterns)]
    worlds = {world: had(world) for world in dict.fromkeys(world for _, _, world in wanted)}
    folder = tempfile.mkdtemp(prefix="walletd-peers-")
    ran = [run(name, function, world(os.path.join(folder, str(number))))
           for number, (name, function, world) in enumerate(wanted) if worlds[world]]
    failed = ran.count(False)
    skipped = list(worlds.values()).count(False)
    if failed:
        print("what the peers left is in " + folder)
    else:
        shutil.rmtree(folder)
    print(f"{len(ran) - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not wanted else 0 if ran else 77


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
