"""Reading exports: `cartsync check`."""
import os

from bench import row, table
from files import write_csv, write_xml


def measure(bench):
    table()
    path = bench.generate("million.csv", write_csv, 1_000_000)
    row(f"check of 1,000,000 CSV records ({os.path.getsize(path) / 1e6:.0f} MB)", bench.run([bench.cartsync, "check", path]))
    path = bench.generate("records.xml", write_xml, 100_000)
    row(f"check of 100,000 XML records ({os.path.getsize(path) / 1e6:.1f} MB)", bench.run([bench.cartsync, "check", path]))
