"""PSBTs of both versions, as far as a node's answers need them: BIP 174, BIP 370.  Standard library alone, and no code of
the daemon's.

A Psbt is held as BIP 370 writes it: maps of key to value, both bytes.  What is of version 0 becomes that when it is read,
and is written as version 0 again when it is asked for so.  Amounts are satoshi, txids hex as shown to people."""
import base64

import bitcoin
from bitcoin import Input, Output, Reader, Tx, number, string

MAGIC = b"psbt\xff"
# Types of keys: global, of an input, of an output.
UNSIGNED_TX, TX_VERSION, FALLBACK_LOCKTIME, INPUTS, OUTPUTS, VERSION = 0x00, 0x02, 0x03, 0x04, 0x05, 0xfb
WITNESS_UTXO, WITNESS_SCRIPT, FINAL_WITNESS, PREVIOUS_TXID, PREVIOUS_VOUT, SEQUENCE = 0x01, 0x05, 0x08, 0x0e, 0x0f, 0x10
AMOUNT, SCRIPT = 0x03, 0x04
REPLACEABLE = 0xfffffffd


def key(kind):
    return bytes([kind])


def read_map(reader):
    found = {}
    while True:
        name = reader.string()
        if not name:
            return found
        if name in found:
            raise ValueError("a key twice")
        found[name] = reader.string()


def write_map(entries):
    return b"".join(string(name) + string(value) for name, value in sorted(entries.items())) + b"\0"


def read_witness(data):
    reader = Reader(data)
    return [reader.string() for _ in range(reader.count())]


def write_witness(items):
    return bitcoin.count(len(items)) + b"".join(map(string, items))


class Psbt:
    def __init__(self, version=2, locktime=0):
        self.version = version
        self.globals = {key(TX_VERSION): number(2, 4), key(FALLBACK_LOCKTIME): number(locktime, 4)}
        self.inputs, self.outputs = [], []

    @classmethod
    def parse(cls, text):
        """Of base64; ValueError for what is none."""
        reader = Reader(base64.b64decode(text, validate=True))
        if reader.take(len(MAGIC)) != MAGIC:
            raise ValueError("no PSBT")
        made = cls()
        made.globals = read_map(reader)
        made.version = int.from_bytes(made.globals.pop(key(VERSION), b"\0" * 4), "little")
        if made.version == 0:
            made.read_unsigned(reader, Tx.parse(made.globals.pop(key(UNSIGNED_TX))))
        elif made.version == 2:
            inputs, outputs = (Reader(made.globals.pop(key(name))).count() for name in (INPUTS, OUTPUTS))
            made.inputs = [read_map(reader) for _ in range(inputs)]
            made.outputs = [read_map(reader) for _ in range(outputs)]
        else:
            raise ValueError("a PSBT of some other version")
        reader.end()
        return made

    def read_unsigned(self, reader, tx):
        self.globals[key(TX_VERSION)] = number(tx.version, 4)
        self.globals[key(FALLBACK_LOCKTIME)] = number(tx.locktime, 4)
        self.inputs = [{**read_map(reader), key(PREVIOUS_TXID): bytes.fromhex(i.txid)[::-1],
                        key(PREVIOUS_VOUT): number(i.vout, 4), key(SEQUENCE): number(i.sequence, 4)} for i in tx.inputs]
        self.outputs = [{**read_map(reader), key(AMOUNT): number(o.amount, 8), key(SCRIPT): o.script} for o in tx.outputs]

    def text(self, version=None):
        """In base64, of its own version or another."""
        version = self.version if version is None else version
        if version == 2:
            head = {**self.globals, key(INPUTS): bitcoin.count(len(self.inputs)),
                    key(OUTPUTS): bitcoin.count(len(self.outputs)), key(VERSION): number(2, 4)}
            maps = self.inputs + self.outputs
        else:
            unsigned = self.tx().serialize(with_witness=False)
            head = {name: value for name, value in self.globals.items() if name[0] not in (TX_VERSION, FALLBACK_LOCKTIME)}
            head[key(UNSIGNED_TX)] = unsigned
            maps = [{name: value for name, value in one.items() if name[0] not in (PREVIOUS_TXID, PREVIOUS_VOUT, SEQUENCE)}
                    for one in self.inputs]
            maps += [{name: value for name, value in one.items() if name[0] not in (AMOUNT, SCRIPT)}
                     for one in self.outputs]
        return base64.b64encode(MAGIC + write_map(head) + b"".join(map(write_map, maps))).decode()

    def copy(self):
        return Psbt.parse(self.text())

    # What it spends and pays.

    def add_input(self, txid, vout, utxo, sequence=REPLACEABLE):
        """utxo: the Output that is spent."""
        self.inputs.append({key(PREVIOUS_TXID): bytes.fromhex(txid)[::-1], key(PREVIOUS_VOUT): number(vout, 4),
                            key(SEQUENCE): number(sequence, 4),
                            key(WITNESS_UTXO): number(utxo.amount, 8) + string(utxo.script)})

    def add_output(self, amount, script):
        self.outputs.append({key(AMOUNT): number(amount, 8), key(SCRIPT): script})

    def outpoint(self, at):
        found = self.inputs[at]
        return bitcoin.shown(found[key(PREVIOUS_TXID)]), int.from_bytes(found[key(PREVIOUS_VOUT)], "little")

    def outpoints(self):
        return [self.outpoint(at) for at in range(len(self.inputs))]

    def utxo(self, at):
        reader = Reader(self.inputs[at][key(WITNESS_UTXO)])
        return Output(reader.number(8), reader.string())

    def paid(self):
        return [Output(int.from_bytes(o[key(AMOUNT)], "little"), o[key(SCRIPT)]) for o in self.outputs]

    def finish(self, at, witness):
        self.inputs[at][key(FINAL_WITNESS)] = write_witness(witness)

    def is_signed(self, at):
        return key(FINAL_WITNESS) in self.inputs[at]

    def tx(self):
        """With the witnesses that it has."""
        spent = [Input(*self.outpoint(at), b"", int.from_bytes(one.get(key(SEQUENCE), b"\xff" * 4), "little"),
                       read_witness(one.get(key(FINAL_WITNESS), b"\0"))) for at, one in enumerate(self.inputs)]
        return Tx(int.from_bytes(self.globals[key(TX_VERSION)], "little"), spent, self.paid(),
                  int.from_bytes(self.globals.get(key(FALLBACK_LOCKTIME), b"\0" * 4), "little"))

    def fee(self):
        return sum(self.utxo(at).amount for at in range(len(self.inputs))) - sum(o.amount for o in self.paid())
