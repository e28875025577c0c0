"""A real ldk-server as a test sees it: started upon a bitcoind, funded, connected, killed and started again.

  a, b = (real_ldk_server.LdkServer(folder, node) for folder in ...)      node: a real_bitcoind.Bitcoind with user=USER
  a.start(); b.start(); a.ready(); b.ready()
  a.fund(500_000)
  name = a.open_channel(b, 1_000_000, push=400_000)   its user_channel_id
  a.rpc.ask("GetBalances")                            ldk_rpc.py
  a.kill(); a.start(); a.ready()                      as a power cut
  a.freeze(); a.thaw()                                it is there and says nothing

Nothing here gets the program: it is the one that LDK_SERVER names, the one on PATH, or that in the folder of the peers
(ldk/bin/ldk-server).  Amounts are satoshi."""
import collections
import os
import shutil
import signal
import subprocess

import lab
import ldk_rpc
from protobuf import all_of, field, fields

PEERS = os.environ.get("WALLETD_PEERS") or os.path.expanduser("~/.cache/walletd-peers")
START_S = 120
USER = ("ldk", "secret of a test")
# Blocks until a funding is locked.
DEPTH = 6

Channel = collections.namedtuple("Channel", "name peer txid vout capacity ours_msat ready usable")


def version(program):
    """As it says itself."""
    said = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    return said.decode().strip()


def install():
    """The program's path; lab.CannotBeHad where there is none."""
    named = os.environ.get("LDK_SERVER")
    beside = os.path.join(PEERS, "ldk", "bin", "ldk-server")
    program = shutil.which(named) if named else shutil.which("ldk-server") or shutil.which(beside)
    if not program:
        raise lab.CannotBeHad(f"{named or 'ldk-server'}: no such program here; LDK_SERVER names one")
    return program


def channel_of(message):
    told = fields(message)
    funding = fields(told[3]) if 3 in told else {}
    # What can be sent is ours but for the reserve.
    return Channel(told[4].decode(), told[2].decode(), funding.get(1, b"").decode(), funding.get(2, 0), told.get(6, 0),
                   told.get(8, 0) + told.get(5, 0) * 1000, bool(told.get(13)), bool(told.get(14)))


class LdkServer:
    def __init__(self, folder, node):
        self.folder, self.node = folder, node
        self.port, self.grpc_port = lab.free_port(), lab.free_port()
        self.url = f"https://127.0.0.1:{self.grpc_port}"
        self.certificate, self.tls_key = (os.path.join(folder, "tls" + end) for end in (".crt", ".key"))
        self.key_file = os.path.join(folder, "regtest", "api_key")
        self.log = os.path.join(folder, "log")
        self.rpc = ldk_rpc.Rpc(self.url, self.certificate, self.key_file)
        self.process, self.id = None, None
        os.makedirs(folder, exist_ok=True)

    # Its life.

    def start(self):
        name, password = USER
        options = os.path.join(self.folder, "options.toml")
        with open(options, "w", encoding="ascii") as f:
            f.write(f'[node]\nnetwork = "regtest"\nlistening_addresses = ["127.0.0.1:{self.port}"]\n'
                    f'grpc_service_address = "127.0.0.1:{self.grpc_port}"\nalias = "{os.path.basename(self.folder)}"\n'
                    f'[storage.disk]\ndir_path = "{self.folder}"\n[log]\nlevel = "Debug"\nfile = "{self.log}"\nlog_to_file = true\n'
                    f'[bitcoind]\nrpc_address = "127.0.0.1:{self.node.port}"\nrpc_user = "{name}"\nrpc_password = "{password}"\n'
                    '[hrn]\nmode = "dns"\ndns_server_address = "127.0.0.1:9"\n')
        with open(os.path.join(self.folder, "output"), "ab") as output:
            self.process = subprocess.Popen([install(), options], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            preexec_fn=lab.end_with_parent, cwd=self.folder)

    def ready(self):
        """Waits until it answers and has seen all blocks."""
        def answers():
            if self.process.poll() is not None:
                raise RuntimeError("ldk-server ended; see " + self.folder)
            try:
                told = self.info()
            except (OSError, ldk_rpc.NoAnswer):
                return None
            return told if fields(told[3]).get(2, 0) >= self.node.height() else None
        self.id = lab.wait_until(answers, "ldk-server to answer", within_s=START_S, every_s=0.1)[1].decode()

    def kill(self):
        lab.end(self.process, signal.SIGKILL)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.thaw()
            lab.end(self.process, signal.SIGTERM, within_s=60)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    # What it tells.

    def info(self):
        return fields(self.rpc.ask("GetNodeInfo"))

    def height(self):
        return fields(self.info()[3]).get(2, 0)

    def caught_up(self):
        lab.wait_until(lambda: self.height() == self.node.height(), "it to see the tip", within_s=START_S, every_s=0.1)

    def wallet_total(self):
        return fields(self.rpc.ask("GetBalances")).get(1, 0)

    def spendable(self):
        """What it would put into a channel: it keeps some for the closing of those that it has."""
        return fields(self.rpc.ask("GetBalances")).get(2, 0)

    def channels(self):
        return [channel_of(one) for one in all_of(self.rpc.ask("ListChannels"), 1)]

    def channel(self, name):
        return next((c for c in self.channels() if c.name == name), None)

    def logged(self, text):
        """How often its log has this, over all its lives."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read().count(text)

    # What it does.

    def address(self):
        return fields(self.rpc.ask("OnchainReceive"))[1].decode()

    def fund(self, *amounts):
        """Its wallet gets these, and a block has them."""
        before = self.wallet_total()
        for amount in amounts:
            self.node.pay(self.address(), amount)
        self.node.mine()
        self.caught_up()
        lab.wait_until(lambda: self.wallet_total() == before + sum(amounts), "its money", within_s=START_S, every_s=0.1)

    def connect(self, other):
        self.rpc.ask("ConnectPeer", field(1, other.id) + field(2, f"127.0.0.1:{other.port}") + field(3, 1))

    def open_channel(self, other, amount, push=0):
        """The channel's user_channel_id, when both can use it.  Of one that is announced nothing is asked here."""
        name = fields(self.rpc.ask("OpenChannel", field(1, other.id) + field(2, f"127.0.0.1:{other.port}") + field(3, amount) +
                                   field(4, push * 1000)))[1].decode()
        lab.wait_until(lambda: self.channel(name).txid in self.node.pooled(), "the funding to be sent", within_s=START_S, every_s=0.1)
        self.node.mine(DEPTH)
        self.wait_usable(name)
        lab.wait_until(lambda: any(c.usable for c in other.channels()), "the other to use it, too", within_s=START_S, every_s=0.1)
        return name

    def wait_usable(self, name):
        lab.wait_until(lambda: (self.channel(name) or Channel(*[None] * 8)).usable, "the channel to be usable", within_s=START_S,
                       every_s=0.1)
