"""The real Cashu mint nutshell as a test sees it: started, stopped, and its own books read from its own database."""
import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys

import lab

NUTSHELL = os.path.join(lab.ROOT, "tests", "peers", "nutshell")
# The path of the keyset's unit, as nutshell wants it beside its default of sat.
USD = ("MINT_BACKEND_BOLT11_USD=FakeWallet", "MINT_DERIVATION_PATH_LIST=[\"m/0'/2'/0'\"]")


def install():
    """The path of the mint's program."""
    return lab.install(NUTSHELL)


class RealMint:
    quote_messages = 1  # how many ways a wallet tries to sign for a quote (NUT-20) until this mint takes one
    remembers = False   # its answers: a request that comes again gets the same one (NUT-19)
    units = ("sat", "usd")

    def __init__(self, folder, fee_ppk, *settings):
        self.folder = folder
        self.fee_ppk = fee_ppk
        self.settings = settings
        self.port, self.rpc_port = lab.free_port(), lab.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        os.makedirs(folder, exist_ok=True)

    def start(self):
        self.process = subprocess.Popen([sys.executable, NUTSHELL, "start", "--port", str(self.port), "--dir", self.folder,
                                         "--fee", str(self.fee_ppk), "MINT_RPC_SERVER_ENABLE=TRUE",
                                         "MINT_RPC_SERVER_MUTUAL_TLS=FALSE", f"MINT_RPC_SERVER_PORT={self.rpc_port}",
                                         *self.settings], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, preexec_fn=lab.end_with_parent)

    def ready(self):
        """Waits until it answers; several may be started before the first is waited for."""
        if self.process.stdout.readline().decode().strip() != self.url:
            raise RuntimeError("the mint did not start; see " + os.path.join(self.folder, "mint.log"))

    def turn(self, *settings):
        """The same mint, started again with other settings."""
        self.stop()
        self.settings = settings
        self.start()
        self.ready()

    def rotate(self, unit="sat"):
        """A new keyset; the last one is retired."""
        subprocess.run([os.path.join(os.path.dirname(install()), "mint-cli"), "--host", "127.0.0.1", "--port",
                        str(self.rpc_port), "--insecure", "next-keyset", unit, str(self.fee_ppk)], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)

    def stop(self):
        if self.process:
            self.process.stdout.close()
            lab.end(self.process)
        self.process = None

    def crash(self):
        """As a power cut."""
        self.process.stdout.close()
        lab.end(self.process, signal.SIGQUIT)
        self.process = None

    def fee(self, inputs):
        return (inputs * self.fee_ppk + 999) // 1000

    def books(self, question, *values):
        path = os.path.join(self.folder, "db", "mint.sqlite3")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(question, values).fetchall()

    def owes(self, unit="sat"):
        """What is signed and not spent, by the mint's own tables."""
        (issued,), = self.books("SELECT COALESCE(SUM(p.amount), 0) FROM promises p JOIN keysets k ON k.id = p.id"
                                " WHERE p.c_ IS NOT NULL AND k.unit = ?", unit)
        (redeemed,), = self.books("SELECT COALESCE(SUM(p.amount), 0) FROM proofs_used p JOIN keysets k ON k.id = p.id"
                                  " WHERE k.unit = ?", unit)
        return issued - redeemed

    def issued(self, unit="sat"):
        """What was paid for and turned into ecash."""
        (sum_,), = self.books("SELECT COALESCE(SUM(amount), 0) FROM mint_quotes WHERE state = 'ISSUED' AND unit = ?", unit)
        return sum_

    def fees(self, unit="sat"):
        (sum_,), = self.books("SELECT COALESCE(SUM(fees_paid), 0) FROM keysets WHERE unit = ?", unit)
        return sum_

    def spent(self, ys):
        """Those of these notes (Y in hex) that the mint has taken back."""
        return {y for y, in self.books("SELECT y FROM proofs_used")} & set(ys)

    def states(self, ys):
        """How it says that these notes (Y in hex) stand, in order (NUT-07)."""
        found = []
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            for at in range(0, len(ys), 100):
                connection.request("POST", "/v1/checkstate", json.dumps({"Ys": ys[at:at + 100]}),
                                   {"Content-Type": "application/json"})
                found += [entry["state"] for entry in json.load(connection.getresponse())["states"]]
        return found
