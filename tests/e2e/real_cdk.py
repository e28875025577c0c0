"""The real Cashu mint cdk-mintd as a test sees it: as real_mint.py has nutshell, with the same questions to its books.

Nothing here gets the program: it is the one that CDK_MINTD names, the one on PATH, or that in the folder of the peers
(cdk/bin/cdk-mintd).  It needs the features fakewallet and sqlite, of 0.17."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess

import lab
import real_mint

PEERS = os.environ.get("WALLETD_PEERS") or os.path.expanduser("~/.cache/walletd-peers")
LIKE = (0, 17)
START_S = 60
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
CONFIG = """[info]
url = "{url}"
listen_host = "127.0.0.1"
listen_port = {port}
mnemonic = "{words}"
input_fee_ppk = {fee_ppk}
use_keyset_v2 = {v2}
[info.quote_ttl]
mint_ttl = 600
melt_ttl = 120
[info.logging]
output = "stderr"
console_level = "info"
[info.http_cache]
backend = "memory"
ttl = {cached_s}
tti = {cached_s}
[database]
engine = "sqlite"
[ln]
ln_backend = "fakewallet"
min_mint = 1
max_mint = 500000
min_melt = 1
max_melt = 500000
[fake_wallet]
fee_percent = 0.02
reserve_fee_min = 2
min_delay_time = {delay_s}
max_delay_time = {delay_s}
{more}
"""
# Its tables, under the names of nutshell's.
BOOKS = """
CREATE TEMP VIEW keysets AS SELECT k.id, k.unit, COALESCE(a.fee_collected, 0) AS fees_paid
    FROM keyset k LEFT JOIN keyset_amounts a ON a.keyset_id = k.id;
CREATE TEMP VIEW promises AS SELECT s.amount, s.keyset_id AS id, s.c AS c_, o.id AS melt_quote, i.id AS mint_quote
    FROM blind_signature s LEFT JOIN melt_quote o ON o.id = s.quote_id LEFT JOIN mint_quote i ON i.id = s.quote_id;
CREATE TEMP VIEW proofs_used AS SELECT lower(hex(p.y)) AS y, p.amount, p.keyset_id AS id, o.id AS melt_quote
    FROM proof p LEFT JOIN melt_quote o ON o.id = p.quote_id WHERE p.state = 'SPENT';
CREATE TEMP VIEW melt_quotes AS SELECT id AS quote, amount, unit, state,
    COALESCE(json_extract(request, '$.Bolt11.bolt11'), request) AS request FROM melt_quote;
CREATE TEMP VIEW mint_quotes AS SELECT id AS quote, amount, unit, created_time,
    CASE WHEN amount_issued > 0 THEN 'ISSUED' WHEN amount_paid > 0 THEN 'PAID' ELSE 'UNPAID' END AS state FROM mint_quote;
"""


def version(program):
    """As it says itself: "0.17.5"."""
    said = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    return said.decode().split()[-1]


def install():
    """The program's path; lab.CannotBeHad where there is none."""
    named = os.environ.get("CDK_MINTD")
    beside = os.path.join(PEERS, "cdk", "bin", "cdk-mintd")
    program = shutil.which(named) if named else shutil.which("cdk-mintd") or shutil.which(beside)
    if not program:
        raise lab.CannotBeHad(f"{named or 'cdk-mintd'}: no such program here; CDK_MINTD names one")
    if tuple(int(n) for n in re.findall(r"\d+", version(program))[:2]) != LIKE:
        raise lab.CannotBeHad(f"{program} is not of 0.17")
    return program


def steered(pay, check, pay_err=False, check_err=False):
    """What an invoice says in its description, for the mint's Lightning to do: how paying it ends, and how it says that the
    payment stands when it is asked later."""
    return json.dumps({"pay_invoice_state": pay, "check_payment_state": check, "pay_err": pay_err, "check_err": check_err})


class Cdk(real_mint.RealMint):
    """settings: of its config.toml, by the names in CONFIG; the last section there is fake_wallet."""
    quote_messages = 2
    remembers = True
    units = ("sat",)

    def __init__(self, folder, fee_ppk, **settings):
        super().__init__(folder, fee_ppk)
        self.settings = settings

    def start(self):
        known = {"v2": "true", "cached_s": 60, "delay_s": 0, "more": "", **self.settings}
        with open(os.path.join(self.folder, "config.toml"), "w", encoding="ascii") as f:
            f.write(CONFIG.format(url=self.url, port=self.port, words=WORDS, fee_ppk=self.fee_ppk, **known))
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": self.folder}
        with open(os.path.join(self.folder, "mint.log"), "ab") as log:
            self.process = subprocess.Popen([install(), "--work-dir", self.folder], env=env, cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lab.end_with_parent)

    def ready(self):
        def answers():
            if self.process.poll() is not None:
                raise RuntimeError("the mint ended; see " + os.path.join(self.folder, "mint.log"))
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
                try:
                    connection.request("GET", "/v1/info")
                    return connection.getresponse().status == 200
                except (OSError, http.client.HTTPException):
                    return False
        lab.wait_until(answers, "the mint answers", START_S)

    def turn(self, **settings):
        self.stop()
        self.settings = {**self.settings, **settings}
        self.start()
        self.ready()

    def rotate(self, unit="sat"):
        """A new keyset, which differs in its fee; the last one is retired."""
        assert unit == "sat", "it has no other unit"
        self.fee_ppk += 1
        self.turn()

    def stop(self):
        if self.process:
            lab.end(self.process, signal.SIGINT)
        self.process = None

    def crash(self):
        lab.end(self.process, signal.SIGKILL)
        self.process = None

    def books(self, question, *values):
        path = os.path.join(self.folder, "cdk-mintd.sqlite")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
            db.executescript(BOOKS)
            return db.execute(question, values).fetchall()
