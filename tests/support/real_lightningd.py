"""A real Core Lightning node as a test sees it: started upon a bitcoind, funded, connected, killed and started again, and
stopped in the middle of a negotiation.

  a, b = (real_lightningd.Lightningd(folder, node) for folder in ...)      node: a real_bitcoind.Bitcoind
  a.start(); b.start(); a.ready(); b.ready()
  channel_id = a.open_channel(b, 1_000_000)           ... to a's wallet came money before, with a.fund(...)
  a.rpc.ask("listpeerchannels")                       lightning_rpc.py
  a.kill(); a.start(); a.ready()                      as a power cut
  b.freeze(); b.thaw()                                it is there and says nothing
  b.restart("-WIRE_TX_SIGNATURES")                    its next life drops the connection before that message

Nothing here gets the program: it is the one that LIGHTNINGD names, the one on PATH, or that in the folder of the peers
(lightningd/bin/lightningd).  Amounts are satoshi."""
import os
import re
import shlex
import shutil
import signal
import subprocess

import lab
import lightning_rpc
import real_bitcoind

AT_LEAST = (26, 6)
PEERS = os.environ.get("WALLETD_PEERS") or os.path.expanduser("~/.cache/walletd-peers")
START_S = 60
NORMAL = "CHANNELD_NORMAL"
# What a splice needs none of, and what makes a start slow.
WITHOUT = ("cln-renepay", "cln-xpay", "cln-askrene", "autoclean", "bookkeeper", "chanbackup", "commando", "offers", "pay",
           "recover", "sql", "topology", "keysend", "exposesecret")


def version(program):
    """As it says itself, without its v: "26.06.6"."""
    said = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    return said.decode().strip().removeprefix("v")


def install():
    """The program's path; lab.CannotBeHad where there is none."""
    named = os.environ.get("LIGHTNINGD")
    beside = os.path.join(PEERS, "lightningd", "bin", "lightningd")
    program = shutil.which(named) if named else shutil.which("lightningd") or shutil.which(beside)
    if not program:
        raise lab.CannotBeHad(f"{named or 'lightningd'}: no such program here; LIGHTNINGD names one")
    if tuple(int(n) for n in re.findall(r"\d+", version(program))[:2]) < AT_LEAST:
        raise lab.CannotBeHad(f"{program} is older than v26.06")
    return program


def cli_of(node):
    """A program that asks this bitcoind: lightningd wants one, and names the network in its own way, which must not meet
    that of the node's file of options."""
    path = os.path.join(node.folder, "bitcoin-cli")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'#!/bin/sh\nexec {shlex.join(real_bitcoind.cli())} -conf=/dev/null "$@"\n')
        os.chmod(path, 0o700)
    return path


class Lightningd:
    def __init__(self, folder, node, *options):
        self.folder, self.node, self.options = folder, node, options
        self.port = lab.free_port()
        self.socket = os.path.join(folder, "regtest", "lightning-rpc")
        self.rpc = lightning_rpc.Rpc(self.socket)
        self.log = os.path.join(folder, "log")
        self.process, self.id = None, None
        os.makedirs(folder, exist_ok=True)

    # Its life.

    def start(self, *disconnects):
        """disconnects: where this life drops the connection, as of its --dev-disconnect."""
        more = []
        if disconnects:
            path = os.path.join(self.folder, "disconnects")
            with open(path, "w", encoding="ascii") as f:
                f.write("".join(line + "\n" for line in disconnects))
            more = ["--dev-disconnect=" + path]
        command = [install(), "--developer", "--network=regtest", "--lightning-dir=" + self.folder,
                   f"--addr=127.0.0.1:{self.port}", "--bitcoin-cli=" + cli_of(self.node),
                   "--bitcoin-datadir=" + self.node.folder, f"--bitcoin-rpcport={self.node.port}",
                   "--dev-bitcoind-poll=1", "--dev-fast-gossip", "--dev-fast-reconnect", "--disable-dns",
                   "--ignore-fee-limits=false", "--funding-confirms=1", "--log-level=debug", "--log-file=" + self.log,
                   *("--disable-plugin=" + name for name in WITHOUT), *self.options, *more]
        with open(os.path.join(self.folder, "output"), "ab") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            preexec_fn=lab.end_with_parent, start_new_session=True)

    def ready(self):
        """Waits until it answers and has seen all blocks."""
        def answers():
            if self.process.poll() is not None:
                raise RuntimeError("lightningd ended; see " + self.folder)
            try:
                told = self.rpc.ask("getinfo")
            except (OSError, EOFError):
                return None
            behind = any(name.startswith("warning_") and name.endswith("_sync") for name in told)
            return told if not behind and told["blockheight"] >= self.node.height() else None
        self.id = lab.wait_until(answers, "lightningd to answer", within_s=START_S)["id"]

    def kill(self):
        """With all that it has started, which may be frozen."""
        self.signal_all(signal.SIGKILL)
        lab.end(self.process, signal.SIGKILL)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.thaw()
            lab.end(self.process, signal.SIGTERM, within_s=30)

    def restart(self, *disconnects):
        self.stop()
        self.start(*disconnects)
        self.ready()

    def has_dropped(self):
        """Whether it has dropped a connection as it was told to."""
        return self.logged("dev_disconnect: ") > 0

    def signal_all(self, number):
        """To it and to all that it has started."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def freeze(self):
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    # Its money.

    def fund(self, *amounts):
        """Its wallet gets these, and a block has them."""
        for amount in amounts:
            self.node.pay(self.rpc.ask("newaddr", addresstype="p2tr")["p2tr"], amount)
        self.node.mine()
        self.caught_up()
        lab.wait_until(lambda: self.wallet_total() >= sum(amounts), "its money", within_s=START_S)

    def wallet_total(self):
        """What its wallet has in blocks.  It lists the change of candidates that were replaced, too, as yet to come."""
        return sum(int(o["amount_msat"]) // 1000 for o in self.rpc.ask("listfunds")["outputs"] if o["status"] == "confirmed")

    def caught_up(self):
        lab.wait_until(lambda: self.rpc.ask("getinfo")["blockheight"] == self.node.height(), "it to see the tip",
                       within_s=START_S)

    # Its channels.

    def connect(self, other):
        self.rpc.ask("connect", id=other.id, host="127.0.0.1", port=other.port)

    def open_channel(self, other, amount, push=0):
        """The channel's id, when both can use it."""
        self.connect(other)
        # Of one that is announced the signatures for that may come in the middle of a splice, which then is over (363).
        opened = self.rpc.ask("fundchannel", id=other.id, amount=f"{amount}sat", feerate="1000perkw", announce=False,
                              push_msat=f"{push * 1000}msat")
        self.node.mine(6)
        channel_id = opened["channel_id"]
        for one in (self, other):
            one.wait_usable(channel_id)
        return channel_id

    def channel(self, channel_id):
        """As it stands; None when it has none of that id."""
        found = self.rpc.ask("listpeerchannels", channel_id=channel_id)["channels"]
        return found[0] if found else None

    def wait_usable(self, channel_id, state=NORMAL):
        def usable():
            found = self.channel(channel_id)
            return found and found["state"] == state and found.get("reestablished") and found.get("owner") == "channeld"
        lab.wait_until(usable, f"the channel to be usable in {state}", within_s=START_S)

    def logged(self, text):
        """How often its log has this, over all its lives."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read().count(text)

    def wait_log(self, text):
        lab.wait_until(lambda: self.logged(text), f"its log to say {text!r}", within_s=START_S)
