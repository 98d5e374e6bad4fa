"""Comparing: plans of ten million records against a ledger of as many, and the same with other people's tools.

$ROWS (10,000,000) scales it: memory must not grow with it.
"""
import os

from bench import row, size, table, tools

ROWS = int(os.environ.get("ROWS", 10_000_000))
MASK = (1 << 64) - 1
HEADER = "customer_id,cart_id,cart_name,token\n"

# What DuckDB and polars need for the same two questions: which pairs are only in one file.
DUCKDB = """
import duckdb, sys
connection = duckdb.connect()
connection.execute("SET preserve_insertion_order = false; SET threads = 2")
read = "SELECT customer_id, cart_id FROM read_csv('{}', header = true, columns = {{'customer_id': 'VARCHAR', 'cart_id': 'VARCHAR', 'cart_name': 'VARCHAR', 'token': 'VARCHAR'}})"
before, after = (read.format(path) for path in sys.argv[1:])
print(connection.execute(f"SELECT count(*) FROM ({after} EXCEPT {before})").fetchone(),
      connection.execute(f"SELECT count(*) FROM ({before} EXCEPT {after})").fetchone())
"""
POLARS = """
import polars, sys
keys = ["customer_id", "cart_id"]
before, after = (polars.read_csv(path, columns=keys, infer_schema=False) for path in sys.argv[1:])
print(after.join(before, on=keys, how="anti").height, before.join(after, on=keys, how="anti").height)
"""


def pair(number):
    """The owner and the cart of a number: any two numbers have others."""
    first = (number * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & MASK
    second = (first ^ first >> 29) * 0xBF58476D1CE4E5B9 & MASK
    digits = f"{first:016x}{second:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}", f"cart-{number:09d}"


def scattered(rows, different=0):
    """The numbers from 0 to `rows`, each once and far from the last; in one of `different` places another, unknown one
    instead."""
    step = int(rows * 0.6180339887) | 1
    while any(step % prime == 0 for prime in (2, 3, 5, 7)):
        step += 1
    number = 0
    for place in range(rows):
        number = (number + step) % rows
        yield rows + number if different and place % different == 0 else number


def write_export(path, rows, different=0):
    with open(path, "w", buffering=1 << 20) as file:
        file.write(HEADER)
        for number in scattered(rows, different):
            owner, cart = pair(number)
            file.write(f"{owner},{cart},Cart {number},{owner[:8]}\n")


def write_ledger(path, rows, sources):
    with open(path, "w", newline="", buffering=1 << 20) as file:
        file.write("owner_type,owner_id,cart_id,confirmed,sources,since,run,record,line\r\n")
        for number in scattered(rows):
            owner, cart = pair(number)
            file.write(f"customer,{owner},{cart},created,{sources},,,,\r\n")


def folder_size(path):
    return sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(path) for name in names) / 1e6


def measure(bench):
    # Nothing is called: what exists is in the ledger, and a store that refuses the credentials ends a run before its
    # first write.
    environment = dict(
        os.environ, EPCC_API_BASE_URL="http://127.0.0.1:9", EPCC_CLIENT_ID="bench", EPCC_CLIENT_SECRET="none")
    millions = f"{ROWS / 1e6:g} million"

    def cartsync(*arguments, state="state", environment=environment, statuses=(0,)):
        return bench.run_once(
            [bench.cartsync, *arguments[:1], "--state", bench.path(state), *arguments[1:]], environment, statuses)

    table("comparing")
    ledger = bench.generate("ledger.csv", write_ledger, ROWS, "default")
    figure = bench.run_once(
        [bench.cartsync, "ledger", "import", "--state", bench.path("state"), ledger], environment)
    os.remove(ledger)
    row(f"ledger import of {millions} associations ({folder_size(bench.path('state')):.0f} MB then)", figure)
    before = bench.generate("before.csv", write_export, ROWS)
    row(f"plan, {millions} records ({size(before)}) against the ledger, no difference",
        cartsync("plan", "--current", "ledger", before))
    after = bench.generate("after.csv", write_export, ROWS, different=100)
    row(f"plan, {millions} records against the ledger, 1 % different",
        cartsync("plan", "--current", "ledger", "--max-deletes", str(ROWS), after))
    if ROWS <= 10_000_000:
        python = tools()
        row("the same two sets, DuckDB's EXCEPT both ways", bench.run_once([python, "-c", DUCKDB, before, after]))
        row("the same two sets, polars' anti-join both ways", bench.run_once([python, "-c", POLARS, before, after]))
    os.remove(after)
    if ROWS > 10_000_000:
        return

    ledger = bench.generate("ledger.csv", write_ledger, ROWS, "")
    bench.run_once([bench.cartsync, "ledger", "import", "--state", bench.path("first"), ledger], environment)
    os.remove(ledger)
    row(f"first snapshot of {millions} that all exist already: sync, all remembered",
        cartsync("sync", "--yes", "--current", "ledger", before, state="first"))
    os.remove(before)
    half = bench.generate("half.csv", write_export, ROWS // 2)
    with bench.sandbox() as store:
        refused = dict(store, EPCC_CLIENT_SECRET="wrong")
        row(f"first migration: {ROWS / 2e6:g} million creates planned into the journal",
            cartsync("sync", "--yes", "--current", "none", half, state="new", environment=refused, statuses=(77,)))
