"""Transactions as no wallet would make them, from a seed: some that are real, and each changed a little, in its fields or in
its bytes.  Most can still be read, and those that can't are broken where a reader must notice."""
import glob
import os
import random

import lab
from bitcoin import COINBASE, Input, Output, Tx, number

CORPUS = os.path.join(lab.ROOT, "tests", "fuzz", "corpus", "tx", "*")
# Where a length in the wire format changes its form, and where code likes to have its limits.
LENGTHS = (0, 1, 2, 25, 34, 75, 76, 252, 253, 254, 255, 256, 520, 521)
LONG = (10_000, 65_535, 65_536)
COUNTS = (1, 2, 3, 252, 253, 300)
NUMBERS = (0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffffd, 0xfffffffe, 0xffffffff)
AMOUNTS = (0, 1, 329, 330, 546, 99_999_999, 100_000_000, 2_100_000_000_000_000, 2_100_000_000_000_001, 2 ** 63 - 1)
LONG_SHARE = 0.01   # few, so that thousands are asked for in seconds
SIZE_MAX = 150_000  # of one, so that a request of many fits into what a node reads


class Mutator:
    def __init__(self, seed, real):
        """real: transactions in hex, to begin from."""
        self.chance = random.Random(seed)
        corpus = []
        for path in sorted(glob.glob(CORPUS)):
            with open(path, "rb") as f:
                corpus.append(f.read())
        self.begin = [bytes.fromhex(raw) for raw in real] + corpus
        self.read = [tx for tx in map(self.parsed, self.begin) if tx]

    @staticmethod
    def parsed(raw):
        try:
            return Tx.parse(raw)
        except ValueError:
            return None

    def all(self, count):
        """What it begins from, and others until there are so many."""
        found = dict.fromkeys(self.begin)
        while len(found) < count:
            tx = self.changed_bytes() if self.chance.random() < 0.4 else self.changed_fields()
            if len(tx) <= SIZE_MAX:
                found[tx] = None
        return list(found)

    def some(self, lengths=LENGTHS):
        chosen = LONG if lengths is LENGTHS and self.chance.random() < LONG_SHARE else lengths
        return self.chance.randbytes(self.chance.choice(chosen))

    # Bytes.

    def changed_bytes(self):
        raw = bytearray(self.chance.choice(self.begin))
        for _ in range(self.chance.randint(1, 3)):
            self.chance.choice((self.flip, self.replace, self.insert, self.remove, self.cut, self.grow))(raw)
        return bytes(raw)

    def at(self, raw):
        """Mostly at the front, where the structure is."""
        within = len(raw) if self.chance.random() < 0.5 else min(len(raw), 50)
        return self.chance.randrange(within + 1)

    def flip(self, raw):
        if raw:
            raw[min(self.at(raw), len(raw) - 1)] ^= 1 << self.chance.randrange(8)

    def replace(self, raw):
        if raw:
            raw[min(self.at(raw), len(raw) - 1)] = self.chance.choice((0, 1, 2, 0xfc, 0xfd, 0xfe, 0xff))

    def insert(self, raw):
        at = self.at(raw)
        raw[at:at] = self.some((1, 2, 4, 8, 32))

    def remove(self, raw):
        at = self.at(raw)
        del raw[at:at + self.chance.choice((1, 2, 4, 32))]

    def cut(self, raw):
        del raw[self.at(raw):]

    def grow(self, raw):
        raw += self.some((1, 4, 37))

    # Fields.

    def changed_fields(self):
        tx = self.chance.choice(self.read)
        for _ in range(self.chance.randint(1, 4)):
            tx = self.chance.choice((self.of_numbers, self.of_inputs, self.of_outputs, self.of_witnesses))(tx)
        return self.written(tx)

    def written(self, tx):
        """As it is; or with lengths that are written longer than they need be, or a marker without witnesses."""
        raw = tx.serialize(with_witness=self.chance.random() < 0.9)
        kind = self.chance.random()
        if kind < 0.05 and len(tx.inputs) < 0xfd and raw[4:5] != b"\0":
            return raw[:4] + b"\xfd" + number(len(tx.inputs), 2) + raw[5:]
        if kind < 0.1:
            bare = tx.serialize(with_witness=False)
            return bare[:4] + b"\0\1" + bare[4:-4] + b"\0" * len(tx.inputs) + bare[-4:]
        return raw

    def of_numbers(self, tx):
        return tx._replace(version=self.chance.choice(NUMBERS), locktime=self.chance.choice(NUMBERS))

    def input(self):
        txid, vout = COINBASE if self.chance.random() < 0.1 else (self.chance.randbytes(32).hex(),
                                                                 self.chance.choice(NUMBERS))
        return Input(txid, vout, self.some(), self.chance.choice(NUMBERS), self.witness())

    def witness(self):
        if self.chance.random() < 0.4:
            return []
        if self.chance.random() < 0.02:
            return [self.some((0, 1, 2, 33)) for _ in range(260)]
        return [self.some() for _ in range(self.chance.choice((1, 1, 2, 3)))]

    def of_inputs(self, tx):
        kept = list(tx.inputs)
        kind = self.chance.random()
        if kind < 0.1:
            return tx._replace(inputs=[])
        if kind < 0.2 and kept:
            return tx._replace(inputs=[i._replace(witness=i.witness[:1]) for i in kept[:1]] * self.chance.choice(COUNTS))
        kept.insert(self.chance.randrange(len(kept) + 1), self.input())
        return tx._replace(inputs=kept)

    def of_outputs(self, tx):
        kept = list(tx.outputs)
        kind = self.chance.random()
        if kind < 0.1:
            return tx._replace(outputs=[])
        if kind < 0.2 and kept:
            return tx._replace(outputs=kept[:1] * self.chance.choice(COUNTS))
        amount = self.chance.choice(AMOUNTS) if self.chance.random() < 0.95 else 2 ** 64 - self.chance.choice((1, 546))
        kept.insert(self.chance.randrange(len(kept) + 1), Output(amount, self.some()))
        return tx._replace(outputs=kept)

    def of_witnesses(self, tx):
        return tx._replace(inputs=[i._replace(witness=self.witness()) for i in tx.inputs])
