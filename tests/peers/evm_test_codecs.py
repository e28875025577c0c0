"""Against the vectors of spec/outbox.md: keccak256, abi, eip712_directive, eip1559_tx, rlp, keystore_v3, send_errors."""
import abi
import directives
import evm
import evm_acts
import keystore
import rlp
from evm_bench import check, raises, same, test, vectors
from keccak import keccak256


@test("keccak: every vector")
def _(_world):
    for v in vectors("keccak256")["vectors"]:
        same(evm.text(keccak256(evm.raw(v["input"]))), v["keccak256"], v["name"])


@test("abi: selectors, topics and calls")
def _(_world):
    known = vectors("abi")
    for signature, wanted in {**known["functions"], **known["errors"], **known["builtin_errors"]}.items():
        same(evm.text(abi.selector(signature)), wanted, signature)
    for signature, wanted in known["events"].items():
        same(evm.text(abi.topic(signature)), wanted, signature)
    for call in known["is_nonce_used_calls"]:
        signer, nonce = call["args"]
        same(evm.text(abi.calldata(call["function"], signer.lower(), int(nonce))), call["data"], "isNonceUsed")
    bulk = known["nonces_used_call"]
    signer, nonces = bulk["args"]
    same(evm.text(abi.calldata("noncesUsed(address,uint64[])", signer, [int(n) for n in nonces])), bulk["data"], "bulk")
    same(abi.decode("bool[]", evm.raw(bulk["result_if_only_7_used"])), [[False, True, False]], "its answer")
    used = evm.raw(known["revert_data"]["NonceAlreadyUsed_7"])
    same(abi.decode("address,uint64", used[4:]), [signer.lower(), 7], "a typed error")


@test("abi: what is no value of the type, and data that is too short")
def _(_world):
    raises(ValueError, abi.encode, "uint8", 256)
    raises(ValueError, abi.encode, "uint64", -1)
    raises(ValueError, abi.encode, "bytes32", b"short")
    raises(ValueError, abi.encode, "address,uint64", "0x" + "11" * 20)
    raises(ValueError, abi.encode, "fixed128x18", 1)
    raises(ValueError, abi.decode, "uint256", bytes(31))
    raises(ValueError, abi.decode, "uint64[]", (32).to_bytes(32, "big") + (1 << 60).to_bytes(32, "big"))


def made(v):
    return directives.Directive(v["directive_id"], v["account"].lower(), v["action_key"], int(v["nonce"]),
                                evm.raw(v["payload"]))


@test("directives: the calldata of every vector, alone and in a batch")
def _(_world):
    cases = vectors("eip712_directive")["vectors"]
    for v in cases:
        same(evm.text(directives.execute_calldata(made(v), evm.raw(v["signature"]))), v["calldata"], v["name"])
    batch = directives.execute_batch_calldata([(made(v), evm.raw(v["signature"])) for v in cases[:2]])
    wanted = vectors("abi")["execute_batch_of_vectors_0_1"]
    same(evm.text(batch), wanted if isinstance(wanted, str) else wanted["data"], "the batch")


@test("directives: the contract's digest is that of every vector, and the node recovers its signer")
def _(world):
    for chain_id in sorted({int(v["chain_id"]) for v in vectors("eip712_directive")["vectors"]}):
        node = world.node(chain_id=chain_id)
        contract, _, _ = world.contract(node)
        cases = [v for v in vectors("eip712_directive")["vectors"]
                 if int(v["chain_id"]) == chain_id and v["verifying_contract"].lower() == contract.address]
        check(cases, f"no vector of chain {chain_id}")
        digests = contract.digests([made(v) for v in cases])
        same([evm.text(d) for d in digests], [v["digest"] for v in cases], "the digests")
        signatures = [evm.raw(v["signature"]) for v in cases]
        same(directives.recover_all(node.chain, list(zip(digests, signatures))), [v["signer"].lower() for v in cases],
             "the signers")


@test("rlp: items, and the fields of every transaction")
def _(_world):
    for v in vectors("rlp")["vectors"]:
        if isinstance(v["item"], str):
            same(rlp.item(evm.raw(v["rlp"]), 0), (evm.raw(v["item"]), len(evm.raw(v["rlp"]))), v["name"])
    for v in vectors("eip1559_tx")["vectors"]:
        raw = evm.raw(v["raw"])
        same(evm.text(keccak256(raw)), v["tx_hash"], v["name"])
        found = rlp.transaction(raw)
        same((found.chain_id, found.nonce, found.max_priority_fee, found.max_fee, found.gas),
             tuple(int(v[n]) for n in ("chain_id", "nonce", "max_priority_fee_per_gas", "max_fee_per_gas", "gas_limit")),
             v["name"])
        same((found.to, found.value, evm.text(found.data)), (v["to"].lower(), int(v["value"]), v["data"]), v["name"])
        raises(ValueError, rlp.transaction, raw + b"\0")
        raises((ValueError, IndexError), rlp.transaction, raw[:-1])


@test("keystore: the vector, byte by byte")
def _(world):
    v = vectors("keystore_v3")
    wanted = v["keystore"]["Crypto"]
    cost = {k: wanted["kdfparams"][k] for k in ("n", "r", "p")}
    found = keystore.keystore(v["address"], v["private_key"], v["password"],
                              salt=bytes.fromhex(wanted["kdfparams"]["salt"]),
                              iv=bytes.fromhex(wanted["cipherparams"]["iv"]), **cost)
    same(found["address"], v["keystore"]["address"], "the address")
    same(found["crypto"], wanted, "the rest")
    keystore.write(world.folder + "/key.json", v["address"], v["private_key"], v["password"])
    raises(FileExistsError, keystore.write, world.folder + "/key.json", v["address"], v["private_key"], v["password"])


@test("gate: says every known reason of refusal")
def _(world):
    gate = world.gate()
    known = vectors("send_errors")["vectors"]
    check(len(known) >= 50, "the list of reasons is short")
    node = evm.Node(gate.url)
    for v in known:
        gate.at("eth_sendRawTransaction", evm_acts.error(v["message"], -32003))
        refused = raises(evm.EvmError, node.ask, "eth_sendRawTransaction", "0x02")
        same((refused.code, refused.message), (-32003, v["message"]), "what was said")
    same(gate.count("eth_sendRawTransaction"), len(known), "calls")
