"""The pace at stores that are not quiet: shared with shoppers, flaky, with short tokens, with an outage.

Each figure is a pair where shoppers are: what we made of the room that they leave, and how many of their calls were
refused. `RUNS=1 make bench SUBJECTS=shared` takes a fifth of the time.
"""
import json
import os
import shutil
import statistics
import subprocess

from bench import table, row, tools, Figure, FOLDER
from files import write_csv
from pace import steady_store

RUNS = int(os.environ.get("RUNS", "5"))
SHOPPERS = [
    ("shoppers 50, sliding second", "rule=sliding shoppers=50", 0.75, 0.016),
    ("shoppers 50, fixed seconds", "rule=fixed shoppers=50", 0.83, 0.012),
    ("shoppers 50, token bucket", "rule=bucket shoppers=50", 0.97, 0.012),
    ("shoppers 60 +- 30 in 20 s, sliding", "rule=sliding shoppers=60 swing=30", 0.67, 0.046),
]
# What, the store's keys, seconds, the part of the rate of 200 a second that is asked for.
MOODS = [
    ("quiet", "", 40, 0.99),
    ("1 % answered 429, third minute", "refuse=0.01 from=120", 180, 0.60),
    ("5 % answered 429, Retry-After: 0, third minute", "refuse=0.05 after=0 from=120", 180, 0.40),
    ("15 % answered 500", "fail=0.15", 60, 0.75),
    ("30 % answered 500", "fail=0.3", 60, 0.50),
    ("tokens of 5 s", "life=5", 60, 0.90),
    ("tokens of 5 s, 15 % answered 500", "life=5 fail=0.15", 60, 0.65),
    ("tokens of 3 s, 30 % answered 500", "life=3 fail=0.3", 60, 0.40),
]


def arguments(bench, state, changes, rate, *more):
    shutil.rmtree(state, ignore_errors=True)
    return [bench.cartsync, "import", "--yes", "--state", state, "--current", "ledger", "--rate", str(rate), *more, changes]


def run(bench, keys, rate, seconds, number, *more):
    """One run of ours for so many seconds; what the store saw, and the figure."""
    changes = bench.generate(f"changes-{rate}-{seconds}.csv", write_csv, rate * seconds)
    with steady_store(bench, "0.5", 30, *keys.split(), f"to={seconds}", f"seed={number + 1}") as (environment, seen):
        command = arguments(bench, bench.path("state-shared"), changes, rate, "--deadline", f"{seconds}s", *more)
        figure = bench.run_once(command, environment=environment, statuses=(0, 1, 75))
    return seen, figure


def others(bench, keys, seconds, number):
    """The same store, before botocore's adaptive limiter."""
    with steady_store(bench, "0.5", 30, *keys.split(), f"to={seconds}", f"seed={number + 1}") as (environment, seen):
        client = os.path.join(FOLDER, "botocore_client.py")
        subprocess.run([tools(), client, environment["EPCC_API_BASE_URL"], str(seconds), "16"], check=True)
    return seen


def median(figures):
    return Figure(*(statistics.median(values) for values in zip(*(vars(figure).values() for figure in figures))))


def measure(bench):
    table("100 calls a second in all", "of the room", "shoppers refused", "botocore, of the room", "shoppers refused")
    for what, keys, least, most in SHOPPERS:
        keys += " from=5"
        ours = [run(bench, keys, 100, 65, number) for number in range(RUNS)]
        theirs = [others(bench, keys, 65, number) for number in range(RUNS)]
        pairs = [[statistics.median(one.made / one.room for one in seen),
                  statistics.median(one.shoppersRefused / one.shoppers for one in seen)]
                 for seen in ([one for one, _ in ours], theirs)]
        verdict = "" if pairs[0][0] >= least - 0.02 and pairs[0][1] <= most else " (missed)"
        cells = [f"{pair[0] * 100:.1f} %" for pair in pairs], [f"{pair[1] * 100:.2f} %" for pair in pairs]
        row(what, cells[0][0] + verdict, cells[1][0], cells[0][1], cells[1][1], median([figure for _, figure in ours]))

    table("at 200 a second", "made, of the rate")
    for what, keys, seconds, least in MOODS:
        runs = [run(bench, keys, 200, seconds, number) for number in range(RUNS)]
        share = statistics.median(seen.made / seen.seconds / 200 for seen, _ in runs)
        row(what, f"{share * 100:.1f} %" + ("" if share >= least - 0.02 else " (missed)"), median([figure for _, figure in runs]))
    whole(bench)
    outage(bench)
    workers(bench)


def whole(bench):
    """20,000 changes at a store that fails 15 % of the calls."""
    changes = bench.generate("changes-whole.csv", write_csv, 20_000)
    table("20,000 changes, 15 % answered 500", "made")
    with steady_store(bench, "0.5", 30, "fail=0.15") as (environment, seen):
        figure = bench.run_once(
            arguments(bench, bench.path("state-shared"), changes, 200), environment=environment, statuses=(0, 1))
    row("to the end", f"{seen.made}" + ("" if seen.made == 20_000 else " (missed)"), figure)


def outage(bench):
    table("an outage of 60 s at 200 a second", "calls into it", "rate 8 to 10 s after it")
    seen, figure = run(bench, "down=20 up=80", 200, 110, 0)
    after = seen.afterOutage / 2 / 200
    verdict = "" if seen.inOutage <= 40 and after >= 0.9 else " (missed)"
    row("answered 503", f"{seen.inOutage}{verdict}", f"{after * 100:.1f} %", figure)


def workers(bench):
    """Four processes that each may have all of the limit."""
    changes = bench.generate("changes-worker.csv", write_csv, 100 * 90)
    with steady_store(bench, "0.5", 30, "rule=sliding", "from=30", "to=90") as (environment, seen):
        processes = []
        for number in range(4):
            command = arguments(bench, bench.path(f"state-{number}"), changes, 100, "--deadline", "92s")
            processes.append(subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL))
        for process in processes:
            process.wait()
    each = [made_by(bench.path(f"state-{number}")) for number in range(4)]
    # In calls a second.
    total, refused = seen.made / seen.seconds, seen.refused / max(1, seen.made + seen.refused)
    good = all(19 <= rate <= 31 for rate in each) and total >= 85 and refused <= 0.02
    print("\n| four processes with --rate 100 on a store of 100: each | together | refused |\n|---|---|---|")
    print(f"| {', '.join(f'{rate:.0f}' for rate in each)}{'' if good else ' (missed)'} | {total:.0f} | {refused * 100:.1f} % |")


def made_by(state):
    """Changes a second of one process in its last minute, from its results."""
    runs = os.path.join(state, "runs")
    with open(os.path.join(runs, sorted(os.listdir(runs))[-1], "report.json")) as file:
        report = json.load(file)
    points = [point for point in report["latency"]["timeline"] if 30 <= point["seconds"] < 90]
    return sum(point["attempts"] - point["rateLimited"] for point in points) / max(1, sum(p["length"] for p in points))
