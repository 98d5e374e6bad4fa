"""Owners by their keys: from the ledger's memory, from a crosswalk, from a store's whole list, and one by one.

$OWNERS (1,000,000) scales all but the last, $ASKED (100,000) the last.
"""
import json
import os
import shutil
import sqlite3
import urllib.request

from bench import row, size, table
from compare import pair

OWNERS = int(os.environ.get("OWNERS", 1_000_000))
ASKED = int(os.environ.get("ASKED", 100_000))
NEW = 500


def email(number):
    return f"first.last{number}@mail.example.org"


def write_seed(path, count):
    with open(path, "w", buffering=1 << 20) as file:
        file.write('{"carts":[],"customers":[')
        for number in range(count):
            file.write(f'{"," if number else ""}{{"id":"{pair(number)[0]}","email":"{email(number)}"}}')
        file.write("]}")


def write_export(path, count, named, bad=0):
    """An export whose owners are named by ids, or by keys; some records have no cart."""
    with open(path, "w", buffering=1 << 20) as file:
        file.write(("customer_email" if named else "customer_id") + ",cart_id,note\n")
        for number in range(count):
            owner, cart = pair(number)
            file.write(f"{email(number) if named else owner},{cart},Cart {number}\n")
        for number in range(bad):
            file.write(f"{email(number) if named else owner},,\n")


def write_crosswalk(path, count):
    with open(path, "w", buffering=1 << 20) as file:
        file.write("customer_id,customer_email\n")
        for number in range(count):
            file.write(f"{pair(number)[0]},{email(number)}\n")


def calls(environment):
    with urllib.request.urlopen(environment["EPCC_API_BASE_URL"] + "/sandbox/stats") as answer:
        return sum(sum(statuses.values()) for statuses in json.load(answer)["requests"].values())


def within(text, good):
    return text if good else f"{text} (missed)"


def plan(bench, environment, state, export, *more):
    return bench.run(
        [bench.cartsync, "plan", "--state", state, "--current", "none", *more, export], environment=environment)


def measure(bench):
    count = f"{OWNERS:,}"
    seed = bench.generate("seed.json", write_seed, OWNERS)
    ids = bench.generate("ids.csv", write_export, OWNERS, False)
    keys = bench.generate("keys.csv", write_export, OWNERS, True)
    crosswalk = bench.generate("crosswalk.csv", write_crosswalk, OWNERS)
    state = bench.path("state")

    table("owners", "calls")
    with bench.sandbox("--seed", seed) as environment:
        def sync(exports):
            """A run that is refused at the end, since a record is, remembers all that it has looked up."""
            before = calls(environment)
            figure = bench.run_once(
                [bench.cartsync, "sync", "--yes", "--state", state, "--rate", "5000", "--current", "none", "--max-rejected", "0",
                 exports], environment, statuses=(3,))
            # One is the token.
            return calls(environment) - before - 1, figure

        some = bench.generate("some.csv", write_export, OWNERS - NEW, True, 1)
        made, figure = sync(some)
        row(f"first lookup of {OWNERS - NEW:,} e-mails among {count} customers, the whole list read",
            within(f"{made:,}", made <= OWNERS // 100 + 5), figure)
        all_keys = bench.generate("all.csv", write_export, OWNERS, True, 1)
        made, figure = sync(all_keys)
        row(f"{NEW} new ones the next night", within(f"{made:,}", made <= NEW), figure)

        # Whether the store takes e-mails that differ in case for one is asked once.
        from_crosswalk = plan(bench, environment, bench.path("fresh"), keys, "--crosswalk", crosswalk)

    # Nobody answers any more: nothing is asked.
    usual = plan(bench, environment, state, ids)
    remembered = plan(bench, environment, state, keys)
    table("plan", "more than with ids")
    row(f"plan of {count} creates, owners by ids ({size(ids)})", "", usual)
    for what, figure, seconds in [
        (f"the same by e-mails that the ledger remembers ({size(keys)})", remembered, 3),
        (f"the same from a crosswalk of as many lines ({size(crosswalk)})", from_crosswalk, 5),
    ]:
        more = (figure.cpu - usual.cpu, figure.memory - usual.memory)
        row(what, within(f"{more[0]:.2f} s, {more[1]:.0f} MB", more[0] <= seconds and more[1] <= 32), figure)
    for path in (seed, ids, keys, crosswalk, some, all_keys):
        os.remove(path)
    one_by_one(bench)


def one_by_one(bench):
    """Asked for each: as where the store has so many customers that reading its list takes more calls."""
    seed = bench.generate("few.json", write_seed, ASKED)
    export = bench.generate("few.csv", write_export, ASKED, True)
    state = bench.path("asking")
    with bench.sandbox("--seed", seed) as environment:
        small = bench.generate("small.csv", write_export, 1, True)
        arguments = [bench.cartsync, "sync", "--yes", "--state", state, "--rate", "1000"]
        bench.run_once([*arguments, small], environment)
        with sqlite3.connect(os.path.join(state, "ledger.sqlite")) as ledger:
            ledger.execute("INSERT OR REPLACE INTO owner_fact VALUES ('number of customers', '1000000000')")
        ledger.close()
        offline = [bench.cartsync, "owners", "check", "--offline", "--state", state, export]
        reading = bench.run_once(offline, environment, statuses=(1,))
        before = calls(environment)
        asked = bench.run_once(
            [bench.cartsync, "owners", "check", "--state", state, "--rate", "1000", export], environment)
        made = calls(environment) - before
    table("one by one", "calls", "of the pace")
    pace = made / (asked.seconds - reading.seconds) / 1000
    row(f"first lookup of {ASKED:,} e-mails at --rate 1000", f"{made:,}", within(f"{pace * 100:.1f} %", pace >= 0.99), asked)
    shutil.rmtree(state)
