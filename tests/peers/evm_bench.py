"""What the tests of the EVM peers share: nodes and gates that end with the test."""
import json
import os

import directives
import evm_gate
import lab
import real_evm

# Whom the directives are for.
ACCOUNT = "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc"
TESTS = []


def test(name):
    """Registers one: a function of a World."""
    def register(function):
        TESTS.append((name, function))
        return function
    return register


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")


def raises(kind, function, *values, **more):
    """The exception, which must come."""
    try:
        found = function(*values, **more)
    except kind as why:
        return why
    raise AssertionError(f"no {kind.__name__}, but {found!r}")


def vectors(name):
    with open(os.path.join(lab.ROOT, "tests", "vectors", "outbox", name + ".json"), encoding="utf-8") as f:
        return json.load(f)


class World:
    def __init__(self, folder):
        self.folder = folder
        self.ends = []
        os.makedirs(folder)

    def node(self, *options, **more):
        """One that is ready; several are told apart by their order."""
        node = real_evm.Anvil(os.path.join(self.folder, f"node-{len(self.ends)}"), *options, **more)
        self.ends.append(node.stop)
        node.start()
        node.ready()
        return node

    def gate(self, port=None):
        gate = evm_gate.Gate(port)
        self.ends.append(gate.stop)
        return gate

    def contract(self, node):
        """The deployed contract, the account of the node that it trusts as signer, and one that delivers."""
        _, signer, stranger, *_ = node.accounts()
        return directives.Verifier.deploy(node.chain, signer), signer, stranger

    def signed(self, contract, signer, count):
        """So many signed directives, (Directive, signature)."""
        made = [directives.Directive(f"directive-{n}", ACCOUNT, "system_withdraw_token", n, b"\1\2\3")
                for n in range(count)]
        return [(d, contract.sign(signer, d)) for d in made]

    def end(self):
        for end in reversed(self.ends):
            end()
