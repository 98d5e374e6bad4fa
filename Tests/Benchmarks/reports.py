"""Reports: what recording a latency costs, the memory of all recorders, and the report of a large run."""
import json
import os
import subprocess
import sys

from bench import row, table

CHANGES = 1_000_000


def measure(bench):
    program = bench.beside("measure-reports")
    print(subprocess.run([program, "record"], check=True, capture_output=True, text=True).stdout, end="", flush=True)
    environment = dict(os.environ, EPCC_API_BASE_URL="http://127.0.0.1:9", EPCC_CLIENT_ID="id", EPCC_CLIENT_SECRET="no")
    state = bench.path("state")
    run = subprocess.run([program, "make", state, environment["EPCC_API_BASE_URL"], "id", str(CHANGES)], check=True,
                         capture_output=True, text=True).stdout.strip()
    figure = bench.run_once([bench.cartsync, "runs", "resume", "--state", state, run], environment, statuses=(1,))
    with open(os.path.join(state, "runs", run, "report.json"), encoding="utf-8") as file:
        outcomes = json.load(file)["outcomes"]["create"]
    if outcomes["created"] + outcomes["rejected"] != CHANGES or outcomes["pending"]:
        sys.exit(f"the report has {outcomes}")
    table("what")
    row(f"report of {CHANGES:,} changes, from the ledger", figure)
