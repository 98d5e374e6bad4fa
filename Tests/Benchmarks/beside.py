"""Readers beside a service: what commands that read cost a run of a million changes, and a hundred of them at once."""
import json
import os
import re
import statistics
import subprocess
import time
import urllib.request

from files import write_csv
from service import cpu, memory

CHANGES = 1_000_000
RATE = 400
# Windows without and with a reader take turns, so that what slows both is in both.
WINDOWS, WINDOW_SECONDS = 6, 15
READERS = 100
COMMANDS = (["runs", "list"], ["report"], ["explain", "cart-0000042"], ["runs", "show", "latest"])


def done(url):
    """The changes that the run at hand has made."""
    with urllib.request.urlopen(url + "/api/service") as answer:
        run = json.load(answer).get("run") or {}
    # While it reads, these are records.
    return run["done"] if run.get("phase") == "applying" else 0


def window(bench, service, url, state, environment, reads):
    """User and system seconds of the service for 1,000 changes, and how many commands read meanwhile."""
    began, spent, read = done(url), cpu(service), 0
    end = time.monotonic() + WINDOW_SECONDS
    while time.monotonic() < end:
        if not reads:
            time.sleep(0.1)
            continue
        command = COMMANDS[read % len(COMMANDS)]
        # An explained cart may not be known yet.
        subprocess.run([bench.cartsync, *command, "--state", state], env=environment, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        read += 1
        time.sleep(0.9)
    return (cpu(service) - spent) / max(1, done(url) - began) * 1000, read


def measure(bench):
    state, inbox, log = bench.path("state"), bench.path("inbox"), bench.path("serve.log")
    os.mkdir(inbox)
    export = bench.generate("export.csv", write_csv, CHANGES)
    with bench.sandbox() as environment:
        with open(log, "w", encoding="utf-8") as errors:
            service = subprocess.Popen(
                [bench.cartsync, "serve", "--state", state, "--inbox", inbox, "--http", "127.0.0.1:0", "--poll", "200ms",
                 "--settle", "0s", "--rate", str(RATE)], env=environment, stderr=errors)
        try:
            url = None
            while url is None:
                time.sleep(0.02)
                with open(log, encoding="utf-8") as lines:
                    url = re.search(r"http://127\.0\.0\.1:\d+", lines.read())
            url = url.group()
            os.rename(export, os.path.join(inbox, "export.csv"))
            while done(url) < RATE * 2:
                time.sleep(0.1)
            figures = {False: [], True: []}
            reads = 0
            for number in range(WINDOWS * 2):
                cost, read = window(bench, service, url, state, environment, number % 2 == 1)
                figures[number % 2 == 1].append(cost)
                reads += read
            alone, beside = (statistics.median(figures[one]) for one in (False, True))
            pairs = [(with_one / without - 1) * 100 for without, with_one in zip(figures[False], figures[True])]
            print(f"\nBeside a run of {CHANGES:,} changes at {RATE} a second, one command that reads each second ({reads} in all): "
                  f"{alone * 1000:.1f} ms of CPU for 1,000 changes without, {beside * 1000:.1f} ms with (medians of {WINDOWS} windows "
                  f"each; pair by pair {', '.join(f'{pair:+.1f}' for pair in pairs)} %, in the middle {statistics.median(pairs):+.1f} %)",
                  flush=True)
            begin = time.monotonic()
            readers = [
                subprocess.Popen([bench.cartsync, *COMMANDS[number % 2 * 3], "--state", state], env=environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for number in range(READERS)]
            statuses = [reader.wait() for reader in readers]
            print(f"{READERS} at once: {statuses.count(0)} served, after {time.monotonic() - begin:.1f} s; the service has "
                  f"{memory(service, 'VmRSS'):.0f} MB", flush=True)
        finally:
            # It would go on for most of an hour.
            service.kill()
            service.wait()
