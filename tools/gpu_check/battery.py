"""Every operator on the device against the CPU, at several random inputs, and once under each of CUDA's sanitizers."""

import re

from .place import tool
from .report import ABSENT, FAIL, Line, judged

SANITIZERS = ("memcheck", "racecheck", "synccheck", "initcheck")
BATTERY_LIMIT_S = 60


def counts(done):
    """(passed, names that failed) of a GoogleTest program."""
    passed = re.search(r"^\[  PASSED  \] (\d+) test", done.out, re.M)
    failed = sorted(set(re.findall(r"^\[  FAILED  \] (\S+?),? ", done.out, re.M)) - {"tests"})
    return int(passed[1]) if passed else 0, [name for name in failed if not name.isdigit()]


def operators(check):
    battery = check.place.program("cuda_battery")
    if battery is None:
        yield Line("operators", "CPU against CUDA", FAIL, note=f"no cuda_battery in {check.place.bin}")
        return
    for seed in range(check.options.seeds):
        done = check.runner.run(f"battery-{seed}", [battery, f"--gtest_random_seed={seed}"], BATTERY_LIMIT_S)
        passed, failed = counts(done)
        note = "" if done.ok else f"{len(failed)} failed: {', '.join(failed[:4])}" if failed else done.why()
        yield judged(
            "operators",
            f"CPU against CUDA, inputs {seed}",
            done.ok and passed > 0,
            figure=f"{passed} cases agree",
            note=note,
        )


def judge_sanitizer(name, done):
    cases = len(re.findall(r"^\[       OK \]", done.out, re.M))
    text = done.out + done.err
    summary = re.search(r"ERROR SUMMARY: (\d+) error", text) or re.search(r"RACECHECK SUMMARY: (\d+) hazard", text)
    found = int(summary[1]) if summary else None
    first = next(
        (l.strip("= ") for l in text.splitlines() if re.match(r"=+ (Invalid|Error|Uninit|Barrier|Race|Program)", l)), ""
    )
    note = "" if done.ok else "; ".join(filter(None, [done.why(), first]))
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
