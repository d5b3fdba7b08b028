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
    parser.add_argument("--bundle", type=pathlib.Path, default=here, help="unpacked bundle (default: this file's)")
    parser.add_argument(
        "--build", type=pathlib.Path, help="build folder (default: the bundle's programs, else build/release)"
    )
    parser.add_argument("--program", type=pathlib.Path, help="in place of polyscene")
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("gpu_check"), help="folder for results.json and logs/"
    )
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="groups of checks")
    parser.add_argument("--seconds", type=float, default=480, help="for everything together (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=5, help="programs at once where nothing is timed")
    parser.add_argument("--seeds", type=int, default=3, help="of the operators' inputs; the first has them as they are")
    parser.add_argument(
        "--sanitizer-seconds", type=float, default=150, help="limit of each sanitizer, all of which run at once"
    )
    parser.add_argument("--sanitizer-filter", default="*", help="of cuda_battery's cases, as GoogleTest writes it")
    parser.add_argument("--models", nargs="+", help="of configs/models (default: all)")
    parser.add_argument("--precisions", nargs="+", choices=parity.TOLERANCES, default=list(parity.TOLERANCES))
    parser.add_argument("--steps", type=int, default=100, help="of training")
    parser.add_argument("--batch", type=int, default=256, help="of training")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="of every training configuration"
    )
    parser.add_argument("--commit", help="what the results belong to, where the folder does not say")
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
