"""Judges CUDA devices and Polyscene on them: operators against the CPU, training against the CPU, run to run, waits of the
host, CUDA's sanitizers, speed beside goals. One check that fails does not keep the next from running.

    tools/gpu_check.sh [--out DIR]                    from a build tree, or from inside an unpacked bundle
    tools/gpu_check.sh --bundle DIR --only parity     of a bundle that lies elsewhere, one group
"""

import argparse
import datetime
import os
import pathlib
import sys
import tempfile

from . import battery, machine, parity, speed
from .place import Place, environment_with
from .report import FAIL, Line, Report
from .runner import Runner

GROUPS = {
    "machine": (machine.describe, machine.libraries),
    "operators": (battery.operators,),
    "parity": (parity.training,),
    "waits": (parity.host_waits,),
    "speed": (speed.programs, speed.steps),
    "sanitizer": (battery.sanitizers,),
}


class Check:
    """State that the checks share."""

    def __init__(self, options, place, runner, facts, scratch):
        self.options, self.place, self.runner, self.facts = options, place, runner, facts
        self.scratch = pathlib.Path(scratch)
        self.plain_environment = dict(os.environ)

    def use_libraries(self, folders):
        if folders:
            self.runner.environment = environment_with(folders)


def parse(words):
    parser = argparse.ArgumentParser(
        prog="gpu_check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--bundle", type=pathlib.Path, default=here,
                        help="unpacked bundle (default: the one of this script)")
    parser.add_argument(
        "--build", type=pathlib.Path,
        help="build folder with the programs (default: those of the bundle, else build/release)"
    )
    parser.add_argument("--program", type=pathlib.Path, help="program to check in place of polyscene")
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("gpu_check"), help="output folder for results.json and logs/"
    )
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS),
                        help="run only these groups of checks")
    parser.add_argument("--seconds", type=float, default=480,
                        help="time limit of all checks together (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=5,
                        help="programs to run at once in checks without timing (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3,
                        help="inputs of the operators: their samples, then random ones (default: %(default)s)")
    parser.add_argument(
        "--sanitizer-seconds", type=float, default=150,
        help="time limit of each sanitizer; all run at once (default: %(default)s)"
    )
    parser.add_argument("--sanitizer-filter", default="*", help="GoogleTest filter of the cuda_battery cases")
    parser.add_argument("--models", nargs="+", help="models of configs/models (default: all)")
    parser.add_argument("--precisions", nargs="+", choices=parity.TOLERANCES, default=list(parity.TOLERANCES),
                        help="precisions")
    parser.add_argument("--steps", type=int, default=100, help="training steps (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=256, help="training batch size (default: %(default)s)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE",
        help="change every training configuration; repeatable"
    )
    parser.add_argument("--commit", help="commit of the results (default: the one that the folder names)")
    return parser.parse_args(words)


def guarded(group, function, check):
    """The lines of a check. An exception becomes a line too, also when the time is up."""
    try:
        yield from function(check)
    except Exception as error:
        yield Line(group, function.__name__.replace("_", " "), FAIL, note=f"{type(error).__name__}: {error}")


def main(words, out=sys.stdout):
    options = parse(words)
    options.out.mkdir(parents=True, exist_ok=True)
    place = Place(
        options.bundle.resolve(),
        options.build and options.build.resolve(),
        options.program and options.program.resolve(),
    )
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": options.commit or place.commit(),
        "arguments": words,
    }
    runner = Runner(options.out / "logs", options.seconds, jobs=options.jobs)
    report = Report(options.out / "results.json", facts, out)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as scratch:
        check = Check(options, place, runner, facts, scratch)
        for group in options.only:
            for function in GROUPS[group]:
                for line in guarded(group, function, check):
                    report.add(line)
    return report.finish(runner.elapsed())
