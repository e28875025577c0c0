"""What the programs that install and start the real peers share: where peers are installed, one at a time, and a
program that runs in the foreground for whoever started us."""
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time

READY_S = 60
PR_SET_PDEATHSIG = 1


def peers_dir():
    return os.environ.get("WALLETD_PEERS") or os.path.expanduser("~/.cache/walletd-peers")


def say(*words):
    """To whoever watches; our standard output is for programs."""
    print(*words, file=sys.stderr, flush=True)


def named(variable):
    """The program that a variable of the environment names; None without one."""
    if not os.environ.get(variable):
        return None
    program = shutil.which(os.environ[variable])
    if not program:
        sys.exit(f"{variable}={os.environ[variable]}: no such program")
    return os.path.abspath(program)


@contextlib.contextmanager
def installing(name):
    """The folder that a peer is installed into.  Two tests that start at once must not do it together: the second
    waits, and finds it done."""
    folder = os.path.join(peers_dir(), name)
    os.makedirs(folder, exist_ok=True)
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def content(path):
    """Of a file of text; None where there is none."""
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return None


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def run(name, command, log_path, url, ready, **how):
    """Runs it with its log in a file, prints its URL once ready() says so, and waits for it.  SIGTERM and SIGINT to us
    end it in peace, SIGQUIT as a power cut would; when we are killed it ends in peace.  how: as of
    subprocess.Popen."""
    with open(log_path, "ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   preexec_fn=end_with_parent, **how)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.terminate())
    signal.signal(signal.SIGQUIT, lambda *_: process.kill())

    deadline = time.monotonic() + READY_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            with open(log_path, encoding="utf-8", errors="replace") as f:
                sys.stderr.write("".join(f.readlines()[-20:]))
            sys.exit(f"{name}: it did not start, see {log_path}")
        time.sleep(0.02)
    print(url, flush=True)
    process.wait()
