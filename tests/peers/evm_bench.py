"""What the tests of the EVM peers share: nodes and gates that end with the test."""
import json
import os

import directives
import evm_gate
import lab
import peer_bench
import real_evm
from peer_bench import check, raises, same  # noqa: F401

# Whom the directives are for.
ACCOUNT = "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc"


def vectors(name):
    with open(os.path.join(lab.ROOT, "tests", "vectors", "outbox", name + ".json"), encoding="utf-8") as f:
        return json.load(f)


class World(peer_bench.Bench):
    PEER = "the EVM node"
    install = staticmethod(real_evm.install)

    def node(self, *options, **more):
        """One that is ready."""
        node = self.until_end(real_evm.Anvil(self.place(), *options, **more))
        node.start()
        node.ready()
        return node

    def gate(self, port=None):
        return self.until_end(evm_gate.Gate(port))

    def contract(self, node):
        """The deployed contract, the account of the node that it trusts as signer, and one that delivers."""
        _, signer, stranger, *_ = node.accounts()
        return directives.Verifier.deploy(node.chain, signer), signer, stranger

    def signed(self, contract, signer, count):
        """So many signed directives, (Directive, signature)."""
        made = [directives.Directive(f"directive-{n}", ACCOUNT, "system_withdraw_token", n, b"\1\2\3")
                for n in range(count)]
        return [(d, contract.sign(signer, d)) for d in made]


test = peer_bench.tests_of(World)
