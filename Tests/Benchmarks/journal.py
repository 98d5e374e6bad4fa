"""Long runs: the memory of a million changes and what their journal costs, and how soon a resumed run of five million
makes its first call."""
import os
import shutil
import sqlite3
import subprocess
import sys
import time

from calls import stopped
from files import identifiers, write_csv
from nginx import nginx

CHANGES = 1_000_000
FLIGHT = 32
PAIRS = 3
PLANNED = 5_000_000
DONE = 3_000_000


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(text.split()[1]) / 1000 for text in file if text.startswith("VmRSS"))


def measure(bench):
    million(bench)
    if not os.path.exists("/usr/sbin/nginx"):
        return print("\nnginx is not installed: apt-get install nginx-light")
    resume(bench)


def million(bench):
    """A million changes, and right before them the same plan and the same client, which remembers nothing."""
    changes = bench.generate("million.csv", write_csv, CHANGES)
    print(f"\n{CHANGES:,} creates against the sandbox, {FLIGHT} in flight, without a limit\n", flush=True)
    print("| | nothing remembered | with journal and report | more | memory (MB) in each tenth |\n" + "|---" * 5 + "|", flush=True)
    for number in range(PAIRS):
        state = bench.path(f"state-calls-{number}")
        with bench.sandbox() as environment:
            run = stopped(bench, environment, state, changes)
            calls = bench.run_once(
                [bench.beside("measure-calls"), environment["EPCC_API_BASE_URL"], state, run, str(FLIGHT)],
                environment=environment)
        shutil.rmtree(state)
        state = bench.path(f"state-million-{number}")
        with bench.sandbox() as environment:
            took, tenths = million_changes(bench, environment, state, changes)
        shutil.rmtree(state)
        print(f"| {number + 1} | {calls.seconds:.1f} s | {took:.1f} s | {(took / calls.seconds - 1) * 100:.1f} % | "
              + " ".join(f"{size:.0f}" for size in tenths) + " |", flush=True)


def million_changes(bench, environment, state, changes):
    """Applies them; returns the seconds that took, and the most memory in each tenth of the time."""
    run = stopped(bench, environment, state, changes)
    process = subprocess.Popen(
        [bench.cartsync, "runs", "resume", "--state", state, "--rate", "100000", "--concurrency", str(FLIGHT), run],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begin = time.monotonic()
    seen = []
    while process.poll() is None:
        try:
            seen.append((time.monotonic() - begin, memory(process.pid)))
        except (OSError, StopIteration):
            pass
        time.sleep(0.1)
    took = time.monotonic() - begin
    if process.returncode != 0:
        sys.exit(f"the run of a million changes ended with {process.returncode}")
    sizes = [[size for at, size in seen if took * tenth / 10 <= at < took * (tenth + 1) / 10] for tenth in range(10)]
    return took, [max(tenth, default=0) for tenth in sizes]


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
