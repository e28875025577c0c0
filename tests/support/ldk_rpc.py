"""An ldk-server's calls as a test makes them, by the curl program.

  rpc = ldk_rpc.Rpc(url, certificate, key_file)
  rpc.ask("OnchainReceive")                  the message of the reply; LdkError: it says no; NoAnswer: nobody knows"""
import hashlib
import hmac
import subprocess
import time
import urllib.parse

from protobuf import frame, unframed

SERVICE = "/api.LightningNode/"
PATIENCE_S = 60


class LdkError(Exception):
    """The node said no."""

    def __init__(self, method, status, words):
        super().__init__(f"{method}: {words} ({status})")
        self.status, self.words = status, words


class NoAnswer(Exception):
    """The call had no end; code is curl's."""

    def __init__(self, method, code):
        super().__init__(f"{method}: curl ended with {code}")
        self.code = code


def signature(key, body, at_s):
    """The value of x-auth; key: the bytes of the node's file."""
    mac = hmac.new(key.hex().encode(), at_s.to_bytes(8, "big") + body, hashlib.sha256).hexdigest()
    return f"HMAC {at_s}:{mac}"


def exchange(url, certificate, method, body, auth):
    """The message that answers this body of a request."""
    # What stands behind a body of a length that was told is not waited for else: the status.
    done = subprocess.run(["curl", "-s", "--http2", "--ignore-content-length", "--noproxy", "*", "--max-time", str(PATIENCE_S),
                           "--cacert", certificate, "-H", "te: trailers", "-H", "content-type: application/grpc+proto", "-H",
                           "x-auth: " + auth, "--data-binary", "@-", "-D", "/dev/stderr", url + SERVICE + method],
                          input=body, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    said = dict(line.strip().split(": ", 1) for line in done.stderr.decode("latin-1").splitlines() if ": " in line)
    if done.returncode != 0 or "grpc-status" not in said:
        raise NoAnswer(method, done.returncode)
    if said["grpc-status"] != "0":
        raise LdkError(method, int(said["grpc-status"]), urllib.parse.unquote(said.get("grpc-message", "")))
    return unframed(done.stdout)


class Rpc:
    def __init__(self, url, certificate, key_file):
        self.url, self.certificate, self.key_file = url, certificate, key_file

    def ask(self, method, message=b""):
        with open(self.key_file, "rb") as f:
            key = f.read()
        body = frame(message)
        return exchange(self.url, self.certificate, method, body, signature(key, body, int(time.time())))
