#!/usr/bin/env python3
"""The EVM peers of the tests, tested themselves: encoders against the vectors, the node, the gate in front of it, and the
books that are kept of both.  What they say is what the outbox is judged by.

  tests/peers/test_evm_peers.py [PATTERN...]

A PATTERN is a part of a test's name.  Exit code 77, and a line that says SKIPPED, when the node cannot be had."""
import os
import shutil
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(HERE, "..", room) for room in ("support", "e2e"))]
import real_evm  # noqa: E402
from evm_bench import TESTS, World  # noqa: E402

import evm_test_books  # noqa: E402,F401
import evm_test_codecs  # noqa: E402,F401
import evm_test_gate  # noqa: E402,F401
import evm_test_node  # noqa: E402,F401


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


def main(patterns):
    try:
        real_evm.install()
    except real_evm.CannotBeHad as why:
        print(f"SKIPPED: the EVM node cannot be had: {why}")
        print("0 passed, 0 failed, 1 skipped")
        return 77
    folder = tempfile.mkdtemp(prefix="walletd-evm-")
    wanted = [(name, f) for name, f in TESTS if not patterns or any(p in name for p in patterns)]
    failed = sum(not run(name, function, World(os.path.join(folder, str(number))))
                 for number, (name, function) in enumerate(wanted))
    if failed:
        print("what the nodes left is in " + folder)
    else:
        shutil.rmtree(folder)
    print(f"{len(wanted) - failed} passed, {failed} failed, 0 skipped")
    return 0 if wanted and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
