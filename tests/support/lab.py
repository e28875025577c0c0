"""A walletd and a mint of our own as a test sees them: started, asked, killed, and ended with the test.

Standard library alone.  Everything listens on loopback or in a folder of the test's.
"""
import collections
import contextlib
import ctypes
import http.client
import itertools
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
START_S = 60
PORTS = (10_240, 32_768)
CLAIMS = collections.deque(maxlen=64)  # the oldest is closed when it falls out
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEMORY, ROOM_MIN = "/dev/shm", 4 << 30


class Died(Exception):
    """The daemon went away during a call, or before it could be made."""


class RpcError(Exception):
    """The daemon said no."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error['message']}")
        self.code = error["code"]
        self.data = error.get("data") or {}
        self.kind = self.data.get("kind")


class CannotBeHad(Exception):
    """A real peer is not installed here and cannot be."""


def install(program):
    """Has a peer installed by its program of tests/peers; returns what that prints."""
    name = os.path.relpath(program, ROOT)
    try:
        done = subprocess.run([program, "install"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=900,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as why:
        raise CannotBeHad(str(why)) from why
    if done.returncode != 0:
        raise CannotBeHad(f"{name} install ended with {done.returncode}")
    return done.stdout.decode().strip()


def in_memory():
    """Where folders of tests are best made, for tempfile: in memory where there is room for them, unless TMPDIR is set.  A kill
    loses nothing that was written, and some dozen databases that wait for one disk lose minutes."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM_MIN:
        return None
    return MEMORY


def end_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port():
    """One of loopback that nobody listens on, and that nobody takes before its peer does: the kernel gives no connection a port of
    this range, and for a while a name among the abstract sockets tells the tests' other processes that it is given out."""
    while True:
        port, claim = random.SystemRandom().randrange(*PORTS), socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0walletd-port-{port}")
            with contextlib.closing(socket.socket()) as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        CLAIMS.append(claim)
        return port


def end(process, how=signal.SIGTERM, within_s=20):
    """Ends a process that we started; returns its exit code."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


class Mint:
    """tests/peers/testmint; its options as on its command line."""

    def __init__(self, build, *options, log=subprocess.DEVNULL):
        self.process = subprocess.Popen([os.path.join(build, "walletd-testmint"), *options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=log, preexec_fn=end_with_parent)
        self.url = self.process.stdout.readline().decode("ascii").strip()
        if not self.url.startswith("http://"):
            raise RuntimeError("walletd-testmint did not start")
        self.port = int(self.url.rsplit(":", 1)[1])

    def post(self, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        try:
            if body is None:
                connection.request("GET", path)
            else:
                connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise RuntimeError(f"{path}: {reply.status} {answer}")
        return answer

    def control(self, name, body=None):
        return self.post("/control/" + name, body)

    def fault(self, path, mode, **more):
        self.control("fault", {"path": path, "mode": mode, **more})

    def reset_faults(self):
        self.control("reset_faults", {})

    def counters(self):
        return self.control("counters")

    def states(self, ys):
        """How the mint sees these notes, in order."""
        found = []
        for at in range(0, len(ys), 100):
            answer = self.post("/v1/checkstate", {"Ys": ys[at:at + 100]})
            found += [entry["state"] for entry in answer["states"]]
        return found

    def stop(self):
        self.process.stdout.close()
        return end(self.process)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """A walletd with its datadir.  It may be started, killed and started again any number of times."""

    def __init__(self, build, datadir, *options, socket_name="rpc.sock"):
        self.program = os.path.join(build, "walletd")
        self.datadir = datadir
        self.socket = os.path.join(datadir, socket_name)
        self.options = ["--network=regtest", "--datadir=" + datadir, "--rpc_socket=" + self.socket, *options]
        self.log_path = os.path.join(datadir, socket_name.replace("sock", "log"))
        self.process = None
        self.ids = itertools.count(1)
        os.makedirs(datadir, mode=0o700, exist_ok=True)

    def start(self, **env):
        """Returns when it answers; Died when it ends first."""
        self.launch(**env)
        self.ready()

    def ready(self):
        """Waits until it answers, as start() does."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                with contextlib.closing(UnixConnection(self.socket, START_S)) as probe:
                    probe.request("GET", "/healthz")
                    probe.getresponse().read()
                return
            except (OSError, http.client.HTTPException):
                pass
            if self.process.poll() is not None:
                raise Died(f"ended at start with {self.process.returncode}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"walletd does not answer; see {self.log_path}")
            time.sleep(0.002)

    def launch(self, **env):
        # What an earlier life left behind would look like an answer.
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("WALLETD_")}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.program, *self.options], env={**clean, **env}, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def post(self, body, what, timeout_s=START_S):
        """What it answers to this body of a request."""
        connection = UnixConnection(self.socket, timeout_s)
        try:
            connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        except socket.timeout:
            raise
        except (OSError, http.client.HTTPException) as gone:
            raise Died(f"{what}: {gone!r}") from gone
        finally:
            connection.close()

    def envelope(self, method, params):
        return {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params}

    def call(self, method, timeout_s=START_S, **params):
        answer = self.post(self.envelope(method, params), method, timeout_s)
        if "error" in answer:
            raise RpcError(method, answer["error"])
        return answer["result"]

    def call_all(self, calls):
        """The results of many (method, params) in one batch, in their order."""
        answers = self.post([self.envelope(method, params) for method, params in calls], "a batch")
        for (method, _), answer in zip(calls, answers):
            if "error" in answer:
                raise RpcError(method, answer["error"])
        return [answer["result"] for answer in answers]

    def wake(self, **which):
        """An action goes on without the wait between its tries, unless it has ended meanwhile.  which: as action.wake has it."""
        try:
            self.call("action.wake", **which)
        except RpcError as no:
            if no.kind != "conflict":
                raise

    def ended(self, within_s=START_S):
        """Its exit code, when it is on its way out or already there: negative for a signal."""
        return self.process.wait(within_s)

    def kill(self):
        return end(self.process, signal.SIGKILL)

    def stop(self):
        return end(self.process, signal.SIGTERM)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()


def wait_until(question, what, within_s=30, every_s=0.02):
    """The first true answer."""
    deadline = time.monotonic() + within_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain: " + what)
        select.select([], [], [], every_s)
