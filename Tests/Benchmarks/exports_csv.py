"""Reading CSV of every form, beside other people's readers of the same files."""
from bench import row, size, table
from files import write_csv
from readers import CSV_READERS, others

ROWS = 10_000_000


def measure(bench):
    table("export", "read by")
    compare(bench, "plain", quoted=False)
    compare(bench, "every field quoted", quoted=True)
    compare(bench, "one in ten with escaped quotes and a line end", escaped_every=10)
    compare(bench, "all with escaped quotes and a line end", escaped_every=1)


def compare(bench, what, **form):
    path = bench.generate("export.csv", write_csv, ROWS, **form)
    export = f"{ROWS:,} CSV records, {what} ({size(path)})"
    row(export, "`cartsync check`", bench.run([bench.cartsync, "check", path]))
    row("", "framing and fingerprints alone", bench.run([bench.beside("measure-reading"), path]))
    for reader, arguments in others(CSV_READERS):
        row("", reader, bench.run([*arguments, path]))
