"""Runs tests of Python's unittest and writes a report as GoogleTest does with --gtest_output=json.

    run_unittest.py --report FILE tests.end_to_end.test_train ...    modules by name
    run_unittest.py --report FILE --discover tests/tools             all of a folder
"""

import argparse
import json
import sys
import unittest
from pathlib import Path


class Result(unittest.TextTestResult):
    """Records the outcome of each test: COMPLETED, FAILED or SKIPPED."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.became = {}

    def startTest(self, test):
        super().startTest(test)
        self.became.setdefault(test.id(), "COMPLETED")

    def failed(self, test):
        self.became[test.id()] = "FAILED"

    # A failure outside of a test, such as in setUpClass or an import, has its own id.
    def addError(self, test, error):
        super().addError(test, error)
        self.failed(test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.failed(test)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.failed(test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.failed(test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.became[test.id()] = "SKIPPED"


def report(became):
    cases = []
    for name, result in became.items():
        suite, _, case = name.rpartition(".")
        cases.append({"classname": suite, "name": case, "result": result.replace("FAILED", "COMPLETED")})
        if result == "FAILED":
            cases[-1]["failures"] = [{}]
    return {"testsuites": [{"testsuite": cases}]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, required=True, help="report file to write")
    parser.add_argument("--discover", metavar="FOLDER", help="run all tests of this folder")
    parser.add_argument("modules", nargs="*", help="test modules to run")
    arguments = parser.parse_args()
    sys.path.insert(0, "")  # like python -m unittest
    loader = unittest.defaultTestLoader
    tests = loader.loadTestsFromNames(arguments.modules)
    if arguments.discover:
        tests.addTests(loader.discover(arguments.discover))
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(tests)
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    arguments.report.write_text(json.dumps(report(result.became), indent=1) + "\n")
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
