"""How another process spends time and memory."""
import os

TICK = os.sysconf("SC_CLK_TCK")


class Watched:
    def __init__(self, pid):
        self.pid = pid

    def cpu_s(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident_kb(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def child_of(pid):
    """A node itself, which a program of tests/peers has started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return int(f.read().split()[0])
