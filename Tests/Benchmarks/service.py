"""The service: its first answers with a long history, what it costs at rest, and how soon an export's first call is made."""
import json
import os
import re
import sqlite3
import statistics
import subprocess
import time
import urllib.request

from files import write_csv

RUNS = 100_000
IDLE_SECONDS = 20


def history(state):
    """Gives the ledger as many runs as a service has after years: copies of its one run, each with an id of its own."""
    database = sqlite3.connect(os.path.join(state, "ledger.sqlite"))
    with database:
        (record,) = database.execute("SELECT record FROM run ORDER BY number DESC LIMIT 1").fetchone()
        run = json.loads(record)
        for number in range(RUNS):
            run["id"] = f"20200101-{number // 3600:02}{number // 60 % 60:02}{number % 60:02}-aaaa"
            database.execute("INSERT INTO run (id, source, state, saved_plan, record) VALUES (?, ?, ?, NULL, ?)",
                             (run["id"], run["source"], run["state"], json.dumps(run)))
    database.close()


def first_answer(url):
    """Milliseconds until the whole answer is there, over a connection of its own."""
    begin = time.monotonic()
    with urllib.request.urlopen(url) as answer:
        answer.read()
    return (time.monotonic() - begin) * 1000


def cpu(process):
    """User and system seconds of a process so far."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process, kind):
    """MB: all that is resident (VmRSS), or what is not a part of the program's file (RssAnon)."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(kind + r":\s+(\d+) kB", file.read()).group(1)) * 1024 / 1e6


def first_call(bench):
    """Seconds from a whole file of 100,000 records in the inbox to the first call that the store sees."""
    inbox = bench.path("inbox-first")
    os.mkdir(inbox)
    export = bench.generate("first.csv", write_csv, 100_000)
    with bench.sandbox() as environment:
        service = subprocess.Popen(
            [bench.cartsync, "serve", "--state", bench.path("state-first"), "--inbox", inbox, "--http", "off", "--poll", "100ms",
             "--settle", "0s"], env=environment, stderr=subprocess.DEVNULL)
        try:
            while not os.path.isdir(os.path.join(inbox, "superseded")):
                time.sleep(0.02)
            time.sleep(0.3)
            begin = time.monotonic()
            os.rename(export, os.path.join(inbox, "first.csv"))
            while True:
                with urllib.request.urlopen(environment["EPCC_API_BASE_URL"] + "/sandbox/stats") as answer:
                    if json.load(answer)["writes"] > 0:
                        return time.monotonic() - begin
                time.sleep(0.005)
        finally:
            # It would go on for an hour at the default rate.
            service.kill()
            service.wait()


def measure(bench):
    print(f"\nFrom a whole file of 100,000 records to the first write: {first_call(bench):.2f} s", flush=True)
    state, inbox, log = bench.path("state"), bench.path("inbox"), bench.path("serve.log")
    os.mkdir(inbox)
    export = bench.path("export.csv")
    with open(export, "w", encoding="utf-8") as file:
        file.write("customer_id,cart_id\nc-1,cart-1\n")
    with bench.sandbox() as environment:
        bench.run_once([bench.cartsync, "sync", "--yes", "--state", state, export], environment)
        history(state)
        with open(log, "w", encoding="utf-8") as errors:
            service = subprocess.Popen(
                [bench.cartsync, "serve", "--state", state, "--inbox", inbox, "--http", "127.0.0.1:0"],
                env=dict(environment, CARTSYNC_STATE_KEEP="36500d", CARTSYNC_STATE_KEEP_RUNS="1000000"), stderr=errors)
        try:
            url = None
            while url is None:
                time.sleep(0.02)
                with open(log, encoding="utf-8") as lines:
                    url = re.search(r"http://127\.0\.0\.1:\d+", lines.read())
            url = url.group()
            before = cpu(service)
            time.sleep(IDLE_SECONDS)
            share = (cpu(service) - before) / IDLE_SECONDS * 100
            print(f"\nWith nothing to do: {memory(service, 'VmRSS'):.0f} MB, {memory(service, 'RssAnon'):.0f} MB of them not the "
                  f"program's file, {share:.2f} % of a core", flush=True)
            print(f"\nWith {RUNS:,} runs in the ledger (the first answer of the process, then the median of 20):\n")
            for path in ("/", "/api/service", "/api/runs", "/api/runs?limit=1000"):
                first = first_answer(url + path)
                later = statistics.median(first_answer(url + path) for _ in range(20))
                print(f"- `{path}`: {first:.1f} ms, {later:.1f} ms", flush=True)
        finally:
            service.terminate()
            service.wait()
