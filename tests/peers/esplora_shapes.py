"""How an Esplora writes down what it knows: fields, their order and their spelling as in its public API, with scripts
as the text that its library makes of them."""
import bitcoin

TYPES = (  # the first that fits: (name, does it fit)
    ("empty", lambda s: not s),
    ("op_return", lambda s: s[0] == 0x6a),
    ("p2pk", lambda s: s[-1] == 0xac and len(s) == s[0] + 2 and s[0] in (33, 65)),
    ("p2pkh", lambda s: len(s) == 25 and s[:3] == b"\x76\xa9\x14" and s[23:] == b"\x88\xac"),
    ("p2sh", lambda s: len(s) == 23 and s[:2] == b"\xa9\x14" and s[22] == 0x87),
    ("v0_p2wpkh", lambda s: len(s) == 22 and s[:2] == b"\x00\x14"),
    ("v0_p2wsh", lambda s: len(s) == 34 and s[:2] == b"\x00\x20"),
    ("v1_p2tr", lambda s: len(s) == 34 and s[:2] == b"\x51\x20"),
    ("unknown", lambda s: True),
)
OPCODES = {n: "OP_" + name for n, name in enumerate(
    "NOP VER IF NOTIF VERIF VERNOTIF ELSE ENDIF VERIFY RETURN TOALTSTACK FROMALTSTACK 2DROP 2DUP 3DUP 2OVER 2ROT 2SWAP"
    " IFDUP DEPTH DROP DUP NIP OVER PICK ROLL ROT SWAP TUCK CAT SUBSTR LEFT RIGHT SIZE INVERT AND OR XOR EQUAL"
    " EQUALVERIFY RESERVED1 RESERVED2 1ADD 1SUB 2MUL 2DIV NEGATE ABS NOT 0NOTEQUAL ADD SUB MUL DIV MOD LSHIFT RSHIFT"
    " BOOLAND BOOLOR NUMEQUAL NUMEQUALVERIFY NUMNOTEQUAL LESSTHAN GREATERTHAN LESSTHANOREQUAL GREATERTHANOREQUAL"
    " MIN MAX WITHIN RIPEMD160 SHA1 SHA256 HASH160 HASH256 CODESEPARATOR CHECKSIG CHECKSIGVERIFY CHECKMULTISIG"
    " CHECKMULTISIGVERIFY NOP1 CLTV CSV NOP4 NOP5 NOP6 NOP7 NOP8 NOP9 NOP10 CHECKSIGADD".split(), 0x61)}
OPCODES.update({0x00: "OP_0", 0x4f: "OP_PUSHNUM_NEG1", 0x50: "OP_RESERVED", 0xff: "OP_INVALIDOPCODE"})
OPCODES.update({0x50 + n: f"OP_PUSHNUM_{n}" for n in range(1, 17)})


def asm(script):
    words, reader = [], bitcoin.Reader(script)
    while reader.at < len(script):
        code = reader.number(1)
        try:
            if 1 <= code <= 0x4b:
                words += [f"OP_PUSHBYTES_{code}", reader.take(code).hex()]
            elif 0x4c <= code <= 0x4e:
                size = 1 << code - 0x4c
                words += [f"OP_PUSHDATA{size}", reader.take(reader.number(size)).hex()]
            else:
                words.append(OPCODES.get(code, f"OP_RETURN_{code}"))
        except ValueError:
            return " ".join(words + ["<push past end>"])
    return " ".join(words)


def script_type(script):
    return next(name for name, fits in TYPES if fits(script))


def status(tx):
    """Of a Tx of the index, or of None."""
    if not tx or not tx.block:
        return {"confirmed": False}
    found = tx.block
    return {"confirmed": True, "block_height": found.height, "block_hash": found.hash, "block_time": found.time}


def output(tx, n):
    amount, script = tx.outputs[n]
    address = tx.told["vout"][n]["scriptPubKey"].get("address")
    return {"scriptpubkey": script.hex(), "scriptpubkey_asm": asm(script), "scriptpubkey_type": script_type(script),
            **({"scriptpubkey_address": address} if address else {}), "value": amount}


def last_push(script):
    """The bytes that it pushes last; None when it ends in another way."""
    found, reader = None, bitcoin.Reader(script)
    while reader.at < len(script):
        code = reader.number(1)
        if code > 0x4e:
            found = None
        else:
            found = reader.take(code if code <= 0x4b else reader.number(1 << code - 0x4c))
    return found


def inner_scripts(spent, scriptsig, witness):
    """What a script hash stands for, as seen in the input that spends it."""
    redeem = last_push(scriptsig) if script_type(spent) == "p2sh" else None
    wrapped = script_type(redeem if redeem is not None else spent) == "v0_p2wsh"
    return {**({"inner_redeemscript_asm": asm(redeem)} if redeem is not None else {}),
            **({"inner_witnessscript_asm": asm(bytes.fromhex(witness[-1]))} if wrapped and witness else {})}


def input_(index, told):
    coinbase = told.get("coinbase")
    txid, vout = bitcoin.COINBASE if coinbase else (told["txid"], told["vout"])
    source = index.tx(txid)
    scriptsig = bytes.fromhex(coinbase or told["scriptSig"]["hex"])
    witness = told.get("txinwitness")
    return {"txid": txid, "vout": vout, "prevout": output(source, vout) if source else None,
            "scriptsig": scriptsig.hex(), "scriptsig_asm": asm(scriptsig), **({"witness": witness} if witness else {}),
            "is_coinbase": bool(coinbase), "sequence": told["sequence"],
            **(inner_scripts(source.outputs[vout][1], scriptsig, witness) if source else {})}


def transaction(index, tx):
    vin = [input_(index, told) for told in tx.told["vin"]]
    vout = [output(tx, n) for n in range(len(tx.outputs))]
    came = sum(i["prevout"]["value"] for i in vin if i["prevout"])
    fee = 0 if vin[0]["is_coinbase"] else came - sum(o["value"] for o in vout)
    return {"txid": tx.txid, "version": tx.told["version"], "locktime": tx.told["locktime"], "vin": vin, "vout": vout,
            "size": tx.told["size"], "weight": tx.told["weight"], "fee": fee, "status": status(tx)}


def block(found):
    told = found.told
    return {"id": found.hash, "height": found.height, "version": told["version"], "timestamp": found.time,
            "tx_count": told["nTx"], "size": told["size"], "weight": told["weight"], "merkle_root": told["merkleroot"],
            "previousblockhash": found.previous, "mediantime": told["mediantime"], "nonce": told["nonce"],
            "bits": int(told["bits"], 16), "difficulty": float(told["difficulty"])}


def coin(tx, n):
    return {"txid": tx.txid, "vout": n, "status": status(tx), "value": tx.outputs[n][0]}


def spending(index, outpoint):
    found = index.spender(outpoint)
    if not found:
        return {"spent": False}
    return {"spent": True, "txid": found[0], "vin": found[1], "status": status(index.tx(found[0]))}


def stats(index, key, txs):
    """Of the transactions of a script that are mined, or of those that are not."""
    funded = [amount for tx in txs for amount, script in tx.outputs if bitcoin.scripthash(script) == key]
    spent = [found[0] for tx in txs for found in map(index.output, tx.spends())
             if found and bitcoin.scripthash(found[1]) == key]
    return {"funded_txo_count": len(funded), "funded_txo_sum": sum(funded), "spent_txo_count": len(spent),
            "spent_txo_sum": sum(spent), "tx_count": len(txs)}
