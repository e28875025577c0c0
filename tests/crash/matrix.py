"""What a row of the crash matrix is, and how rows are played."""
import collections
import os
import queue
import sys
import threading
import time
import traceback


class Row(collections.namedtuple("Row", "name play crew what waits", defaults=("times", False))):
    """play(worker): does it, and raises what went wrong; may return how many of what ("kills", say) there were.
    crew(build, folder): makes a worker, which plays rows one after the other.  It has abandon(), after a row that failed:
    ends everything and returns the folders that are worth a look; and close().
    waits: takes long and does little meanwhile, so that it may run beside all others, with a worker of its own: for a few."""


class Runner:
    """Plays the rows of one part of the matrix."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.lock = threading.Lock()
        self.passed = self.failed = self.made = self.kills = 0

    def run(self, rows, at_once):
        queues = {}
        threads = []
        for row in rows:
            if row.waits:
                alone = queue.Queue()
                alone.put(row)
                threads.append(threading.Thread(target=self.work, args=(row.crew, alone)))
            else:
                queues.setdefault(row.crew, queue.Queue()).put(row)
        threads += [threading.Thread(target=self.work_all, args=(queues,)) for _ in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work_all(self, queues):
        for crew, todo in queues.items():
            self.work(crew, todo)

    def work(self, crew, todo):
        """Rows from a queue until it is empty."""
        worker = None
        while True:
            try:
                row = todo.get_nowait()
            except queue.Empty:
                break
            try:
                worker = worker or self.new_worker(crew)
            except Exception as why:  # pylint: disable=broad-except; the row cannot be played, which is a failure, too
                self.tell_failure(row, why, "")
                continue
            if not self.play(worker, row):
                worker = None
        if worker:
            worker.close()

    def new_worker(self, crew):
        with self.lock:
            self.made += 1
            folder = os.path.join(self.folder, f"w{self.made}")
        return crew(self.build, folder)

    def play(self, worker, row):
        began = time.monotonic()
        try:
            found = row.play(worker)
        except Exception as why:  # pylint: disable=broad-except; any trouble at all is the row's failure
            self.tell_failure(row, why, " ".join(worker.abandon()))
            return False
        with self.lock:
            self.passed += 1
            self.kills += found if row.what == "kills" else 0
            told = f", {found} {row.what}" if found is not None else ""
            print(f"ok {row.name}{told} ({time.monotonic() - began:.1f} s)", flush=True)
        return True

    def tell_failure(self, row, why, kept):
        with self.lock:
            self.failed += 1
            print(f"FAILED {row.name}: {type(why).__name__}: {why}", flush=True)
            traceback.print_exception(why, limit=-3, file=sys.stdout)
            print(f"       kept: {kept or 'nothing'}", flush=True)
