"""What the proof says of results, and that it names suites that there are."""

import pathlib
import re
import unittest

import proof
from promises import PROGRAMS, PROMISES

TESTS = pathlib.Path(__file__).resolve().parents[1]
RESULTS = """<testsuites><testsuite>
  <testcase classname="CallPacingTests.TurnTests" name="order()"/>
  <testcase classname="CallPacingTests.TurnTests" name="other()"><skipped/></testcase>
  <testcase classname="LedgerTests.RunTests" name="one()"><failure message="no"/></testcase>
  <testcase classname="LedgerTests.RunTests.Inner" name="two()"/>
</testsuite></testsuites>"""


class ProofTests(unittest.TestCase):
    def setUp(self):
        self.tests = proof.suites(RESULTS)
        self.results = {
            "good": proof.Result(0, "a: 12 states\nb: 7 states\n", r"(\d+ states)"),
            "silent": proof.Result(0, "done", r"(\d+ states)"),
            "bad": proof.Result(1, "12 states", r"(\d+ states)"),
        }

    def test_suites_are_counted_with_what_stands_in_them(self):
        counted = {name: (suite.passed, suite.failed) for name, suite in self.tests.items()}
        self.assertEqual(counted, {"CallPacing.TurnTests": (1, 0), "Ledger.RunTests": (1, 1)})

    def test_a_promise_is_kept_if_all_that_tries_it_ran_and_succeeded(self):
        for names, programs, figure, against in [
            (["CallPacing.TurnTests"], ["good"], "1 tests; good: 12 states; 7 states", []),
            ([], ["good"], "good: 12 states; 7 states", []),
            (["CallPacing.TurnTests", "Ledger.RunTests"], [], "2 tests", ["1 of Ledger.RunTests failed"]),
            (["Ledger.NoTests"], [], "0 tests", ["no test of Ledger.NoTests ran"]),
            (["CallPacing.TurnTests"], ["other"], "1 tests", ["other did not run"]),
            ([], ["silent"], "silent: no figure", ["silent failed"]),
            ([], ["bad"], "bad: 12 states", ["bad failed"]),
            ([], [], "", ["nothing tries it"]),
        ]:
            self.assertEqual(proof.judge(names, programs, self.tests, self.results), (figure, against))

    def test_the_page_counts_promises_and_suites_that_failed(self):
        promises = [("One", [("a", ["CallPacing.TurnTests"], ["good"]), ("b", [], ["bad"])])]
        programs = {name: (name, [], "") for name in ["good", "bad", "other"]}
        text, kept, broken = proof.page(promises, programs, self.tests, self.results, "abc", "2026-11-30", 3)
        # Ledger.RunTests failed, too, though no promise names it.
        self.assertEqual((kept, broken), (1, 2))
        for line in [
            "| a | `TurnTests`, good | 1 tests; good: 12 states; 7 states | kept |",
            "| b | bad | bad: 12 states | not kept: bad failed |", "- tests: 2 in 2 suites passed; failed in Ledger.RunTests",
            "- other: other: did not run",
        ]:
            self.assertIn(line, text)
        all_good = proof.page(promises[:0], {}, proof.suites(), {}, "abc", "2026-11-30", 3)
        self.assertEqual(all_good[1:], (0, 0))

    def test_the_summary_stands_between_its_marks_and_nothing_else_changes(self):
        readme = f"a\n{proof.BEGIN}\nold\n{proof.END}\nb\n"
        self.assertEqual(proof.with_summary(readme, "new"), f"a\n{proof.BEGIN}\nnew\n{proof.END}\nb\n")
        with self.assertRaises(ValueError):
            proof.with_summary("a\nb\n", "new")
        proof.with_summary((TESTS.parent / "README.md").read_text(), "new")

    def test_every_suite_and_program_that_a_promise_names_is_there(self):
        sentences = [sentence for _, chapter in PROMISES for sentence, _, _ in chapter]
        self.assertEqual(len(sentences), len(set(sentences)))
        for _, chapter in PROMISES:
            for sentence, names, programs in chapter:
                self.assertTrue(set(programs) <= set(PROGRAMS), sentence)
                for name in names:
                    target, suite = name.split(".")
                    sources = (file.read_text() for file in (TESTS / f"{target}Tests").rglob("*.swift"))
                    found = any(re.search(rf"^ *(?:final class|struct) {suite}\b", text, re.M) for text in sources)
                    self.assertTrue(found, name)


if __name__ == "__main__":
    unittest.main()
