"""Applying changes: the pace of a sync against a sandbox."""
import json
import urllib.request

from bench import row, table
from files import write_csv


def measure(bench):
    changes = bench.generate("changes.csv", write_csv, 2000)
    with bench.sandbox() as environment:
        figure = bench.run_once(
            [bench.cartsync, "sync", "--yes", "--state", bench.path("state"), "--rate", "500", changes],
            environment=environment)
        with urllib.request.urlopen(environment["EPCC_API_BASE_URL"] + "/sandbox/stats") as answer:
            seen = json.load(answer)
    table("what")
    row("sync of 2,000 creates at --rate 500", figure)
    print(f"\nThe sandbox saw at most {seen['busiestSecond']} calls in any one second, {seen['writes']} writes.")
