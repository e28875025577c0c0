"""The node's wallet as a second signer: with the words of a walletd, or with keys of its own."""
import hashlib
import hmac

import bitcoin

PRIVATE_TEST = bytes.fromhex("04358394")  # BIP32's version bytes of tprv


def master_key(mnemonic):
    """The tprv of these words, without a passphrase (BIP39, BIP32)."""
    seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", 2048)
    digest = hmac.new(b"Bitcoin seed", seed, "sha512").digest()
    return bitcoin.base58check(PRIVATE_TEST + bytes(9) + digest[32:] + b"\0" + digest[:32])


def with_words_of(node, wallet, name="signer"):
    """A wallet of the node's that has the keys of a walletd, and looks at no block: it only signs."""
    node.rpc.ask("createwallet", name, False, True)
    signer = node.rpc.of_wallet(name)
    wanted = []
    for chain in (0, 1):
        text = f"tr({master_key(wallet.mnemonic)}/86h/1h/0h/{chain}/*)"
        checksum = node.rpc.ask("getdescriptorinfo", text)["checksum"]
        wanted.append({"desc": f"{text}#{checksum}", "timestamp": "now", "range": [0, 100]})
    done = signer.ask("importdescriptors", wanted)
    if not all(one["success"] for one in done):
        raise RuntimeError(f"the node's wallet does not take the keys: {done}")
    return signer
