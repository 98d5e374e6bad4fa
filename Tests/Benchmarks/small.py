"""Small things: the time of whole processes that have little to do, and an inbox full of small deltas."""
import json
import os
import statistics
import urllib.request

TIMES = 20
DELTAS = 300


def times(bench, arguments, environment=None):
    """The medians of wall and processor time, in milliseconds, and of memory."""
    figures = [bench.run_once(arguments, environment) for _ in range(TIMES)]
    return [statistics.median(values) for values in zip(*((f.seconds * 1000, f.cpu * 1000, f.memory) for f in figures))]


def measure(bench):
    export = bench.path("ten.csv")
    with open(export, "w", encoding="utf-8") as file:
        file.write("customer_id,cart_id\n" + "".join(f"c-{number},cart-{number}\n" for number in range(10)))
    print(f"\nWhole processes, the median of {TIMES}:\n\n| | wall | user+sys | memory |\n|---|---|---|---|", flush=True)
    with bench.sandbox() as environment:
        for name, arguments in (
            ("`--version`", ["--version"]), ("`check` of 10 lines", ["check", export]),
            ("`plan` of 10 lines against the sandbox", ["plan", "--state", bench.path("state"), export]),
        ):
            wall, cpu, memory = times(bench, [bench.cartsync, *arguments], environment)
            print(f"| {name} | {wall:.0f} ms | {cpu:.0f} ms | {memory:.0f} MB |", flush=True)
    deltas(bench)


def deltas(bench):
    """A service that looks once at an inbox with as many exports of one record."""
    inbox = bench.path("inbox-deltas")
    os.mkdir(inbox)
    for number in range(DELTAS):
        path = os.path.join(inbox, f"{number:03}.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"customer_id,cart_id,action\nc-{number},cart-{number},add\n")
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    with bench.sandbox() as environment:
        figure = bench.run_once(
            [bench.cartsync, "serve", "--once", "--state", bench.path("state-deltas"), "--inbox", inbox, "--http", "off", "--settle",
             "0s", "--rate", "1000"], environment)
        with urllib.request.urlopen(environment["EPCC_API_BASE_URL"] + "/sandbox/stats") as answer:
            requests = json.load(answer)["requests"]
    counts = {name: sum(requests.get(name, {}).values()) for name in ("create", "token", "list")}
    print(f"\n{DELTAS} deltas of one record: {figure.seconds:.1f} s, {figure.cpu:.1f} s user+sys, {figure.memory:.0f} MB, "
          f"{counts['create']} creates, {counts['token']} tokens, {counts['list']} calls for listings", flush=True)
