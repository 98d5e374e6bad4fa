"""The pace of a sync, as the sandbox in another process sees it: never above the limit, and near it while there is work."""
import json
import urllib.request

from bench import table, row
from files import write_csv

SECONDS = 30
LIMITS = (20, 100, 1000, 5000)
CASES = (
    ("answers after a steady 40 ms", (), 0.999), ("median 40 ms, lognormal, sigma 0.5", ("--latency-sigma", "0.5"), 0.99),
)


def measure(bench):
    for what, flags, least in CASES:
        table(what, "mean", "most in any one second")
        for limit in LIMITS:
            changes = bench.generate(f"changes-{limit}.csv", write_csv, limit * SECONDS)
            with bench.sandbox("--latency", "40ms", *flags) as environment:
                figure = bench.run_once(
                    [bench.cartsync, "import", "--yes", "--state", bench.path(f"state-{limit}-{len(flags)}"), "--current",
                     "ledger", "--rate", str(limit), "--concurrency", str(min(512, max(8, limit // 10))), changes],
                    environment=environment)
                with urllib.request.urlopen(environment["EPCC_API_BASE_URL"] + "/sandbox/stats") as answer:
                    seen = json.load(answer)
            mean = (seen["writes"] - 1) / seen["writeSeconds"] / limit
            verdict = "" if mean >= least and seen["busiestSecond"] <= limit else " (missed)"
            row(f"{limit} a second", f"{mean * 100:.2f} %{verdict}", str(seen["busiestSecond"]), figure)
