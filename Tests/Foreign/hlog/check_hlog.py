#!/usr/bin/env python3
"""Compares the report of a run with what HdrHistogram's own reader finds in its log.

usage: check_hlog.py FOLDER [SCHEMA]

FOLDER has report.json, latency.hlog and latency-*.hgrm. The counts, percentiles and maximum in report.json, of every
operation and of every class of its answers, must be those that Python's hdrhistogram decodes from latency.hlog and adds
up over all intervals, and those in the .hgrm files. With SCHEMA, report.json is
also validated against that JSON Schema. Needs: pip install hdrhistogram jsonschema. Exit status 1 on a difference.
"""

import json
import math
import pathlib
import re
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

HOUR_IN_MICROSECONDS = 3_600_000_000
PERCENTILES = {"p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9, "p9999": 99.99}


def totals(log):
    """The sum of all intervals of each tag, and the starts of each tag's intervals."""
    reader = HistogramLogReader(str(log), HdrHistogram(1, HOUR_IN_MICROSECONDS, 3))
    sums, starts = {}, {}
    while (interval := reader.get_next_interval_histogram()) is not None:
        tag = interval.get_tag()
        if tag not in sums:
            sums[tag] = HdrHistogram(1, HOUR_IN_MICROSECONDS, 3)
        sums[tag].add(interval)
        starts.setdefault(tag, []).append(interval.get_start_time_stamp())
    return sums, starts


def value_at_percentile(histogram, percentile):
    """The value of the rank that Java's HdrHistogram takes: rounded up.

    Python's get_value_at_percentile rounds the rank to the nearest instead; where both take the same rank it is asked.
    """
    total = histogram.get_total_count()
    wanted = max(1, math.ceil(math.nextafter(percentile, 0) * total / 100))
    if int(percentile * total / 100 + 0.5) == wanted:
        return histogram.get_value_at_percentile(percentile)
    for step in histogram.get_recorded_iterator():
        if step.total_count_to_this_value >= wanted:
            return step.value_iterated_to
    return histogram.get_max_value()


def told_by_tag(report):
    """The percentiles that the report tells for each tag of the log: all answers, and each class of several."""
    told = {}
    for operation in report["latency"]["operations"]:
        for clock, suffix in (("response", ""), ("service", "-service")):
            tag = operation["operation"] + suffix
            classes = [answer for answer in operation["byAnswer"] if answer[clock]["count"] > 0]
            told[tag] = operation[clock]["percentiles"]
            for answer in classes if len(classes) > 1 else []:
                told[f"{tag}.{answer['answer'].replace(' ', '-')}"] = answer[clock]
    return {tag: percentiles for tag, percentiles in told.items() if percentiles["count"] > 0}


def differences(report, sums):
    """Sentences about everything in which the report and the log do not agree."""
    found = []
    expected_tags = told_by_tag(report)
    for tag, told in expected_tags.items():
        histogram = sums.get(tag)
        if histogram is None:
            found.append(f"{tag}: not in the log")
            continue
        if histogram.get_total_count() != told["count"]:
            found.append(f"{tag}: count {told['count']}, in the log {histogram.get_total_count()}")
        for name, percentile in PERCENTILES.items():
            microseconds = round(told[name] * 1000)
            logged = value_at_percentile(histogram, percentile)
            # The report caps a percentile at the exact maximum; the log only knows the maximum's cell.
            if not histogram.values_are_equivalent(logged, microseconds):
                found.append(f"{tag}: {name} is {microseconds} us, in the log {logged} us")
        if not histogram.values_are_equivalent(histogram.get_max_value(), round(told["max"] * 1000)):
            found.append(f"{tag}: max is {told['max']} ms, in the log {histogram.get_max_value()} us")
    for tag in sorted(set(sums) - set(expected_tags)):
        found.append(f"{tag}: in the log only")
    return found


def distribution_differences(report, folder):
    """Sentences about .hgrm files that are missing, not as HdrHistogram's plotter takes them, or tell other figures."""
    found = []
    for tag, told in told_by_tag(report).items():
        if "." in tag:
            continue
        path = folder / f"latency-{tag}.hgrm"
        if not path.exists():
            found.append(f"{path.name} is missing")
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        if lines[0].split() != ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]:
            found.append(f"{path.name}: the header is {lines[0]}")
        rows = [line.split() for line in lines[1:] if line.strip() and not line.startswith("#")]
        values = [(float(value), float(share), int(count)) for value, share, count, *_ in rows]
        if values != sorted(values):
            found.append(f"{path.name}: the lines are not in order")
        summary = dict(re.findall(r"(Mean|StdDeviation|Max|Total count|Buckets|SubBuckets)\s*=\s*([\d.]+)", "".join(lines)))
        if int(float(summary.get("Total count", -1))) != told["count"] or values[-1][2] != told["count"]:
            found.append(f"{path.name}: {summary.get('Total count')} in all, {told['count']} in report.json")
        half = next(value for value, share, _ in values if share >= 0.5)
        # A line tells the highest value of its cell, 0.1 % wide.
        for name, value in (("p50", half), ("max", values[-1][0])):
            if abs(value - told[name]) > 0.002 * told[name] + 0.002:
                found.append(f"{path.name}: {name} is {value} ms, {told[name]} ms in report.json")
    return found


def main(arguments):
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 64
    folder = pathlib.Path(arguments[1])
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    sums, starts = totals(folder / "latency.hlog")
    found = differences(report, sums) + distribution_differences(report, folder)
    for tag, times in starts.items():
        if times != sorted(times):
            found.append(f"{tag}: the intervals are not in order")
    if len(arguments) == 3:
        from jsonschema import Draft202012Validator, FormatChecker

        schema = json.loads(pathlib.Path(arguments[2]).read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, format_checker=FormatChecker())
        for error in validator.iter_errors(report):
            found.append(f"report.json {error.json_path}: {error.message[:200]}")
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        count = sum(histogram.get_total_count() for histogram in sums.values())
        print(f"{folder}: {count} latencies in {sum(map(len, starts.values()))} intervals, as in report.json")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
