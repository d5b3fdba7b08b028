"""What the README tells to type, typed."""

import os
import pathlib
import re
import subprocess
import sys

from tests.end_to_end.support import BINARY, MPIEXEC, ROOT, ProgramTest

HEADING = "## Train, stop, resume on another cluster, export, score"
FIRST = "## Train, evaluate, predict"


class ReadmeTest(ProgramTest):
    def setUp(self):
        super().setUp()
        for folder in ("configs", "tools"):
            (self.folder / folder).symlink_to(ROOT / folder)

    def commands_below(self, heading):
        """Those of the first block, as they are typed but for where the programs lie."""
        text = (ROOT / "README.md").read_text()
        block = re.search(re.escape(heading) + r"\n[^`]*```\n(.*?)```", text, re.S).group(1)
        return (block.replace("P=build/release/bin/polyscene", f"P={BINARY}").replace('M="mpirun ', f'M="{MPIEXEC} ')
                .replace(".venv/bin/python", sys.executable))

    def typed(self, commands):
        done = subprocess.run(["bash", "-e", "-c", commands], cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_four_ranks_on_any_machine(self):
        text = (ROOT / "README.md").read_text()
        block = re.search(re.escape(FIRST) + r"\n.*?```\n(.*?)```", text, re.S).group(1)
        settings = [line for line in block.splitlines() if re.match("[A-Z]=", line)]
        four = [line for line in block.splitlines() if "-np 4" in line]
        self.assertEqual((len(settings), len(four)), (2, 1))
        commands = "\n".join(settings + four).replace("build/release/bin/polyscene", BINARY).replace('"mpirun ', f'"{MPIEXEC} ')
        self.assertIn("4 virtual ranks on 4 ranks (mpi)", self.typed(commands.replace(" train ", " train --set train.max_steps=5 ")))

    def test_train_stop_resume_export_score(self):
        commands = self.commands_below(HEADING)
        self.assertGreaterEqual(len(commands.splitlines()), 8)
        said = self.typed(commands)
        for text in ("going on from step 30, ", "all files are as they were written", "(as wanted)", "exported exports/feed/1",
                     "scored with exports/feed/1, written to scores.parquet", "rows/s; median "):
            self.assertIn(text, said)
        self.assertTrue(pathlib.Path(self.folder / "scores.parquet").exists())
