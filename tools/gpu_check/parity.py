"""Checks that training on the CPU, on CUDA, and on two ranks that share a device gives the same losses and AUC."""

import json
import math
import os
import pathlib
import re
import shutil

from .report import ABSENT, FAIL, Line, judged

# Tolerances, relative except for the AUC: a loss of the first steps, of any step, the mean of all, the final AUC. Sums in
# another order differ in the last bit, which training amplifies. README.md has the differences between CPU ranks.
FIRST = 10
TOLERANCES = {
    "FP32": {"first": 1e-5, "any": 3e-2, "mean": 2e-3, "auc": 5e-3},
    "BF16": {"first": 2e-3, "any": 5e-2, "mean": 5e-3, "auc": 1e-2},
}
RUN_LIMIT_S = 90
WAITS_PER_STEP = 0.01  # a batch larger than all before makes a buffer grow; train_bench's goal is 0


def ways(place):
    """The ways to start a run: {name: (words before the program, options)}."""
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
    threads = max(1, (os.cpu_count() or 1) // (2 * check.options.jobs))  # per rank, with `jobs` runs at once
    where = ["--config", check.place.experiment(model), "--output", folder, "--overwrite", "--threads", threads]
    return [check.place.polyscene, "train", *where, *options, *(w for s in settings for w in ("--set", s))]


class Trained:
    """The results of a run: losses by step, the last AUC, bytes of the model."""

    def __init__(self, folder):
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        self.losses = [line["loss"] for line in lines if line["kind"] == "train"]
        self.auc = [line["metrics"]["auc"] for line in lines if line["kind"] == "evaluation"][-1]
        self.model = {
            str(p.relative_to(folder)): p.read_bytes() for p in sorted((folder / "model").rglob("*.safetensors"))
        }

    def differences(self, other):
        """The differences that TOLERANCES bound; NaN if a loss is NaN or there are no losses."""
        relative = [abs(a - b) / max(abs(b), 1e-9) for a, b in zip(self.losses, other.losses)]
        mean = abs(sum(self.losses) - sum(other.losses)) / max(abs(sum(other.losses)), 1e-9)
        return {
            "first": largest(relative[:FIRST]),
            "any": largest(relative),
            "mean": mean,
            "auc": abs(self.auc - other.auc),
        }


def largest(values):
    """The largest value; NaN if one is NaN, which max() would hide, or if there are none."""
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
    """Lines for one model and precision from {way: Trained, or a text with the reason}."""
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
    """Waits that additional steps cause. The first steps are not counted, since tables and buffers grow in them."""
    steps = check.options.steps
    model = check.options.models[0] if check.options.models else "sfpnet"
    waits = {}
    for count in (3 * steps, 4 * steps):
        name = f"waits-{count}"
        command = train_command(check, model, check.scratch / name, count, 10**9, options=["--device", "cuda"])
        done = check.runner.run(name, command, RUN_LIMIT_S)
        said = re.search(r"waited for (\d+) times", done.out)
        if not done.ok or not said:
            note = "it said nothing of waits" if done.ok else done.why()
            yield Line("waits", f"{model}, host waits per step", FAIL, note=note)
            return
        waits[count] = int(said[1])
    per_step = (waits[4 * steps] - waits[3 * steps]) / steps
    yield judged(
        "waits",
        f"{model}, host waits per step",
        per_step <= WAITS_PER_STEP,
        figure=f"{per_step:.2f}",
        goal=f"<= {WAITS_PER_STEP}",
        note=", ".join(f"{number} in {count} steps" for count, number in waits.items()),
        data={"waits": waits},
    )
