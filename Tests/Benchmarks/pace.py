"""The pace of a sync, as two stores in other processes see it: never above the limit, and near it while there is work.

One store is the sandbox. At thousands of calls a second it needs most of a core itself, and on a small machine its own
lateness is a part of what it sees; the other one, `steady_store.c`, costs next to nothing.
"""
import contextlib
import json
import os
import shutil
import subprocess
import urllib.request

from bench import FOLDER, row, table
from files import write_csv

SECONDS = 30
LIMITS = (20, 100, 1000, 5000)
MEDIAN = 40
# What answers do, the sigma of their delays, and the least share of the limit.
CASES = ((f"answers after a steady {MEDIAN} ms", "0", 0.999), (f"median {MEDIAN} ms, lognormal, sigma 0.5", "0.5", 0.99))


class Seen:
    """What a store saw, known when it has ended."""


@contextlib.contextmanager
def sandbox(bench, sigma):
    seen = Seen()
    flags = ("--latency-sigma", sigma) if float(sigma) else ()
    with bench.sandbox("--latency", f"{MEDIAN}ms", *flags) as environment:
        yield environment, seen
        with urllib.request.urlopen(environment["EPCC_API_BASE_URL"] + "/sandbox/stats") as answer:
            vars(seen).update(json.load(answer))


@contextlib.contextmanager
def steady_store(bench, sigma, median=MEDIAN, *keys):
    seen = Seen()
    program = bench.path("steady_store")
    if not os.path.exists(program):
        source = os.path.join(FOLDER, "steady_store.c")
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", program, source, "-lm"], check=True)
    store = subprocess.Popen([program, str(median), sigma, *keys], stdout=subprocess.PIPE, text=True)
    port = store.stdout.readline().strip()
    try:
        yield dict(
            os.environ, EPCC_API_BASE_URL=f"http://127.0.0.1:{port}", EPCC_CLIENT_ID="bench",
            EPCC_CLIENT_SECRET="none"), seen
    finally:
        store.terminate()
        vars(seen).update(json.loads(store.stdout.read()))
        store.wait()


def measure(bench):
    for name, store in (("a store that costs next to nothing", steady_store), ("the sandbox", sandbox)):
        for what, sigma, least in CASES:
            table(f"{name}, {what}", "mean", "most in any one second")
            for limit in LIMITS:
                changes = bench.generate(f"changes-{limit}.csv", write_csv, limit * SECONDS)
                state = bench.path("state-pace")
                shutil.rmtree(state, ignore_errors=True)
                with store(bench, sigma) as (environment, seen):
                    figure = bench.run_once(
                        [bench.cartsync, "import", "--yes", "--state", state, "--current", "ledger", "--rate",
                         str(limit), "--concurrency", str(min(512, max(8, limit // 10))), changes],
                        environment=environment)
                mean = (seen.writes - 1) / seen.writeSeconds / limit
                verdict = "" if mean >= least and seen.busiestSecond <= limit else " (missed)"
                row(f"{limit} a second", f"{mean * 100:.2f} %{verdict}", str(seen.busiestSecond), figure)
