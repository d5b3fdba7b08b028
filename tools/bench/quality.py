#!/usr/bin/env python3
"""Trains the KuaiRand experiments with several seeds and prints validation metrics side by side: mean and spread.

    tools/bench/quality.py --data runs/data/kuairand --out runs/quality [--seeds 1 2 3] [--models lr mlp ...] [--set a.b=c]
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
METRICS = [("auc", "AUC"), ("logloss", "logloss"), ("S-GAUC", "S-GAUC"), ("GAUC(user)", "GAUC(user)")]


def train(binary, model, seed, data, out, overrides):
    folder = out / f"{model}-{seed}"
    command = [binary, "train", "--config", ROOT / f"configs/experiments/kuairand_{model}.pbtxt", "--output", folder,
               "--overwrite", "--set", f"data.root={data}", "--set", f"seed={seed}"]
    for override in overrides:
        command += ["--set", override]
    with open(out / f"{model}-{seed}.log", "w") as log:
        done = subprocess.run([str(c) for c in command], stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"quality: {model} seed {seed} failed, see {log.name}")
    return best(folder)


def best(folder):
    """Metrics of the evaluation with the best AUC, whose model the run keeps."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    evaluations = [entry for entry in map(json.loads, lines) if entry["kind"] == "evaluation"]
    metrics = max(evaluations, key=lambda entry: entry["metrics"]["auc"])["metrics"]
    return {**metrics, **{group["name"]: group["value"] for group in metrics["grouped"]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=pathlib.Path, help="output folder of tools/data/kuairand.py")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs/quality",
                        help="folder for the runs (%(default)s)")
    parser.add_argument("--binary", default=str(ROOT / "build/release/bin/polyscene"), help="path of polyscene")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="seeds of each model")
    parser.add_argument("--models", nargs="+", default=["lr", "mlp", "din", "pepnet", "sfpnet"], help="models to train")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="FIELD=VALUE",
                        help="change the configuration; repeatable")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    print("| model | " + " | ".join(f"{title} (spread)" for _, title in METRICS) + " |")
    print("|---|" + "---|" * len(METRICS))
    for model in arguments.models:
        runs = [train(arguments.binary, model, seed, arguments.data.resolve(), arguments.out, arguments.overrides)
                for seed in arguments.seeds]
        cells = []
        for key, _ in METRICS:
            values = [run[key] for run in runs]
            cells.append(f"{statistics.mean(values):.4f} ({max(values) - min(values):.4f})")
        print(f"| {model} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
