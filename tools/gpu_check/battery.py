"""Checks every operator on the device against the CPU and under CUDA's sanitizers, and communicators on devices."""

import re

from .place import tool
from .report import ABSENT, FAIL, Line, judged

SANITIZERS = ("memcheck", "racecheck", "synccheck", "initcheck")
BATTERY_LIMIT_S = 60


def counts(done):
    """(number passed, names that failed) of a GoogleTest program."""
    passed = re.search(r"^\[  PASSED  \] (\d+) test", done.out, re.M)
    failed = set(re.findall(r"^\[  FAILED  \] ([A-Za-z]\S*?)(?:,| |$)", done.out, re.M))
    return int(passed[1]) if passed else 0, sorted(failed)


def judge_cases(title, done):
    passed, failed = counts(done)
    note = f"{len(failed)} failed: {', '.join(failed[:4])}" if failed else "" if done.ok else done.why()
    return judged("operators", title, done.ok and passed > 0, figure=f"{passed} cases", note=note)


def run_cases(check, title, name, *options):
    program = check.place.program(name)
    if program is None:
        return Line("operators", title, FAIL, note=f"no {name} in {check.place.bin}")
    return judge_cases(title, check.runner.run(title, [program, *options], BATTERY_LIMIT_S))


def operators(check):
    for seed in range(check.options.seeds):
        yield run_cases(check, f"CPU against CUDA, inputs {seed}", "cuda_battery", f"--gtest_random_seed={seed}")
    yield run_cases(check, "communicators on devices", "cuda_ranks")


def judge_sanitizer(name, done):
    cases = len(re.findall(r"^\[       OK \]", done.out, re.M))
    text = done.out + done.err
    summary = re.search(r"ERROR SUMMARY: (\d+) error", text) or re.search(r"RACECHECK SUMMARY: (\d+) hazard", text)
    found = int(summary[1]) if summary else None
    reports = re.findall(r"^=+ ((?:Invalid|Error|Uninit|Barrier|Race|Program).*)", text, re.M)
    note = "" if done.ok else "; ".join([done.why(), *reports[:1]])
    figure = f"{cases} cases, " + ("no summary" if found is None else f"{found} errors")
    return judged("sanitizer", name, done.ok and found == 0 and cases > 0, figure=figure, note=note)


def sanitizers(check):
    sanitizer = tool("compute-sanitizer", "/usr/local/cuda/compute-sanitizer")
    battery = check.place.program("cuda_battery")
    if sanitizer is None or battery is None:
        lacks = "compute-sanitizer on this machine" if sanitizer is None else "cuda_battery"
        yield Line("sanitizer", "memory, races, barriers", ABSENT, note=f"no {lacks}")
        return
    how = "--error-exitcode 9 --print-limit 20 --tool"
    cases = f"--gtest_filter={check.options.sanitizer_filter}"
    commands = {name: (f"sanitizer-{name}", [sanitizer, *how.split(), name, battery, cases]) for name in SANITIZERS}
    for name, done in check.runner.run_all(commands, check.options.sanitizer_seconds).items():
        if isinstance(done, Exception):
            yield Line("sanitizer", name, FAIL, note=str(done))
        else:
            yield judge_sanitizer(name, done)
