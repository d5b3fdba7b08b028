#!/usr/bin/env python3
"""Checks that two builds give the same results to the last bit: runs the same commands with each, compares all files.

    .venv/bin/python tools/same_bytes.py BEFORE AFTER

BEFORE and AFTER are programs or build folders with bin/polyscene. Both run in one folder, one after the other, so that
absolute paths in their files are equal. Not compared: events/, lock, times, and what a checkpoint's manifest says of
logs. Exit code 0: all is the same; 1: not; 2: wrong arguments, or BEFORE fails where it should not.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.end_to_end.support import write_split  # noqa: E402  (found through the line above)
from tests.end_to_end.test_export import NULLABLE, nullable_table  # noqa: E402

EXPERIMENTS = {"sfpnet": "demo", "pepnet": "kuairand_pepnet", "din": "kuairand_din", "mlp": "kuairand_mlp",
               "lr": "kuairand_lr"}
DEMO = ROOT / "configs/data/demo/kuairand"
MPIRUN = [os.environ.get("MPIEXEC", "mpirun"), "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np"]
# Variables that change results or speed are removed from the environment; --threads sets the threads.
FOREIGN = re.compile(r"(OMP|GOMP|KMP|DNNL|ONEDNN|MKL|POLYSCENE|OMPI|PMIX|PMI|SLURM)_")
FIXED = {"OMP_DYNAMIC": "FALSE", "OMP_WAIT_POLICY": "PASSIVE", "DNNL_VERBOSE": "0", "LC_ALL": "C", "TZ": "UTC"}
# The manifest's lengths and names of logs, which hold times, and its own hash, which depends on them.
LOGS = re.compile(r"^xxh3: \w+\n|^log \{\n(?:  .*\n)*\}\n", re.MULTILINE)
# mpirun's message about a program that fails, with the rank that failed first.
BANNER = re.compile(r"^-{60,}\n(?:.*\n)*?-{60,}\n", re.MULTILINE)
TIME = re.compile(r"\d[\d.]*[kM]?(?= (?:samples/s|rows/s|s|ms)\b)|(?<=ETA )\S+")
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "U64": "<u8",
          "U32": "<u4", "I16": "<i2", "U16": "<u2", "I8": "i1", "U8": "u1", "BOOL": "?"}
# Each is a run on generated data that uses other models, optimisers and schedules.
VARIANTS = {
    "adagrad": ["embedding.optimizer={kind: ADAGRAD weight_decay: 0.01}", "train.optimizer={kind: ADAGRAD}",
                "train.clip_norm=0.5"],
    "row_wise": ["embedding.optimizer={kind: ROW_WISE_ADAGRAD}", "train.optimizer={kind: ADAMW weight_decay: 0.1}",
                 "train.schedule={warmup_steps: 5 decay: COSINE}"],
    "sgd": ["embedding.optimizer={kind: SGD}", "train.optimizer={kind: SGD}", "train.schedule={decay: LINEAR}",
            "data.feature[tags].bag.pooling=SUM"],
    "gated": ["model.sfpnet.gate_form=ONE_LAYER", "model.sfpnet.rtm_form=GATED", "model.sfpnet.dap=MEAN_VARIANCE",
              "model.sfpnet.gate_grain=FIELD"],
    "added": ["model.sfpnet.gate_form=SCENARIO_TABLE", "model.sfpnet.rtm_form=ADD", "model.sfpnet.dap=MEAN",
              "model.sfpnet.gate_scope=C_ONLY", "model.sfpnet.carry_context=false"],
    "attentive": ["model.sfpnet.readout=READOUT_DAP_AND_TARGET_ATTENTION",
                  "model.sfpnet.gate_input=SCENARIO_AND_FEATURES"],
}
REFUSED = [["embedding.dim=x"], ["train.no_such=1"], ["train.batch_size=0", "model.head=-1", "embedding.dim=0"],
           ["data.train_files=none/*.parquet"], ["data.scenario_column=user"], ["data.row_key_column=none"]]


def train(output, *settings, config="planted.pbtxt", threads=1):
    words = ["train", "--config", config, "--output", output, "--threads", str(threads)]
    return words + [word for setting in settings for word in ("--set", setting)]


def uses_of(run, sample, formats):
    """Commands that use a trained run; their output goes to RUN-uses/."""
    uses, one = f"{run}-uses", ["--threads", "1"]
    yield 1, ["evaluate", "--run", run, "--split", "test", *one]
    yield 1, ["evaluate", "--run", run, "--split", "valid", "--json", "--best", *one]
    yield 1, ["predict", "--run", run, "--split", "test", *one, "--output", f"{uses}/predicted.parquet"]
    yield 1, ["export", "--run", run, "--output", f"{uses}/exported", "--format", formats]
    yield 1, ["score", "--model", f"{uses}/exported", "--input", sample, *one, "--output", f"{uses}/scored.parquet"]
    yield 1, ["checkpoint", "inspect", run]
    yield 1, ["checkpoint", "verify", run]


def model_commands():
    """(ranks, words) for each model on the sample of KuaiRand-Pure."""
    for model, experiment in EXPERIMENTS.items():
        settings = ["batch_size=256", "max_steps=24", "eval_every=12", "log_every=4", "checkpoint.every_steps=12"]
        yield 1, train(model, f"data.root={DEMO}", *(f"train.{setting}" for setting in settings),
                       config=f"{ROOT}/configs/experiments/{experiment}.pbtxt")
        yield from uses_of(model, str(DEMO / "test/part-00000.parquet"), "onnx,triton")


def rank_commands():
    """Runs on generated data with one rank, several ranks, virtual ranks, and threads."""
    for threads in (1, 2):
        yield 1, train(f"one-{threads}", threads=threads)
        yield 2, train(f"two-{threads}", threads=threads)
    yield 2, train("virtual", "train.virtual_ranks=4", "train.early_stop={metric: LOGLOSS}", "train.eval_every=7")
    yield 1, [*train("local"), "--local-ranks", "3"]
    yield 2, train("demo", config=f"{ROOT}/configs/experiments/demo.pbtxt")
    yield 2, ["evaluate", "--run", "two-1", "--split", "test", "--threads", "1"]
    yield 2, ["predict", "--run", "two-1", "--split", "test", "--threads", "1", "--carry", "price",
              "--output", "two-predicted.parquet"]


def resume_commands():
    """Runs that end early and are resumed: on the same number of ranks, on another, from incremental checkpoints."""
    saving = "train.checkpoint={every_steps: 5 keep_last: 4 full_every: 3 keep_best: true}"
    for ranks, then, virtual, config in ((1, 1, 0, "bounded"), (2, 2, 0, "planted"), (2, 1, 2, "planted")):
        run = f"resumed-{ranks}-{then}"
        yield ranks, train(run, saving, "train.batch_size=32", "train.max_steps=18", f"train.virtual_ranks={virtual}",
                           config=f"{config}.pbtxt")
        yield 1, ["export", "--run", run, "--output", f"{run}-uses/exported"]
        yield then, ["train", "--resume", run, "--threads", "1", "--set", "train.max_steps=0"]
        yield 1, ["export", "--run", run, "--output", f"{run}-uses/exported", "--delta"]
        yield from uses_of(run, "data/test/part-00000.parquet", "onnx")
    for rows in ("bf16", "int8"):
        yield 1, ["export", "--run", "resumed-1-1", "--output", rows, "--rows", rows, "--sample", "0"]
    yield 1, ["checkpoint", "convert", "resumed-1-1", "--output", "converted", "--set", "embedding.dim=4"]
    yield 1, ["checkpoint", "compact", "resumed-2-2"]


def other_commands():
    """Variants of the configuration, a start from another model, and commands that only read."""
    for name, settings in VARIANTS.items():
        yield 1, train(name, *settings)
    yield 1, train("warm", "train.warm_start={from: \"one-1\" mismatch: CONVERT}", "embedding.dim=4")
    yield 1, ["data", "inspect", "--config", "planted.pbtxt"]
    yield 1, ["data", "inspect", "--config", f"{ROOT}/configs/experiments/demo.pbtxt", "--split", "valid"]
    for command in ("", "train", "evaluate", "predict", "export", "score", "checkpoint", "checkpoint diff", "data"):
        yield 1, [*command.split(), "--help"]


def refused_commands():
    """Commands that must fail."""
    yield 1, ["checkpoint", "diff", "adagrad/model", "sgd/model"]
    yield 1, ["checkpoint", "diff", "resumed-1-1", "resumed-2-1"]
    yield 1, train("one-1")
    for number, settings in enumerate(REFUSED):
        yield 1, train(f"refused-{number}", *settings)
    yield 2, train("refused-ranks", "train.virtual_ranks=1")
    yield 1, ["evaluate", "--run", "nothing"]
    yield 1, ["score", "--model", "nothing", "--input", "data/test/part-00000.parquet"]


def make_data(work):
    work.mkdir(parents=True)
    tables = {"train": [(1500, 1, 0), (900, 2, 1500)], "valid": [(500, 3, 10000)], "test": [(400, 4, 20000)]}
    for split, parts in tables.items():
        write_split(work / "data", split, [nullable_table(*part) for part in parts])
    (work / "planted.pbtxt").write_text(NULLABLE % {"root": "data"})
    bounded = NULLABLE.replace("dim: 8 ", 'dim: 8 partitions: 1 table { name: "user" max_rows: 32 } ', 1)
    (work / "bounded.pbtxt").write_text(bounded % {"root": "data"})


def run_one(program, work, ranks, words):
    """Runs a command. Returns its exit code and output."""
    environment = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)} | FIXED
    for folder in {word.split("/")[0] for word in words if "-uses/" in word}:
        (work / folder).mkdir(exist_ok=True)
    launcher = [*MPIRUN, str(ranks)] if ranks > 1 else []
    done = subprocess.run([*launcher, program, *words], cwd=work, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)
    said = f"$ {ranks} {' '.join(words)}\n{done.stdout}{done.stderr}exit code {done.returncode}\n"
    return done.returncode, said.replace(program, "polyscene")


def run_all(program, work):
    """Runs every command in `work`; their output goes to printed/. Returns the unexpected failures."""
    good = [*model_commands(), *rank_commands(), *resume_commands(), *other_commands()]
    failed = []
    (work / "printed").mkdir()
    for number, (ranks, words) in enumerate([*good, *refused_commands()]):
        code, said = run_one(program, work, ranks, words)
        (work / "printed" / f"{number:03}-{words[0].lstrip('-')}.txt").write_text(said)
        if code != 0 and number < len(good):
            failed.append(said)
    return failed


def without_times(value):
    if isinstance(value, dict):
        return {name: without_times(v) for name, v in value.items() if not name.endswith(("_s", "_ms"))}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def content(path):
    """The content that must be equal: the bytes, in texts without times."""
    if path.name == "metrics.jsonl":
        return "\n".join(json.dumps(without_times(json.loads(line))) for line in path.read_text().splitlines())
    if path.name == "manifest.pbtxt":
        return LOGS.sub("", path.read_text())
    if path.parent.name == "printed":
        return TIME.sub("T", BANNER.sub("", path.read_text()))
    return path.read_bytes()


def tensors(path):
    """{name: values} of a safetensors file; bf16 as its bits."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    described = {name: entry for name, entry in json.loads(data[8:8 + size]).items() if name != "__metadata__"}
    body = data[8 + size:]
    return {name: np.frombuffer(body[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]])
            for name, entry in described.items()}


def columns(path):
    """{name: values} of a Parquet file; columns that are not numeric as objects."""
    lists = pq.read_table(path).to_pydict()
    arrays = {name: np.array(values) for name, values in lists.items()}
    return {name: a if a.dtype.kind in "biuf" else np.array(lists[name], object) for name, a in arrays.items()}


def greatest_difference(before, after):
    """The greatest difference in the first tensor or column that differs."""
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            return f"{name} only {'before' if name in before else 'after'}"
        a, b = before[name], after[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{name}: {a.dtype}{list(a.shape)} and {b.dtype}{list(b.shape)}"
        if a.dtype.kind == "O":
            if (a != b).any():
                return f"{name}: row {np.flatnonzero(a != b)[0]}"
        elif a.tobytes() != b.tobytes():
            return f"{name}: greatest difference {np.abs(a.astype(float) - b.astype(float)).max():.3g}"
    return "the same values, written in another way"


def first_line(before, after):
    for number, (a, b) in enumerate(zip(before.splitlines(), after.splitlines()), 1):
        if a != b:
            return f"line {number}:\n      before {a}\n      after  {b}"
    return f"{len(before.splitlines())} and {len(after.splitlines())} lines"


def describe(before, after):
    """Describes the first difference between two files."""
    if before.is_symlink() and after.is_symlink():
        return f"link to {os.readlink(before)} and {os.readlink(after)}"
    if not os.path.lexists(before) or not os.path.lexists(after):
        return "only " + ("before" if os.path.lexists(before) else "after")
    if before.suffix == ".safetensors":
        return greatest_difference(tensors(before), tensors(after))
    if before.suffix == ".parquet":
        return greatest_difference(columns(before), columns(after))
    a, b = content(before), content(after)
    if isinstance(a, bytes) and b"\0" in a:
        first = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        return f"from byte {first}, {len(a)} and {len(b)} bytes"
    return first_line(*(text if isinstance(text, str) else text.decode(errors="replace") for text in (a, b)))


def files(root):
    """{comparison: {path}}; a comparison has all paths with the same name in a run's folder."""
    found = {}
    for path in root.rglob("*"):
        at = path.relative_to(root)
        left_out = "events" in at.parts or path.name == "lock" or at.parts[0] == "data"
        if not left_out and (path.is_symlink() or path.is_file()):
            found.setdefault("/".join(at.parts[:2] if at.parts[0] != "printed" else at.parts[:1]), set()).add(at)
    return found


def same_file(before, after):
    if before.is_symlink() or after.is_symlink():
        return before.is_symlink() and after.is_symlink() and os.readlink(before) == os.readlink(after)
    return before.is_file() and after.is_file() and content(before) == content(after)


def compare(before, after):
    """Prints a line per comparison; returns how many differ."""
    differ, (a, b) = 0, (files(before), files(after))
    for name in sorted(a.keys() | b.keys()):
        paths = sorted(a.get(name, set()) | b.get(name, set()))
        wrong = [path for path in paths if not same_file(before / path, after / path)]
        differ += bool(wrong)
        print(f"{'DIFFERS' if wrong else 'same   '} {name} ({len(paths)} {'file' if len(paths) == 1 else 'files'})")
        if wrong:
            print(f"    {len(wrong)} differ, first {wrong[0]}: {describe(before / wrong[0], after / wrong[0])}")
            print("".join(f"    then {path}\n" for path in wrong[1:4]), end="")
    return differ


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="program or build folder to compare with")
    parser.add_argument("after", help="program or build folder to check")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER", help="keep the written files in this new folder")
    options = parser.parse_args(words)
    for name in ("before", "after"):
        path = pathlib.Path(getattr(options, name)).resolve()
        path = path / "bin/polyscene" if path.is_dir() else path
        if not os.access(path, os.X_OK):
            parser.error(f"wanted a program or a build folder with bin/polyscene, got {getattr(options, name)}")
        setattr(options, name, str(path))
    return options


def run_both(options, top):
    """Returns False if a command unexpectedly fails with BEFORE."""
    for name in ("before", "after"):
        start = time.monotonic()
        make_data(top / "work")
        failed = run_all(getattr(options, name), top / "work")
        (top / "work").rename(top / name)
        seconds = time.monotonic() - start
        print(f"{name}: {getattr(options, name)}: {seconds:.0f} s, {len(failed)} commands failed", flush=True)
        print(*failed[:1], end="")
        if failed and name == "before":
            return False
    return True


def main(words):
    options = parse(words)
    top = pathlib.Path(tempfile.mkdtemp(prefix="polyscene-same-bytes-"))
    try:
        if not run_both(options, top):
            return 2
        differ = compare(top / "before", top / "after")
        print(f"{differ} comparisons differ" if differ else "all the same, to the last bit")
        return 1 if differ else 0
    finally:
        if options.keep:
            shutil.copytree(top, options.keep, symlinks=True)
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
