"""Reading CSV whose records only SwiftCSV can decode, beside other people's readers of the same files."""
from bench import table
from exports_csv import compare


def measure(bench):
    table("export", "read by")
    compare(bench, "one in ten with escaped quotes and a line end", escaped_every=10)
    compare(bench, "all with escaped quotes and a line end", escaped_every=1)
