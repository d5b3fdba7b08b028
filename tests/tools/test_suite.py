"""tools/suite: how cases are run and counted."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SUITE = Path(__file__).resolve().parents[2] / "tools/suite"
CASES = '''
import unittest
class Cases(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.fail("bad")
    def test_error(self): raise OSError
    @unittest.skip("not today")
    def test_skipped(self): pass
    def test_parts(self):
        for i in range(3):
            with self.subTest(i=i): self.assertLess(i, 1)
class NeverSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError
    def test_not_reached(self): pass
'''


def case(name, result="COMPLETED", **more):
    return {"classname": "Suite", "name": name, "result": result, **more}


class SuiteTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_tool(self, name, *words):
        return subprocess.run([sys.executable, SUITE / name, *words], cwd=self.folder, capture_output=True, text=True, timeout=60)

    def report(self, name, *cases):
        (self.folder / name).write_text(json.dumps({"testsuites": [{"testsuite": cases}]}))

    def count(self, *tests):
        lines = "".join(f'<testcase name="{name}" status="{status}"/>' for name, status in tests)
        (self.folder / "ctest.xml").write_text(f"<testsuite>{lines}</testsuite>")
        return self.run_tool("count_cases.py", "--ctest", "ctest.xml", ".")

    def test_cases_of_reports(self):
        self.report("a.json", case("x"), case("y", failures=[{}]), case("z", "SKIPPED"), case("left_out", "SUPPRESSED"))
        self.report("b.json", case("x"))
        done = self.count(("a", "fail"), ("b", "run"))
        self.assertEqual((done.stdout, done.stderr), ("2 1 1\n", "skipped: a Suite.z\n"))

    def test_a_crash_is_a_failed_case(self):
        self.report("late.json", case("x"), case("y"))
        self.assertEqual(self.count(("early", "fail")).stdout, "0 1 0\n")
        self.assertEqual(self.count(("late", "fail")).stdout, "2 1 0\n")

    def test_a_test_without_a_report_is_one_case_and_none_a_failure(self):
        self.assertEqual(self.count(("plain", "run")).stdout, "1 0 0\n")
        self.assertEqual(self.count().stdout, "0 1 0\n")
        (self.folder / "half.json").write_text('{"testsuites": [')
        self.assertNotEqual(self.count(("half", "run")).returncode, 0)

    def test_reports_of_unittest(self):
        (self.folder / "test_cases.py").write_text(CASES)
        for how in (["test_cases"], ["--discover", "."]):
            done = self.run_tool("run_unittest.py", "--report", "there/report.json", *how)
            self.assertEqual(done.returncode, 1, done.stderr)
            counted = self.run_tool("count_cases.py", "there/report.json")
            self.assertEqual(counted.stdout, "1 4 1\n")
            self.assertEqual(counted.stderr, "skipped: report test_cases.Cases.test_skipped\n")

    def test_no_test_is_a_failure(self):
        (self.folder / "empty.py").write_text("")
        self.assertEqual(self.run_tool("run_unittest.py", "--report", "report.json", "empty").returncode, 1)
