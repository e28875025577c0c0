"""What the house checks share: the sources, and their text without comments and literals."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOT_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def sources():
    """Paths of all C files from the top of the tree, sorted."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(d for d in subfolders if d not in ("build", "playground") and not d.startswith("."))
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def code_lines(path):
    """(number, line) with comments and literals blanked; #include lines keep what they name."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    whole = read(path)
    for number, (line, original) in enumerate(zip(NOT_CODE.sub(blank, whole).split("\n"), whole.split("\n")), 1):
        yield number, original if line.lstrip().startswith("#include") else line
