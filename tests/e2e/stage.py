"""Plays scenarios at real mints, each with fresh wallets, and counts the money at its end."""
import os
import shutil
import sys
import tempfile
import time
import traceback

import bench
import lab
import proxy

counts = {"passed": 0, "failed": 0, "skipped": 0}


def report(name, result, seconds, more=""):
    counts[result] += 1
    word = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[result]
    print(f"{word:8}{name} ({seconds:.1f} s){more}", flush=True)


def run(build, folder, name, function, mint, gate, other):
    world = bench.World(build, folder, mint, gate)
    world.other = other
    began = time.monotonic()
    try:
        function(world)
        world.count()
    except bench.Skip as why:
        report(name, "skipped", time.monotonic() - began, f": {why}")
    except Exception:  # whatever it was, the others still run
        report(name, "failed", time.monotonic() - began)
        traceback.print_exc(file=sys.stdout)
        for w in world.wallets:
            print(f"--- the last of {w.log_path}")
            print("".join(w.log().splitlines(True)[-25:]), flush=True)
        world.end()
        return False
    else:
        report(name, "passed", time.monotonic() - began)
    world.end()
    return True


def main(build, patterns, install, mints, where):
    """mints: {name: a function that makes it in a folder}.  where: {what a scenario says of mints: names}, and one whose word
    is not among these is not played.  install: raises lab.CannotBeHad."""
    try:
        install()
    except lab.CannotBeHad as why:
        print(f"SKIPPED: the real mint cannot be had: {why}")
        print("0 passed, 0 failed, 1 skipped")
        return 77
    folder = tempfile.mkdtemp(prefix="walletd-e2e-")
    running, gates = {}, {}
    try:
        for name, make in mints.items():
            running[name] = make(os.path.join(folder, "mint-" + name))
            running[name].start()
        for name, mint in running.items():
            mint.ready()
            gates[name] = proxy.Proxy(mint.port)
        for number, (title, function, word) in enumerate(bench.SCENARIOS):
            if patterns and not any(p in title for p in patterns):
                continue
            for at in where.get(word, ()):
                other = next(gates[name] for name in where["both"] if name != at)
                run(build, os.path.join(folder, f"{number}-{at}"), f"[{at}] {title}", function, running[at], gates[at], other)
    finally:
        for gate in gates.values():
            gate.stop()
        for mint in running.values():
            mint.stop()
    if counts["failed"]:
        print("what the daemons left is in " + folder)
    else:
        shutil.rmtree(folder)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 0 if counts["passed"] and not counts["failed"] else 1
