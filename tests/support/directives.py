"""The contract that directives are for, and directives made without walletd.

tests/contracts/DirectiveVerifier.sol says what it does; the .json beside it holds the code.  A test deploys it (Verifier
.deploy), reads what happened on the chain (executed, skipped, revoked: the only count that decides), and plays whoever
else is in the world: a signer that signs elsewhere (sign), a stranger who delivers (execute), the owner who revokes.
Structure and constants as in spec/outbox.md 4.2 and 5.2."""
import collections
import functools
import json
import os

import abi
import evm
from keccak import keccak256
from lab import ROOT

COMPILED = os.path.join(ROOT, "tests", "contracts", "DirectiveVerifier.json")
# Where the first transaction of anvil's account 0 puts it; every vector names this address.
ADDRESS = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
DEPLOY_GAS = 3_000_000

STRUCT = "(bytes32,address,string,uint64,bytes)"
EXECUTE = f"executeDirective({STRUCT},bytes)"
EXECUTE_BATCH = f"executeBatch({STRUCT}[],bytes[])"
EXECUTED = "DirectiveExecuted(bytes32,address,uint64,address,bytes32)"
SKIPPED = "DirectiveSkipped(bytes32,address,uint64,uint8)"
REVOKED = "NonceRevoked(address,uint64)"
# Of executeBatch, and the reason of a DirectiveSkipped.
OK, NONCE_USED, BAD_SIGNATURE, UNKNOWN_SIGNER, UNSUPPORTED_ACTION, EFFECT_FAILED = range(6)
WITHDRAWALS = ("system_withdraw_token", "system_credit_option")
# A payload that starts like this is refused by the contract's effect.
POISON = b"\xde\xad"

DOMAIN_TYPE = [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]
DIRECTIVE_TYPE = [("directiveId", "bytes32"), ("account", "address"), ("actionKey", "string"), ("nonce", "uint64"),
                  ("payload", "bytes")]

# place orders logs as they happened: (block, index in it).
Executed = collections.namedtuple("Executed", "id_hash signer nonce account digest tx place")
Skipped = collections.namedtuple("Skipped", "id_hash signer nonce reason tx place")
Revoked = collections.namedtuple("Revoked", "signer nonce tx place")


class Directive(collections.namedtuple("Directive", "id account action nonce payload")):
    """id is text; payload is bytes."""

    def struct(self):
        """As the contract takes it."""
        return (id_hash(self.id), self.account, self.action, self.nonce, self.payload)


@functools.lru_cache(maxsize=65536)
def id_hash(directive_id):
    return keccak256(directive_id.encode())


def execute_calldata(directive, signature):
    return abi.calldata(EXECUTE, directive.struct(), signature)


def execute_batch_calldata(pairs):
    return abi.calldata(EXECUTE_BATCH, [d.struct() for d, _ in pairs], [s for _, s in pairs])


def typed_data(directive, chain_id, contract):
    """The directive as eth_signTypedData_v4 takes it."""
    def types(pairs):
        return [{"name": name, "type": kind} for name, kind in pairs]

    return {
        "primaryType": "Directive",
        "types": {"EIP712Domain": types(DOMAIN_TYPE), "Directive": types(DIRECTIVE_TYPE)},
        "domain": {"name": "WalletdDirective", "version": "1", "chainId": chain_id, "verifyingContract": contract},
        "message": {"directiveId": evm.text(id_hash(directive.id)), "account": directive.account,
                    "actionKey": directive.action, "nonce": str(directive.nonce),
                    "payload": evm.text(directive.payload)},
    }


def recover_all(chain, pairs):
    """Who made each (digest, signature of 65 bytes): the node's own recovery, which no code of ours has part in.  An
    address, or None where there is nobody."""
    calls = [("0x" + "01".rjust(40, "0"), digest + signature[64:].rjust(32, b"\0") + signature[:64])
             for digest, signature in pairs]
    return ["0x" + found[12:].hex() if found else None for found in chain.view_all(calls)]


def place(log):
    return evm.number(log["blockNumber"]), evm.number(log["logIndex"])


class Verifier:
    """The deployed contract."""

    def __init__(self, chain, address=ADDRESS):
        self.chain = chain
        self.address = address
        self.chain_id = evm.number(chain.ask("eth_chainId"))

    @classmethod
    def deploy(cls, chain, signer):
        """On a fresh chain: it lands at ADDRESS."""
        return cls.deploy_again(chain, signer, ADDRESS)

    @classmethod
    def deploy_again(cls, chain, signer, wanted=None):
        """One more, wherever it lands."""
        with open(COMPILED, encoding="ascii") as f:
            code = evm.raw(json.load(f)["bytecode"])
        owner = chain.ask("eth_accounts")[0]
        receipt = chain.do(owner, None, code + abi.encode("address", signer), gas=DEPLOY_GAS)
        address = receipt["contractAddress"]
        if wanted and address != wanted:
            raise AssertionError(f"the contract is at {address}: the chain was not fresh")
        return cls(chain, address)

    def owner(self):
        return self.read("owner()", "address")

    def read(self, signature, kind, *values):
        data = self.chain.view(self.address, abi.calldata(signature, *values))
        return abi.decode(kind, data)[0]

    def is_signer(self, account):
        return self.read("isSigner(address)", "bool", account)

    def is_nonce_used(self, signer, nonce):
        return self.read("isNonceUsed(address,uint64)", "bool", signer, nonce)

    def nonces_used(self, signer, nonces):
        return self.read("noncesUsed(address,uint64[])", "bool[]", signer, nonces)

    def effects(self, account):
        """How many directives of this account were executed, by the contract's own counter."""
        return self.read("effects(address)", "uint256", account)

    def domain_separator(self):
        return self.read("domainSeparator()", "bytes32")

    def digest(self, directive):
        return self.digests([directive])[0]

    def digests(self, directives):
        """What has to be signed for each, as the contract sees it."""
        calls = [(self.address, abi.calldata(f"directiveDigest({STRUCT})", d.struct())) for d in directives]
        return self.chain.view_all(calls)

    def sign(self, signer, directive):
        """The 65 bytes of a signer whose key the node has: one of its own accounts."""
        wanted = typed_data(directive, self.chain_id, self.address)
        return evm.raw(self.chain.ask("eth_signTypedData_v4", signer, wanted))

    def execute(self, sender, directive, signature):
        """Delivers one, as anybody may; returns the transaction's hash."""
        return self.chain.send(sender, self.address, execute_calldata(directive, signature), gas=500_000)

    def execute_batch(self, sender, pairs):
        return self.chain.send(sender, self.address, execute_batch_calldata(pairs), gas=500_000 + 200_000 * len(pairs))

    def revoke(self, signer, nonces):
        """The owner burns them; the receipt."""
        return self.chain.do(self.owner(), self.address, abi.calldata("revokeNonces(address,uint64[])", signer, nonces))

    def set_signer(self, signer, allowed):
        return self.chain.do(self.owner(), self.address, abi.calldata("setSigner(address,bool)", signer, allowed))

    def set_action(self, action, allowed):
        return self.chain.do(self.owner(), self.address, abi.calldata("setAction(string,bool)", action, allowed))

    # What happened, from the first block to the last, in order.

    def logs(self, signature):
        found = self.chain.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": self.address,
                                               "topics": [evm.text(abi.topic(signature))]})
        return sorted(found, key=place)

    def executed(self):
        found = []
        for log in self.logs(EXECUTED):
            _, id_, signer, nonce = (evm.raw(t) for t in log["topics"])
            account, digest = abi.decode("address,bytes32", evm.raw(log["data"]))
            found.append(Executed(id_, "0x" + signer[12:].hex(), int.from_bytes(nonce, "big"), account, digest,
                                  log["transactionHash"], place(log)))
        return found

    def skipped(self):
        found = []
        for log in self.logs(SKIPPED):
            _, id_, signer, nonce = (evm.raw(t) for t in log["topics"])
            reason, = abi.decode("uint8", evm.raw(log["data"]))
            found.append(Skipped(id_, "0x" + signer[12:].hex(), int.from_bytes(nonce, "big"), reason,
                                 log["transactionHash"], place(log)))
        return found

    def revoked(self):
        found = []
        for log in self.logs(REVOKED):
            _, signer, nonce = (evm.raw(t) for t in log["topics"])
            found.append(Revoked("0x" + signer[12:].hex(), int.from_bytes(nonce, "big"), log["transactionHash"],
                                 place(log)))
        return found
