"""A key file as wallets exchange them: Web3 Secret Storage, version 3, with scrypt and AES-128-CTR.

Only for keys of no value: the key is on the command line of openssl for a moment."""
import hashlib
import json
import os
import secrets
import subprocess
import uuid

from keccak import keccak256


def keystore(address, private_key, password, n=4096, r=8, p=1, salt=None, iv=None):
    """The file's content, as a dict.  private_key and address: "0x" text; n, r, p: scrypt's cost."""
    salt, iv = salt or secrets.token_bytes(32), iv or secrets.token_bytes(16)
    derived = hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=32, maxmem=256 * n * r + (64 << 20))
    ciphertext = subprocess.run(["openssl", "enc", "-aes-128-ctr", "-nopad", "-K", derived[:16].hex(), "-iv", iv.hex()],
                                input=bytes.fromhex(private_key[2:]), stdout=subprocess.PIPE, check=True).stdout
    return {
        "address": address[2:].lower(),
        "id": str(uuid.uuid4()),
        "version": 3,
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": iv.hex()},
            "ciphertext": ciphertext.hex(),
            "kdf": "scrypt",
            "kdfparams": {"salt": salt.hex(), "n": n, "r": r, "p": p, "dklen": 32},
            "mac": keccak256(derived[16:] + ciphertext).hex(),
        },
    }


def write(path, address, private_key, password, mode=0o600, **cost):
    """Writes it where nobody else can read it, unless another mode is given on purpose."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as f:
        os.fchmod(f.fileno(), mode)
        json.dump(keystore(address, private_key, password, **cost), f)
