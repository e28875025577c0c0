"""The real EVM node anvil as a test sees it: started, stopped, killed, and started again with or without its chain.

  node = real_evm.Anvil(folder)           a node of its own port, folder and log; any number at once
  node.start(); node.ready()              several may be started before the first is waited for
  node.chain                              evm.Chain: asks it and moves it about
  verifier = directives.Verifier.deploy(node.chain, signer)
  node.stop()                             ends it in peace; with keep=True its chain is written down
  node.kill()                             as a power cut: what was not written down is lost
  node.restart()                          stop and start on the same port: with keep=True the same chain and an empty
                                          mempool, without it a fresh chain
"""
import json
import os
import signal
import subprocess
import sys

import evm
import lab

ANVIL = os.path.join(lab.ROOT, "tests", "peers", "anvil")
CHAIN_ID = 31337


def install():
    """The path of the node's program."""
    return lab.install(ANVIL)


class Anvil:
    def __init__(self, folder, *options, chain_id=CHAIN_ID, keep=False):
        """options are anvil's own: "--block-time", "1", or "--no-mining"."""
        self.folder = folder
        self.chain_id = chain_id
        self.options = options
        self.keep = keep
        self.port = lab.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.chain = evm.Chain(self.url)
        self.process = None
        os.makedirs(folder, exist_ok=True)

    def start(self):
        command = [sys.executable, ANVIL, "start", "--port", str(self.port), "--dir", self.folder, "--chain-id",
                   str(self.chain_id)]
        if self.keep:
            command.append("--keep")
        self.process = subprocess.Popen([*command, "--", *self.options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        preexec_fn=lab.end_with_parent)

    def ready(self):
        """Waits until it answers."""
        if self.process.stdout.readline().decode().strip() != self.url:
            raise RuntimeError("the node did not start; see " + os.path.join(self.folder, "anvil.log"))

    def end(self, how):
        if self.process:
            self.process.stdout.close()
            lab.end(self.process, how)
        self.process = None

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGQUIT)

    def restart(self):
        self.stop()
        self.start()
        self.ready()

    def accounts(self):
        """Its own accounts, which have ether: {address: private key}, in their order.  Account 0 deploys contracts."""
        with open(os.path.join(self.folder, "accounts.json"), encoding="utf-8") as f:
            found = json.load(f)
        return dict(zip(found["available_accounts"], found["private_keys"]))
