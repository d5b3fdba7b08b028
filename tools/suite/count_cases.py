"""Prints how many cases passed, failed and were skipped; skipped ones are listed on stderr.

    count_cases.py REPORT.json ...              reports as GoogleTest writes them
    count_cases.py --ctest CTEST.xml FOLDER     a run of ctest, whose tests left FOLDER/NAME.json

A test of ctest that left no report, as when it crashed, is one case. One that failed though its report has no failure,
as when it crashed after it, is one failed case more.
"""

import json
import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def count(report, test):
    """(passed, failed, skipped) of a report."""
    passed = failed = skipped = 0
    for suite in json.loads(report.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            if case["result"] == "SUPPRESSED":  # by a filter, or because another shard runs it
                continue
            if case.get("failures"):
                failed += 1
            elif case["result"] == "SKIPPED":
                skipped += 1
                print(f"skipped: {test} {case['classname']}.{case['name']}", file=sys.stderr)
            else:
                passed += 1
    return passed, failed, skipped


def count_ctest(results, folder):
    for test in xml.parse(results).iter("testcase"):
        name, ok = test.get("name"), test.get("status") == "run"
        report = folder / f"{name}.json"
        passed, failed, skipped = count(report, name) if report.exists() else (int(ok), 0, 0)
        yield passed, failed or int(not ok), skipped


def main(arguments):
    if arguments[:1] == ["--ctest"]:
        counts = list(count_ctest(Path(arguments[1]), Path(arguments[2])))
    else:
        counts = [count(Path(report), Path(report).stem) for report in arguments]
    print(*(sum(column) for column in zip(*counts or [(0, 1, 0)])))  # no report at all counts as a failure


if __name__ == "__main__":
    main(sys.argv[1:])
