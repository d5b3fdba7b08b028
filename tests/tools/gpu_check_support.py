"""A bundle of stand-ins for tools/gpu_check to judge."""

import io
import json
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools"))

from gpu_check import main  # noqa: E402  (found through the line above)

FAKES = REPOSITORY / "tests/tools/fakes"
MPIRUN = '#!/bin/sh\nwhile [ "${1##*/}" != polyscene ]; do shift; done\nexec "$@" --under-mpirun\n'


class GpuCheckTest(unittest.TestCase):
    """A bundle of stand-ins in a temporary folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "bundle of fakes"
        self.bin = self.root / "bin"
        for path in ("bin", "configs/models", "configs/experiments", "tools/bench"):
            (self.root / path).mkdir(parents=True)
        for model in ("lr", "sfpnet"):
            (self.root / f"configs/models/{model}.pbtxt").touch()
            (self.root / f"configs/experiments/kuairand_{model}.pbtxt").touch()
        shutil.copy(FAKES / "polyscene", self.bin / "polyscene")
        shutil.copy(FAKES / "polyscene", self.root / "polyscene")
        (self.root / "mpirun").write_text(MPIRUN)
        (self.root / "mpirun").chmod(0o755)
        (self.root / "commit").write_text("abc\n")
        self.plan({})

    def plan(self, plan):
        for folder in (self.root, self.bin):
            (folder / "plan.json").write_text(json.dumps(plan))

    def program(self, name, says, code=0, folder=None):
        file = (folder or self.bin) / name
        shutil.copy(FAKES / "program", file)
        Path(f"{file}.says").write_text(f"{says}\nexit {code}\n")

    def check(self, *words, seconds=100):
        """Exit code; the lines of results.json by name."""
        out = self.root / "out"
        self.printed = io.StringIO()
        code = main.main(
            ["--bundle", str(self.root), "--out", str(out), "--seconds", str(seconds), "--steps", "3", *words],
            self.printed,
        )
        self.results = json.loads((out / "results.json").read_text())
        return code, {line["name"]: line for line in self.results["lines"]}

    def assert_only_failure(self, result, name, *texts):
        code, lines = result
        self.assertEqual(code, 1)
        self.assertEqual([n for n, line in lines.items() if line["status"] == "FAIL"], [name], self.printed.getvalue())
        for text in texts:
            self.assertIn(text, lines[name]["note"] + lines[name]["figure"])
            self.assertIn(text, self.printed.getvalue())
