#!/usr/bin/env python3
"""tools/test believes tests/support/count_tests.py: it must not lose a failure or a skip."""
import pathlib
import subprocess
import sys
import tempfile
import unittest
from xml.sax.saxutils import escape

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "support" / "count_tests.py"


def case(name, status, output="", inner=""):
    return f'<testcase name="{name}" status="{status}">{inner}<system-out>{escape(output)}</system-out></testcase>'


class CountTests(unittest.TestCase):
    def count(self, *cases, required=""):
        """(last line, whole output, skips) for a report of these cases."""
        with tempfile.TemporaryDirectory() as folder:
            report, skips = pathlib.Path(folder, "junit.xml"), pathlib.Path(folder, "skips")
            report.write_text(f"<testsuite>{''.join(cases)}</testsuite>")
            run = subprocess.run([sys.executable, "-B", SCRIPT, "--required", required, "--skips", skips, report],
                                 capture_output=True, text=True, check=True)
            return run.stdout.splitlines()[-1], run.stdout, skips.read_text()

    def test_each_verdict_is_counted_once(self):
        line, output, skips = self.count(
            case("core/a", "run"), case("core/b", "run"),
            case("io/c", "fail", "x.cpp:3: FAILED:", '<failure message="Failed"/>'),
            case("sandbox/d", "notrun", "SKIPPED: no user namespaces\n"))
        self.assertEqual(line, "2 passed, 1 failed, 1 skipped")
        self.assertEqual(skips, "sandbox/d: no user namespaces\n")
        self.assertIn("--- FAILED: io/c\nFailed\nx.cpp:3: FAILED:", output)

    def test_a_test_that_never_ran_has_failed(self):
        self.assertEqual(self.count(case("io/a", "notrun", "Unable to find executable"))[0],
                         "0 passed, 1 failed, 0 skipped")
        self.assertEqual(self.count(case("io/a", "disabled"))[0], "0 passed, 1 failed, 0 skipped")

    def test_a_required_skip_has_failed(self):
        skip = case("sandbox/d", "notrun", "SKIPPED: no user namespaces\n")
        for required in ("^sandbox/", "user namespaces"):
            with self.subTest(required):
                line, output, skips = self.count(skip, required=required)
                self.assertEqual((line, skips), ("0 passed, 1 failed, 0 skipped", ""))
                self.assertIn("no user namespaces", output)
        self.assertEqual(self.count(skip, required="^io/")[0], "0 passed, 0 failed, 1 skipped")

    def test_skips_within_a_test_of_several_cases_are_not_lost(self):
        several = case("io/view_store_test", "run", "SKIPPED: needs root\nSKIPPED: needs no root\nAll tests passed\n")
        line, _, skips = self.count(several)
        self.assertEqual(line, "1 passed, 0 failed, 2 skipped")
        self.assertEqual(skips, "io/view_store_test: needs root\nio/view_store_test: needs no root\n")
        self.assertEqual(self.count(several, required="needs root")[0], "1 passed, 1 failed, 1 skipped")

    def test_a_skip_after_a_failed_check_has_failed(self):
        output = "tests/io/x_test.cpp:12: FAILED:\n  CHECK( false )\nSKIPPED: no GPU\n"
        self.assertEqual(self.count(case("io/a", "notrun", output))[0], "0 passed, 1 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main()
