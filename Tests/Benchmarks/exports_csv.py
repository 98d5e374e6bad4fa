"""Reading plain and quoted CSV, beside other people's readers of the same files."""
from bench import row, size, table
from files import write_csv
from readers import CSV_READERS, others

ROWS = 10_000_000


def measure(bench):
    table("export", "read by")
    compare(bench, "plain", quoted=False)
    compare(bench, "every field quoted", quoted=True)


def compare(bench, what, **form):
    path = bench.generate("export.csv", write_csv, ROWS, **form)
    export = f"{ROWS:,} CSV records, {what} ({size(path)})"
    row(export, "`cartsync check`", bench.run([bench.cartsync, "check", path]))
    for reader, arguments in others(CSV_READERS):
        row("", reader, bench.run([*arguments, path]))
