"""What the README tells to type, typed."""

import os
import pathlib
import re
import subprocess
import sys

from tests.end_to_end.support import BINARY, MPIEXEC, ROOT, ProgramTest

HEADING = "## Train, stop, resume on another cluster, export, score"


class ReadmeTest(ProgramTest):
    def test_train_stop_resume_export_score(self):
        text = (ROOT / "README.md").read_text()
        block = re.search(re.escape(HEADING) + r"\n```\n(.*?)```", text, re.S).group(1)
        for folder in ("configs", "tools"):
            (self.folder / folder).symlink_to(ROOT / folder)
        commands = (block.replace("P=build/release/bin/polyscene", f"P={BINARY}")
                    .replace("mpirun ", f"{MPIEXEC} --allow-run-as-root --oversubscribe --bind-to none ")
                    .replace(".venv/bin/python", sys.executable))
        self.assertGreaterEqual(len(commands.splitlines()), 8)
        done = subprocess.run(["bash", "-e", "-c", commands], cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for said in ("going on from step 30, ", "all files are as they were written", "(as wanted)", "exported exports/feed/1",
                     "scored with exports/feed/1, written to scores.parquet", "rows/s; median "):
            self.assertIn(said, done.stdout)
        self.assertTrue(pathlib.Path(self.folder / "scores.parquet").exists())
