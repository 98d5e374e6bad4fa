"""Long runs: the memory of a million changes, and how soon a resumed run of five million makes its first call."""
import os
import sqlite3
import subprocess
import time

from bench import table, row
from calls import stopped
from files import identifiers, write_csv
from nginx import nginx

CHANGES = 1_000_000
PLANNED = 5_000_000
DONE = 3_000_000


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(text.split()[1]) / 1000 for text in file if text.startswith("VmRSS"))


def measure(bench):
    if not os.path.exists("/usr/sbin/nginx"):
        return print("\nnginx is not installed: apt-get install nginx-light")
    million(bench)
    resume(bench)


def million(bench):
    changes = bench.generate("million.csv", write_csv, CHANGES)
    with nginx(bench) as environment:
        state = bench.path("state-million")
        run = stopped(bench, environment, state, changes)
        process = subprocess.Popen(
            [bench.cartsync, "runs", "resume", "--state", state, "--rate", "100000", "--concurrency", "32", run],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begin = time.monotonic()
        seen = []
        while process.poll() is None:
            try:
                seen.append((time.monotonic() - begin, memory(process.pid)))
            except (OSError, StopIteration):
                pass
            time.sleep(0.5)
        took = time.monotonic() - begin
    tenths = [max((size for at, size in seen if took * tenth / 10 <= at < took * (tenth + 1) / 10), default=0) for tenth in range(10)]
    print(f"\n{CHANGES:,} creates applied in {took:.0f} s; memory (MB) in each tenth of the time: "
          + " ".join(f"{size:.0f}" for size in tenths), flush=True)


def fill(path, run):
    """Puts five million planned changes, three million of them done, into a ledger, as a long run would have left it."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    number, = connection.execute("SELECT number FROM run WHERE id = ?", (run,)).fetchone()
    first = number << 32
    connection.execute("DELETE FROM entry")
    connection.execute("DELETE FROM outcome")
    connection.execute("DELETE FROM association")
    source = connection.execute("SELECT max(id) FROM source_set").fetchone()[0] << 5
    def entries():
        for place, owner in enumerate(identifiers(PLANNED, seed=7)):
            yield first + place, owner, f"cart-{place:09d}", owner[:16].encode(), place + 1, place + 2
    connection.executemany(
        "INSERT INTO entry (id, kind, owner_kind, owner, cart, fingerprint, export, record, line) "
        "VALUES (?, 0, 0, ?, ?, ?, 0, ?, ?)", entries())
    connection.executemany(
        "INSERT INTO outcome (entry, kind, outcome, status, attempts, service, response, at) "
        "VALUES (?, 0, 1, 200, 1, 41000, 42000, 1795262400000)", ((first + place,) for place in range(DONE)))
    connection.execute(
        "INSERT INTO association (cart, owner_kind, owner, fingerprint, standing, since, run, export, record, line) "
        "SELECT cart, 0, owner, fingerprint, ? | (CASE WHEN id < ? THEN 2 ELSE 0 END), 1795262400, ?, 0, record, line FROM entry",
        (source, first + DONE, number))
    connection.execute("UPDATE run SET creates = ?, deletes = 0 WHERE id = ?", (PLANNED, run))
    connection.commit()
    connection.close()


def resume(bench):
    changes = bench.generate("ten.csv", write_csv, 10)
    log = bench.path("moments.log")
    with nginx(bench, log=f"{log} moments") as environment:
        state = bench.path("state-resume")
        run = stopped(bench, environment, state, changes)
        bench.generate("filled", lambda _: fill(f"{state}/ledger.sqlite", run))
        for _ in range(3):
            open(log, "w").close()
            begin = time.time()
            process = subprocess.Popen(
                [bench.cartsync, "runs", "resume", "--state", state, "--rate", "20", run], env=environment,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            first = None
            while first is None and process.poll() is None and time.time() < begin + 60:
                with open(log) as file:
                    first = next((float(text.split()[0]) for text in file if " /v2/carts/" in text), None)
                time.sleep(0.05)
            process.kill()
            process.wait()
            print(f"a run of {PLANNED:,} changes, {DONE:,} done, resumed: first call after "
                  + (f"{first - begin:.2f} s" if first else "more than a minute"), flush=True)
