"""What the tests of the peers share: their registry, their words, and a world of things that end with the test.

A kind of peer has a bench of its own, with a World (a Bench of this file): `test = peer_bench.tests_of(World)`."""
import os

TESTS = []


def tests_of(world):
    """The decorator that registers a test, a function of such a world."""
    def test(name):
        def register(function):
            TESTS.append((name, function, world))
            return function
        return register
    return test


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


class Bench:
    """Of one test.  A kind of it says what its peer is, and has install(), which raises lab.CannotBeHad."""

    PEER = None

    def __init__(self, folder):
        self.folder = folder
        self.ends = []
        os.makedirs(folder)

    @staticmethod
    def install():
        raise NotImplementedError

    def until_end(self, thing):
        """It is stopped when the test ends."""
        self.ends.append(thing.stop)
        return thing

    def place(self):
        """A folder for one peer more."""
        return os.path.join(self.folder, f"peer-{len(self.ends)}")

    def end(self):
        for end in reversed(self.ends):
            end()
