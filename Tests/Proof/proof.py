"""What follows from the results of suites and programs: whether each promise is kept, and the words for it."""

import re
import xml.etree.ElementTree

BEGIN, END = "<!-- proof -->", "<!-- end of proof -->"


class Suite:
    """How many tests of a suite passed, and how many did not."""

    def __init__(self, passed=0, failed=0):
        self.passed, self.failed = passed, failed


def suites(*documents):
    """The suites of JUnit documents by name, as `CallPacing.TurnTests`."""
    found = {}
    for document in documents:
        for case in xml.etree.ElementTree.fromstring(document).iter("testcase"):
            target, _, suite = case.get("classname").partition(".")
            result = found.setdefault(f"{target.removesuffix('Tests')}.{suite.split('.')[0]}", Suite())
            if case.find("skipped") is not None:
                continue
            if case.find("failure") is None and case.find("error") is None:
                result.passed += 1
            else:
                result.failed += 1
    return found


class Result:
    """How a program ended, with its figure; the figure is empty if its output has none."""

    def __init__(self, status, output, figure):
        self.figure = "; ".join(re.findall(figure, output))
        self.is_good = status == 0 and self.figure != ""


def judge(names, programs, tests, results):
    """The figures of a promise that these suites and programs try, and what speaks against it; empty if nothing does."""
    against, figures, passed = [], [], 0
    for name in names:
        suite = tests.get(name, Suite())
        passed += suite.passed
        if suite.failed:
            against.append(f"{suite.failed} of {name} failed")
        elif not suite.passed:
            against.append(f"no test of {name} ran")
    if names:
        figures.append(f"{passed} tests")
    for name in programs:
        if name not in results:
            against.append(f"{name} did not run")
            continue
        figures.append(f"{name}: {results[name].figure or 'no figure'}")
        if not results[name].is_good:
            against.append(f"{name} failed")
    if not names and not programs:
        against.append("nothing tries it")
    return "; ".join(figures), against


def page(promises, programs, tests, results, commit, date, minutes):
    """The text of Proof.md, with how many promises are kept and how many are not.

    Every suite with a test that failed is one broken promise more.
    """
    kept, broken, chapters = 0, 0, []
    for chapter, sentences in promises:
        lines = [f"## {chapter}", "", "| promise | tried by | figure | verdict |", "|---|---|---|---|"]
        for sentence, names, tried in sentences:
            figure, against = judge(names, tried, tests, results)
            kept, broken = kept + (not against), broken + bool(against)
            by = ", ".join([f"`{name.split('.')[1]}`" for name in names] + tried)
            lines.append(f"| {sentence} | {by} | {figure} | {'not kept: ' + '; '.join(against) if against else 'kept'} |")
        chapters += lines + [""]
    failed = sorted(name for name, suite in tests.items() if suite.failed)
    broken += len(failed)
    passed = sum(suite.passed for suite in tests.values())
    ran = [f"- tests: {passed:,} in {len(tests)} suites passed" + (f"; failed in {', '.join(failed)}" if failed else "")]
    for name, (what, _, _) in programs.items():
        result = results.get(name)
        how = "did not run" if result is None else f"{result.figure or 'no figure'}{'' if result.is_good else '; failed'}"
        ran.append(f"- {name}: {what}: {how}")
    text = [
        "# Proof", "", "What cartsync promises, what tried each promise, and what came of it.", "",
        f"`make proof` wrote this on {date}, of commit {commit}, in {minutes} minutes; it fails if a promise is not kept.",
        "Speed and memory are measured by `make bench`: see <doc:Figures>.", "", "## What ran", "", *ran, "", *chapters]
    return "\n".join(text).rstrip() + "\n", kept, broken


def with_summary(readme, summary):
    """The README with a sentence between its two marks."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{summary}\n{END}{after}"
