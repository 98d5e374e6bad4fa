"""The whole apply path without a limit, from the plan in the ledger to the outcome in the ledger, beside other clients."""
import os
import re
import shutil
import sqlite3

from bench import FOLDER, table, tools
from files import write_csv
from nginx import nginx

CALLS = 200_000
FLIGHT = 32
BODY = '{"data":[{"type":"customer","id":"b3f2b6de-8fd4-4cdf-a9d9-c5f7cecccdfe"}]}'


def line(what, calls, figure):
    print(f"| {what} | {calls / figure.seconds:,.0f} | {figure.cpu / calls * 10_000:.2f} s | {figure.memory:.0f} MB |", flush=True)


def stopped(bench, environment, state, changes):
    """A run that is planned and has made hardly a call; returns its id."""
    bench.run_once(
        [bench.cartsync, "import", "--yes", "--state", state, "--current", "ledger", "--rate", "1", "--deadline", "1s", changes],
        environment=environment, statuses=(75,))
    connection = sqlite3.connect(f"{state}/ledger.sqlite")
    run = connection.execute("SELECT id FROM run").fetchone()[0]
    connection.close()
    return run


def measure(bench):
    if not os.path.exists("/usr/sbin/nginx"):
        return print("\nnginx is not installed: apt-get install nginx-light")
    changes = bench.generate("calls.csv", write_csv, CALLS)
    print(f"\n{CALLS:,} POSTs, {FLIGHT} in flight, nginx (1 worker) answering 200 at once\n")
    print("| client | calls a second | user+sys per 10,000 | peak memory |\n|---|---|---|---|")
    with nginx(bench) as environment:
        url = environment["EPCC_API_BASE_URL"]
        for number in range(3):
            state = bench.path(f"state-{number}")
            run = stopped(bench, environment, state, changes)
            figure = bench.run_once([bench.beside("measure-calls"), url, state, run, str(FLIGHT)], environment=environment)
            line("the same plan and the same client, nothing remembered", CALLS, figure)
            # Right after it, since a machine is not always equally fast.
            figure = bench.run_once(
                [bench.cartsync, "runs", "resume", "--state", state, "--rate", "100000", "--concurrency", str(FLIGHT), run],
                environment=environment)
            line("cartsync, with journal and report", CALLS, figure)
            shutil.rmtree(state)
        for _ in range(2):
            figure = bench.run_once([tools(), os.path.join(FOLDER, "aiohttp_client.py"), url, str(CALLS // 2), str(FLIGHT)])
            line("Python aiohttp", CALLS // 2, figure)
        if shutil.which("hey"):
            figure = bench.run_once(
                ["hey", "-n", str(CALLS), "-c", str(FLIGHT), "-m", "POST", "-T", "application/json", "-d", BODY,
                 url + "/v2/carts/c/relationships/customers"])
            line("hey, one URL, nothing remembered", CALLS // FLIGHT * FLIGHT, figure)
        if shutil.which("wrk"):
            measure_wrk(bench, url)


def measure_wrk(bench, url):
    """wrk runs for a time, and says how many calls it made."""
    script = bench.path("post.lua")
    with open(script, "w") as file:
        file.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n' + f"wrk.body = '{BODY}'\n")
    said = bench.path("wrk.txt")
    command = ["wrk", "-t1", f"-c{FLIGHT}", "-d5s", "-s", script, url + "/v2/carts/c/relationships/customers"]
    figure = bench.run_once(["sh", "-c", 'said=$1; shift; exec "$@" > "$said"', "sh", said, *command])
    with open(said) as file:
        calls = int(re.search(r"(\d+) requests in", file.read())[1])
    line("wrk, one URL, nothing remembered", calls, figure)
