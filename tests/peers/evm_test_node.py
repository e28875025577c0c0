"""The real node does what the scenarios will want of it."""
import os
import time

import abi
import directives
import evm
import lab
import real_evm
from evm_bench import check, raises, same, test
from keccak import keccak256

SOMEBODY = "0x525b19015e9230430aae07ba2c9bc6ce80da700a"


@test("contract: lies where every vector says, and trusts its signer")
def _(world):
    node = world.node()
    contract, signer, stranger = world.contract(node)
    same((contract.address, contract.is_signer(signer), contract.is_signer(stranger)),
         (directives.ADDRESS, True, False), "the contract")
    raises(AssertionError, directives.Verifier.deploy, node.chain, signer)
    other = directives.Verifier.deploy_again(node.chain, stranger)
    check(other.address != contract.address and other.is_signer(stranger), "a second one")
    contract.set_signer(stranger, True)
    contract.set_signer(signer, False)
    same((contract.is_signer(signer), contract.is_signer(stranger)), (False, True), "after the owner's word")


@test("contract: a directive has its effect once, whoever brings it")
def _(world):
    node = world.node()
    contract, signer, stranger = world.contract(node)
    (one, signature), = world.signed(contract, signer, 1)
    digest = contract.digest(one)
    same(directives.recover_all(node.chain, [(digest, signature)]), [signer], "who signed")
    first = node.chain.mined(contract.execute(stranger, one, signature))
    again = node.chain.mined(contract.execute(stranger, one, signature))
    same((first["status"], again["status"]), ("0x1", "0x0"), "first and replay")
    executed, = contract.executed()
    same(executed[:6], (directives.id_hash(one.id), signer, 0, one.account, digest, first["transactionHash"]), "the log")
    same((contract.effects(one.account), contract.is_nonce_used(signer, 0), contract.is_nonce_used(signer, 1)),
         (1, True, False), "the contract's own count")
    refused = raises(evm.EvmError, contract.chain.view, contract.address, directives.execute_calldata(one, signature))
    check(refused.data.startswith(evm.text(abi.selector("NonceAlreadyUsed(address,uint64)"))), "why the replay fails")


@test("contract: a batch with mixed outcomes, and revoked nonces")
def _(world):
    node = world.node()
    contract, signer, stranger = world.contract(node)
    good, used, poisoned, forged, revoked, unsupported = [d for d, _ in world.signed(contract, signer, 6)]
    poisoned = poisoned._replace(payload=directives.POISON)
    unsupported = unsupported._replace(action="no_such_action")
    pairs = [(d, contract.sign(signer, d)) for d in (used, poisoned, forged, good, revoked, unsupported)]
    pairs[2] = (forged, bytes(65))
    node.chain.mined(contract.execute(stranger, *pairs[0]))
    contract.revoke(signer, [revoked.nonce])
    node.chain.mined(contract.execute_batch(stranger, pairs))
    same([(s.nonce, s.reason) for s in contract.skipped()],
         [(used.nonce, directives.NONCE_USED), (poisoned.nonce, directives.EFFECT_FAILED),
          (forged.nonce, directives.BAD_SIGNATURE), (revoked.nonce, directives.NONCE_USED),
          (unsupported.nonce, directives.UNSUPPORTED_ACTION)], "what was skipped")
    same([e.nonce for e in contract.executed()], [used.nonce, good.nonce], "what was done, in order")
    same([(r.signer, r.nonce) for r in contract.revoked()], [(signer, revoked.nonce)], "what was revoked")
    same(contract.nonces_used(signer, list(range(6))), [True, True, False, False, True, False], "the bitmap")


@test("node: a reorg drops a transaction, or keeps it, and a lost one can be sent again")
def _(world):
    node = world.node()
    contract, signer, stranger = world.contract(node)
    (one, signature), = world.signed(contract, signer, 1)
    tx = contract.execute(stranger, one, signature)
    block = node.chain.mined(tx)["blockHash"]
    raw = node.chain.ask("eth_getRawTransactionByHash", tx)
    head = node.chain.head()
    node.chain.reorg(1)
    same((node.chain.head(), node.chain.receipt(tx), contract.executed(), node.chain.pooled()), (head, None, [], {}),
         "after the reorg")
    check(not contract.is_nonce_used(signer, 0), "the nonce is used after the reorg")
    same(node.chain.send_raw(raw), tx, "the same bytes again")
    check(node.chain.mined(tx)["blockHash"] != block, "the same block again")
    node.chain.reorg(2, [(raw, 1)])
    same([e.tx for e in contract.executed()], [tx], "a reorg that keeps it")
    node.chain.rollback(1)
    same((node.chain.head(), contract.executed()), (head, []), "a block taken back")


@test("node: without mining, transactions wait, are dropped, are replaced")
def _(world):
    node = world.node()
    sender = list(node.accounts())[3]
    node.chain.automine(False)
    tx = node.chain.send(sender, sender, value=1)
    same((node.chain.count(sender), node.chain.count(sender, "pending"), list(node.chain.pooled()[sender])), (0, 1, [0]),
         "one waits")
    check(node.chain.drop(tx) and not node.chain.drop("0x" + "12" * 32), "dropping")
    same(node.chain.pooled(), {}, "what waits when it is dropped")
    fees = {"maxFeePerGas": 10 ** 10, "maxPriorityFeePerGas": 10 ** 9}
    old = node.chain.send(sender, sender, value=1, nonce=0, **fees)
    new = node.chain.send(sender, sender, value=2, nonce=0, **{k: 2 * v for k, v in fees.items()})
    node.chain.send(sender, sender, value=3, nonce=2)
    same(sorted(node.chain.pooled()[sender]), [0, 2], "one waits, one is behind a gap")
    node.chain.mine()
    same((node.chain.receipt(old), node.chain.receipt(new)["status"], node.chain.count(sender)), (None, "0x1", 1),
         "the replacement")
    node.chain.drop_all()
    same(node.chain.pooled(), {}, "an empty pool")


@test("node: a stranger's transaction from an account whose key only walletd has")
def _(world):
    node = world.node()
    node.chain.fund(SOMEBODY, 5 * evm.ETHER)
    same(node.chain.balance(SOMEBODY), 5 * evm.ETHER, "balance")
    receipt = node.chain.mined(node.chain.send_as(SOMEBODY, SOMEBODY))
    same((receipt["status"], receipt["from"], node.chain.count(SOMEBODY)), ("0x1", SOMEBODY, 1), "its transaction")
    raises(evm.EvmError, node.chain.send, SOMEBODY, SOMEBODY)
    node.chain.fund(SOMEBODY, 0)
    raises(evm.EvmError, node.chain.send_as, SOMEBODY, SOMEBODY, value=1)


@test("node: base fee, time, and blocks on demand or by the clock")
def _(world):
    node = world.node("--block-time", "1")
    node.chain.next_base_fee(123 * 10 ** 9)
    before = node.chain.head()
    lab.wait_until(lambda: node.chain.head() > before, "a block by the clock")
    same(evm.number(node.chain.block(before + 1)["baseFeePerGas"]), 123 * 10 ** 9, "its base fee")
    node.chain.block_time(0)
    stands = node.chain.head()
    time.sleep(1.2)
    same(node.chain.head(), stands, "the head when the clock is stopped")
    node.chain.advance(3600)
    node.chain.mine(3)
    late = evm.number(node.chain.block()["timestamp"]) - evm.number(node.chain.block(stands)["timestamp"])
    check(node.chain.head() == stands + 3 and late >= 3600, f"3 blocks on demand, {late} s later")


@test("node: restarted with its chain and an empty mempool; killed; restarted fresh")
def _(world):
    node = world.node(keep=True)
    contract, signer, stranger = world.contract(node)
    (one, signature), (two, signature_2) = world.signed(contract, signer, 2)
    node.chain.mined(contract.execute(stranger, one, signature))
    node.chain.automine(False)
    waiting = contract.execute(stranger, two, signature_2)
    check(node.chain.pooled(), "nothing waits")
    node.restart()
    same(([e.nonce for e in contract.executed()], node.chain.pooled(), node.chain.receipt(waiting)), ([0], {}, None),
         "after a restart")
    check(contract.domain_separator() == evm.raw(node.chain.ask(
        "eth_call", {"to": contract.address, "data": evm.text(abi.selector("domainSeparator()"))}, "0x1")),
        "the state of an old block is lost")
    node.chain.mined(contract.execute(stranger, two, signature_2))
    node.kill()
    raises(OSError, node.chain.head)
    node.start()
    node.ready()
    same([e.nonce for e in contract.executed()], [0], "after a power cut: what was written down")
    node.keep = False
    node.restart()
    same((node.chain.head(), contract.executed()), (0, []), "a fresh chain")


@test("node: two at once, of different chains, and none that outlives the test")
def _(world):
    one, other = world.node(), world.node(chain_id=4711)
    same([evm.number(n.chain.ask("eth_chainId")) for n in (one, other)], [31337, 4711], "chain ids")
    check(one.port != other.port and one.accounts() == other.accounts(), "ports and accounts")
    same(one.chain.hashes([b"", b"abc"]), [keccak256(b""), keccak256(b"abc")], "Keccak, theirs and ours")
    for node in (one, other):
        node.stop()
        raises(OSError, node.chain.head)


@test("node: a taken port is told")
def _(world):
    node = world.node()
    late = real_evm.Anvil(os.path.join(world.folder, "late"))
    late.port, late.url = node.port, node.url
    late.start()
    try:
        raises(RuntimeError, late.ready)
    finally:
        late.process.stdout.close()
        same(late.process.wait(20), 1, "its exit code")
