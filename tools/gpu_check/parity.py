"""Training on the CPU, on CUDA, and on two ranks that share a device: the same losses and AUC from the same settings."""

import json
import math
import os
import pathlib
import re
import shutil

from .report import ABSENT, FAIL, Line, judged

# What may differ, relatively but for the AUC: a loss of the first steps, of any step, the mean of all, the final AUC. Where
# sums are cut otherwise their last bit differs, and training amplifies that: README.md has what two CPU ranks differ by.
FIRST = 10
TOLERANCES = {
    "FP32": {"first": 1e-5, "any": 3e-2, "mean": 2e-3, "auc": 5e-3},
    "BF16": {"first": 2e-3, "any": 5e-2, "mean": 5e-3, "auc": 1e-2},
}
RUN_LIMIT_S = 90


def ways(place):
    """How a run is started: {name: (words before the program, options)}."""
    mpirun = [place.mpirun, "-np", "2", "--bind-to", "none", "--oversubscribe"]
    if os.geteuid() == 0:
        mpirun.append("--allow-run-as-root")
    cuda = ["--device", "cuda"]
    found = {
        "cpu": ([], []),
        "cuda": ([], cuda),
        "cuda again": ([], cuda),
        "2 local ranks": ([], ["--local-ranks", "2", *cuda]),
    }
    if place.mpirun:
        found["2 ranks of mpirun"] = (mpirun, cuda)
    return found


def train_command(check, model, folder, steps, log_every, settings=(), options=()):
    settings = [
        f"data.root={check.place.demo()}",
        f"train.batch_size={check.options.batch}",
        *f"train.max_steps={steps} train.eval_every={steps} train.log_every={log_every}".split(),
        *"train.epochs=99 train.early_stop= train.virtual_ranks=0".split(),
        *settings,
        *check.options.set,
    ]
    threads = max(1, (os.cpu_count() or 1) // (2 * check.options.jobs))  # of each rank, with `jobs` runs at once
    where = ["--config", check.place.experiment(model), "--output", folder, "--overwrite", "--threads", threads]
    return [check.place.polyscene, "train", *where, *options, *(w for s in settings for w in ("--set", s))]


class Trained:
    """What a run left: losses by step, the last AUC, bytes of the model."""

    def __init__(self, folder):
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        self.losses = [line["loss"] for line in lines if line["kind"] == "train"]
        self.auc = [line["metrics"]["auc"] for line in lines if line["kind"] == "evaluation"][-1]
        self.model = {
            str(p.relative_to(folder)): p.read_bytes() for p in sorted((folder / "model").rglob("*.safetensors"))
        }

    def differences(self, other):
        """What TOLERANCES bound; not a number where a loss is none, or there are none."""
        relative = [abs(a - b) / max(abs(b), 1e-9) for a, b in zip(self.losses, other.losses)]
        mean = abs(sum(self.losses) - sum(other.losses)) / max(abs(sum(other.losses)), 1e-9)
        return {
            "first": largest(relative[:FIRST]),
            "any": largest(relative),
            "mean": mean,
            "auc": abs(self.auc - other.auc),
        }


def largest(values):
    """Not a number where one is, which max() hides, or where there are none."""
    return math.nan if not values or any(map(math.isnan, values)) else max(values)


def compare(name, run, reference, steps, tolerance):
    differences = run.differences(reference)
    complete = len(run.losses) == len(reference.losses) == steps
    return judged(
        "parity",
        name,
        complete and all(differences[key] <= tolerance[key] for key in tolerance),
        figure=", ".join(f"{key} {value:.0e}" for key, value in differences.items()),
        goal=", ".join(f"{value:.0e}" for value in tolerance.values()),
        note="" if complete else f"{len(run.losses)} losses beside {len(reference.losses)} of {steps} steps",
        data=differences,
    )


def same_bits(name, first, second):
    different = [f for f in sorted({*first.model, *second.model}) if first.model.get(f) != second.model.get(f)]
    ok = first.losses == second.losses and not different and bool(first.model)
    return judged(
        "parity", name, ok, figure="the same bits" if ok else "losses or bits differ", note=", ".join(different[:3])
    )


def judge_model(check, title, results, precision):
    """Lines for one model and precision from {way: Trained or a text why not}."""
    for way in results:
        if way == "cpu":
            continue
        wanted = "cuda" if way == "cuda again" else "cpu"
        name = f"{title}, " + ("cuda, run to run" if way == "cuda again" else f"{way} against cpu")
        missing = next((f"{w}: {results[w]}" for w in (way, wanted) if isinstance(results[w], str)), None)
        if missing:
            yield Line("parity", name, FAIL, note=missing)
        elif way == "cuda again":
            yield same_bits(name, results[way], results["cuda"])
        else:
            yield compare(name, results[way], results["cpu"], check.options.steps, TOLERANCES[precision])


def read(done, folder):
    if isinstance(done, Exception) or not done.ok:
        return str(done) if isinstance(done, Exception) else done.why()
    try:
        return Trained(folder)
    except (OSError, ValueError, KeyError, IndexError) as error:
        return f"what it wrote cannot be read: {type(error).__name__} {error}"


def training(check):
    started = ways(check.place)
    if "2 ranks of mpirun" not in started:
        yield Line("parity", "2 ranks of mpirun", ABSENT, note="no mpirun in PATH; a bundle has its own")
    for model in check.options.models or check.place.models():
        if not check.place.experiment(model).exists():
            yield Line("parity", model, FAIL, note=f"there is no {check.place.experiment(model)} to train it with")
            continue
        for precision in check.options.precisions:
            runs = pathlib.Path(check.scratch)
            commands, folders = {}, {}
            for way, (before, options) in started.items():
                name = re.sub(r"\W+", "-", f"{model}-{precision.lower()}-{way}")
                folders[way] = runs / name
                commands[way] = (
                    name,
                    [
                        *before,
                        *train_command(
                            check,
                            model,
                            folders[way],
                            check.options.steps,
                            1,
                            [f"train.precision={precision}"],
                            options,
                        ),
                    ],
                )
            done = check.runner.run_all(commands, RUN_LIMIT_S)
            results = {way: read(done[way], folders[way]) for way in commands}
            yield from judge_model(check, f"{model} {precision.lower()}", results, precision)
            for folder in folders.values():
                shutil.rmtree(folder, ignore_errors=True)


def host_waits(check):
    """Waits that twice the steps add: what a run waits for at its beginning and end falls out."""
    steps = check.options.steps
    model = "sfpnet" if not check.options.models else check.options.models[0]
    waits = []
    for count in (steps, 2 * steps):
        name = f"waits-{count}"
        done = check.runner.run(
            name,
            train_command(check, model, check.scratch / name, count, 10**9, options=["--device", "cuda"]),
            RUN_LIMIT_S,
        )
        said = re.search(r"waited for (\d+) times", done.out)
        if not done.ok or not said:
            yield Line(
                "waits",
                f"{model}, host waits per step",
                FAIL,
                note=done.why() if not done.ok else "it said nothing of waits",
            )
            return
        waits.append(int(said[1]))
    per_step = (waits[1] - waits[0]) / steps
    yield judged(
        "waits",
        f"{model}, host waits per step",
        per_step == 0,
        figure=f"{per_step:.2f}",
        goal="0",
        note=f"{waits[0]} in {steps} steps, {waits[1]} in {2 * steps}",
        data={"waits": waits},
    )
