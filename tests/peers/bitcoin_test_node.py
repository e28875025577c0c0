"""The real bitcoind does what the scenarios will want of it, and the codecs of the tests read what it writes."""
import os
import time

import bitcoin
import bitcoin_rpc
import real_bitcoind
from bitcoin_bench import check, raises, same, test
from bitcoin_rpc import sat


@test("bitcoind: pays, replaces, mines, and mines what it is told alone")
def _(world):
    node = world.rich()
    mine = node.address()
    first, second = node.pay(mine, 50_000), node.pay_all([(mine, 1_000), (node.address("bech32"), 70_000)], rate=5)
    same(node.pooled(), {first, second}, "the mempool")
    entry = node.rpc.ask("getmempoolentry", second)
    same(sat(entry["fees"]["base"]) // entry["vsize"], 5, "the fee rate of the second")
    node.mine(txs=[second])
    same((node.pooled(), node.block_of(first), node.block_of(second)), ({first}, None, node.tip()), "when one is mined")
    replacement = node.send(node.conflict(first))
    same((node.pooled(), first == replacement), ({replacement}, False), "when the other is replaced")
    block, = node.mine()
    same((node.block_of(replacement), node.height()), (block, 112), "when that is mined")
    coin, = node.coins(mine)
    same((coin.txid, coin.sat, coin.height, coin.coinbase), (second, 1_000, 111, False), "what the address has")
    same(node.coins(coin.script), [coin], "the same of its script")


@test("bitcoind: reorgs drop a transaction, keep it, replace it for good; and are taken back")
def _(world):
    node = world.rich()
    kept, dropped = node.pay(node.address(), 10_000), node.pay(node.address(), 20_000)
    raws = [node.raw(kept), node.raw(dropped)]
    block, = node.mine()
    old = node.reorg(1, txs=[kept])
    same((old, node.height(), node.pooled()), (block, 112, {dropped}), "a reorg of one block")
    same((node.block_of(kept), node.block_of(dropped)), (node.hash_at(111), None), "who is in the new chain")
    node.mine(4, txs=[])
    node.reorg(6)
    same((node.height(), node.pooled()), (117, {kept, dropped}), "a reorg of six")
    same(node.send(raws[1]), dropped, "one that waits already, sent again")
    conflict = node.conflict(dropped)
    node.reorg(2, txs=[kept, conflict])
    check(node.block_of(bitcoin.Tx.parse(conflict).txid()), "the double spend is not in the chain")
    refused = raises(bitcoin_rpc.BitcoinError, node.send, raws[1])
    same((refused.code, refused.message), (-25, "bad-txns-inputs-missingorspent"), "the one that lost")
    tip = node.tip()
    first = node.rollback(30)
    same(node.height(), 88, "thirty blocks less")
    node.mine(31, txs=[])
    node.reconsider(first)
    same(node.height(), 119, "the new chain stays, which is longer")
    node.invalidate(node.hash_at(89))
    same(node.tip(), tip, "and without it the old one is back")


@test("bitcoind: restarted with its mempool and without; killed; each time a new cookie")
def _(world):
    node = world.rich()
    stays = node.pay(node.address(), 10_000)
    with open(node.cookie, encoding="ascii") as f:
        cookie = f.read()
    stale = bitcoin_rpc.Rpc(node.port, user=cookie.partition(":")[0], password=cookie.partition(":")[2])
    same(stale.ask("getblockcount"), 110, "by the cookie's name and password")
    node.restart()
    same(node.pooled(), {stays}, "after a restart")
    same(raises(bitcoin_rpc.HttpRefused, stale.ask, "getblockcount").status, 401, "with the old cookie")
    node.restart("-persistmempool=0")
    same((node.pooled(), node.height()), (set(), 110), "after a restart without a mempool")
    later = node.pay(node.address(), 10_000)
    same(node.pooled(), {later}, "its wallet does not bring the lost one back")
    node.kill()
    raises(OSError, node.height)
    node.start()
    node.ready()
    same(node.pooled(), {stays}, "after a power cut: what the last end in peace wrote")
    node.set_time(2_000_000_000)
    same(node.rpc.ask("getblockheader", node.mine()[0])["time"], 2_000_000_000, "the time of a block by its clock")


@test("bitcoind: users of rpcauth, and who is none")
def _(world):
    node = world.node(user=("alice", "secret:with colon"))
    same(bitcoin_rpc.Rpc(node.port, user="alice", password="secret:with colon").ask("getblockcount"), 0, "as the user")
    for user, password in (("alice", "wrong"), ("bob", "secret:with colon")):
        began = time.monotonic()
        refused = raises(bitcoin_rpc.HttpRefused, bitcoin_rpc.Rpc(node.port, user=user, password=password).ask, "help")
        same((refused.status, refused.body), (401, b""), "as somebody else")
        check(time.monotonic() - began >= 0.2, "whoever guesses is not slowed down")


@test("bitcoind: two nodes mine apart, meet, and the longer chain wins")
def _(world):
    ours, theirs = world.started(listen=True), world.started()
    ours.ready()
    theirs.ready()
    ours.prepare()
    theirs.connect(ours)
    theirs.agree(ours)
    theirs.disconnect()
    paid = ours.pay(ours.address(), 10_000)
    ours.mine(2)
    theirs.mine(3)
    check(ours.tip() != theirs.tip(), "they agree before they meet")
    theirs.connect(ours)
    ours.agree(theirs)
    same((ours.height(), ours.block_of(paid), ours.pooled()), (113, None, {paid}), "the shorter chain's transaction")
    theirs.disconnect()
    theirs.mine()
    check(ours.tip() != theirs.tip(), "they are not apart")


@test("bitcoind: a pruned node, which forgot its old blocks")
def _(world):
    node = world.rich(*real_bitcoind.PRUNED)
    early, = node.mine()
    node.mine(900)
    upto = node.prune(node.height() - real_bitcoind.PRUNED_KEEPS)
    check(102 < upto < node.height() - real_bitcoind.PRUNED_KEEPS, f"pruned up to {upto}")
    refused = raises(bitcoin_rpc.BitcoinError, node.rpc.ask, "getblock", early, 0)
    check("pruned" in refused.message, refused.message)
    info = node.rpc.ask("getblockchaininfo")
    same((info["pruned"], info["pruneheight"] > 102), (True, True), "what it says of itself")
    same(bitcoin.header(bytes.fromhex(node.rpc.ask("getblockheader", early, False))).hash, early, "headers stay")


@test("bitcoind: other networks, offline")
def _(world):
    nodes = {name: world.started(network=name) for name in ("signet", "testnet4", "main")}
    for name, node in nodes.items():
        node.ready()
        same((node.rpc.ask("getblockchaininfo")["chain"], node.height()), (name, 0), name)
        same(node.rpc.ask("getconnectioncount"), 0, "its connections")
    same(nodes["main"].hash_at(0), bitcoin.GENESIS["main"], "the genesis block")
    same(len({node.hash_at(0) for node in nodes.values()}), 3, "genesis blocks")


@test("bitcoind: a taken port is told, and the settings of peers.md are in force")
def _(world):
    node = world.node()
    late = real_bitcoind.Bitcoind(os.path.join(world.folder, "late"))
    late.port, late.url = node.port, node.url
    late.start()
    try:
        raises(RuntimeError, late.ready)
    finally:
        late.process.stdout.close()
        same(late.process.wait(20), 1, "its exit code")
    node.mine(2)
    same({name: index["synced"] for name, index in node.rpc.ask("getindexinfo").items()},
         {"txindex": True, "basic block filter index": True}, "indexes")
    same(node.rpc.ask("getmempoolinfo").get("truc_policy", "enforce"), "enforce", "TRUC, where the node has a choice")
    done = os.popen(f"'{real_bitcoind.BITCOIND}' cli --dir '{node.folder}' getblockcount").read()
    same(done, "2\n", "by bitcoin-cli")


@test("bitcoind: a fee-less parent with an anchor and the child that pays, as a package")
def _(world):
    node = world.rich()
    parent = package_parent(node)
    refused = raises(bitcoin_rpc.BitcoinError, node.send, parent)
    same((refused.code, "min relay fee not met" in refused.message), (-26, True), "the parent alone")
    child = package_child(node, parent)
    told = node.rpc.ask("submitpackage", [parent, child])
    same((told["package_msg"], len(told["tx-results"])), ("success", 2), "the package")
    txids = {bitcoin.Tx.parse(raw).txid() for raw in (parent, child)}
    same(node.pooled(), txids, "the mempool")
    node.mine()
    same({node.block_of(txid) for txid in txids}, {node.tip()}, "where they are")


def package_parent(node):
    """A transaction of version 3 without a fee, whose last output is an anchor of no value (BIP 431, BIP 433)."""
    coin = node.wallet.ask("listunspent")[0]
    amount = sat(coin["amount"])
    tx = bitcoin.Tx(3, [bitcoin.Input(coin["txid"], coin["vout"], b"", 0, [])],
                    [bitcoin.Output(amount, bitcoin.segwit_script(node.address())), bitcoin.Output(0, bitcoin.P2A)], 0)
    return node.signed(tx.serialize().hex())


def package_child(node, parent):
    """One that spends both outputs and pays for both transactions."""
    spent = bitcoin.Tx.parse(parent)
    amount = spent.outputs[0].amount
    tx = bitcoin.Tx(3, [bitcoin.Input(spent.txid(), n, b"", 0xfffffffd, []) for n in (0, 1)],
                    [bitcoin.Output(amount - 5_000, bitcoin.segwit_script(node.address()))], 0)
    known = [{"txid": spent.txid(), "vout": n, "scriptPubKey": o.script.hex(), "amount": str(bitcoin_rpc.btc(o.amount))}
             for n, o in enumerate(spent.outputs)]
    # The anchor wants no signature, which the wallet calls incomplete or complete by its version: the mempool judges.
    return node.wallet.ask("signrawtransactionwithwallet", tx.serialize().hex(), known)["hex"]


@test("bitcoin: transactions, blocks, Merkle trees and addresses as the node has them")
def _(world):
    node = world.rich()
    for kind in ("bech32m", "bech32", "p2sh-segwit", "legacy"):
        node.pay(node.address(kind), 10_000)
    for _ in range(3):
        node.pay_all([(bitcoin.segwit_address("bcrt", 1, os.urandom(32)), 5_000 + n) for n in range(300)])
    hash_, = node.mine()
    told = node.rpc.ask("getblock", hash_, 2)
    head, txs = bitcoin.block(bytes.fromhex(node.rpc.ask("getblock", hash_, 0)))
    same((head.hash, head.previous, head.time), (hash_, node.hash_at(110), told["time"]), "the header")
    same(head.merkle_root, bitcoin.merkle_root([t["txid"] for t in told["tx"]]), "the Merkle root")
    same(len(txs), 8, "transactions")
    for tx, wanted in zip(txs, told["tx"]):
        same((tx.txid(), tx.wtxid(), tx.weight(), tx.version, tx.locktime),
             tuple(wanted[name] for name in ("txid", "hash", "weight", "version", "locktime")), "a transaction")
        same(tx.serialize().hex(), wanted["hex"], "its bytes")
        for output, paid in zip(tx.outputs, wanted["vout"]):
            same((output.amount, output.script.hex()), (sat(paid["value"]), paid["scriptPubKey"]["hex"]), "an output")
            address = paid["scriptPubKey"].get("address", "")
            if address.startswith("bcrt1"):
                same(bitcoin.segwit_script(address), output.script, address)
    for at, txid in enumerate(t["txid"] for t in told["tx"]):
        root, branch = bitcoin.merkle_branch([t["txid"] for t in told["tx"]], at)
        same((root, len(branch), climbed(txid, branch, at)), (head.merkle_root, 3, root), "a branch")
    for version, program in ((0, bytes(20)), (0, bytes(32)), (1, bytes(range(32))), (1, b"\x4e\x73"), (16, b"\1\2")):
        address = bitcoin.segwit_address("bcrt", version, program)
        told = node.rpc.ask("validateaddress", address)
        same((told["isvalid"], told["scriptPubKey"]), (True, bitcoin.segwit_script(address).hex()), address)
        other = bitcoin.BECH32M if version == 0 else bitcoin.BECH32
        for wrong in (bitcoin.segwit_address("bcrt", version, program, other),
                      bitcoin.segwit_address("bc", version, program)):
            check(not node.rpc.ask("validateaddress", wrong)["isvalid"], wrong)
    same(bitcoin.segwit_script(bitcoin.segwit_address("bcrt", 1, b"\x4e\x73")), bitcoin.P2A, "the anchor's address")


def climbed(txid, branch, at):
    node = bytes.fromhex(txid)[::-1]
    for n, other in enumerate(bytes.fromhex(o)[::-1] for o in branch):
        node = bitcoin.hash256(other + node if at >> n & 1 else node + other)
    return bitcoin.shown(node)
