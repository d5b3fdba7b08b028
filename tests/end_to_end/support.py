"""What the end-to-end tests share: small planted data, configurations, and the program as a subprocess."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("POLYSCENE_BINARY", str(ROOT / "build/release/bin/polyscene"))
MPIEXEC = os.environ.get("MPIEXEC", "mpirun")
DEMO = ROOT / "configs/experiments/demo.pbtxt"

CONFIG = """
name: "planted"
data {
  root: "%(root)s"
  train_files: "train/*.parquet"
  valid_files: "valid/*.parquet"
  test_files: "test/*.parquet"
  feature { name: "user" categorical {} role: USER }
  feature { name: "item" categorical {} role: ITEM }
  feature { name: "scene" categorical {} role: SCENARIO }
  feature { name: "price" number { log: true } role: ITEM }
  feature { name: "tags" bag { column: "tags" weight_column: "tag_weights" table: "tag" } role: ITEM }
  feature { name: "history" sequence {
    side { column: "history_item" table: "item" target: "item" }
    side { column: "history_scene" table: "scene" target: "scene" }
    max_length: 8
  } }
  label { name: "click" }
  scenario_column: "scene"
  group { name: "user" }
  row_key_column: "row"
}
embedding { dim: 8 init_stddev: 0.05 optimizer { learning_rate: 0.02 } }
model { head: 16 head: 8 sfpnet { gate_hidden: 16 context_width: 8 } }
train { batch_size: 64 epochs: 1 log_every: 1 optimizer { learning_rate: 0.005 } }
"""


def planted_table(rows, seed, first_row=0, scenes=3):
    """Clicks follow from the item, less so from scene to scene, and from the kind of items in the history."""
    random = np.random.default_rng(seed)
    users = random.integers(0, 40, rows)
    items = random.integers(0, 60, rows)
    scene = random.integers(0, scenes, rows)
    lengths = random.integers(0, 12, rows)
    history = [random.integers(0, 60, n).tolist() for n in lengths]
    tags = [random.integers(0, 9, n).tolist() for n in random.integers(0, 4, rows)]
    taste = np.array([np.mean(np.array(h) % 3 - 1) if h else 0.0 for h in history])
    score = 1.5 * (items % 5 - 2) * (1 - 0.25 * scene) + 3 * taste
    click = (random.random(rows) < 1 / (1 + np.exp(-score))).astype(np.int8)
    return pa.table({
        "row": pa.array(np.arange(first_row, first_row + rows)),
        "user": pa.array(users), "item": pa.array(items), "scene": pa.array(scene),
        "price": pa.array(random.gamma(2.0, 5.0, rows)),
        "tags": pa.array(tags, pa.list_(pa.int64())),
        "tag_weights": pa.array([[0.5 + t for t in ts] for ts in tags], pa.list_(pa.float32())),
        "history_item": pa.array(history, pa.list_(pa.int64())),
        "history_scene": pa.array([[h % scenes for h in hs] for hs in history], pa.list_(pa.int64())),
        "click": pa.array(click),
    })


def write_split(root, split, tables, row_group=100):
    folder = pathlib.Path(root) / split
    folder.mkdir(parents=True, exist_ok=True)
    for i, table in enumerate(tables):
        pq.write_table(table, folder / f"part-{i:05d}.parquet", row_group_size=row_group)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.text = out + err


class ProgramTest(unittest.TestCase):
    """A temporary folder with planted data and a configuration."""

    maxDiff = 4000
    program = BINARY

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="polyscene-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = self.folder / "data"
        write_split(self.data, "train", [planted_table(1500, 1), planted_table(900, 2, 1500)])
        write_split(self.data, "valid", [planted_table(500, 3, 10000)])
        write_split(self.data, "test", [planted_table(400, 4, 20000, scenes=4)])
        self.config = self.folder / "planted.pbtxt"
        self.config.write_text(CONFIG % {"root": self.data})

    def bound_users(self):
        """The table of 40 users forgets all but 32."""
        text = self.config.read_text()
        self.config.write_text(text.replace("dim: 8 ", 'dim: 8 partitions: 1 table { name: "user" max_rows: 32 } ', 1))

    def run_program(self, *arguments, ranks=0, timeout=300, **options):
        command = [self.program, *map(str, arguments)]
        if ranks:
            command = [MPIEXEC, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", str(ranks), *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
        return Result(done.returncode, done.stdout, done.stderr)

    def train(self, name="run", *arguments, ranks=0, expect=0, **options):
        result = self.run_program("train", "--config", self.config, "--output", self.folder / name, "--threads", 1,
                                  *arguments, ranks=ranks, **options)
        self.assertEqual(result.code, expect, result.text)
        return result

    def evaluate(self, name="run", split="test", *arguments):
        result = self.run_program("evaluate", "--run", self.folder / name, "--split", split, "--json", *arguments)
        self.assertEqual(result.code, 0, result.text)
        return json.loads(result.out)

    def logged(self, name, kind):
        lines = (self.folder / name / "metrics.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]

    def model_bytes(self, name):
        model = self.folder / name / "model"
        return {str(f.relative_to(model)): f.read_bytes() for f in sorted(model.rglob("*.safetensors"))}

    def assert_fails(self, result, code, *texts):
        self.assertEqual(result.code, code, result.text)
        for text in texts:
            self.assertIn(text, result.text)


def limit_file_size(size):
    """For preexec_fn: writes past `size` bytes fail as on a full disk, instead of killing the process."""
    import resource

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit
