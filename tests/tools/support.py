"""Runs a converter as a user would and reads back what it wrote."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

import pyarrow.parquet as pq

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools" / "data"))

import conversion  # noqa: E402  (found through the line above)


class Run:
    """What a converter left behind: exit code, text, files."""

    def __init__(self, code, printed, complaint, out):
        self.code, self.printed, self.complaint, self.out = code, printed, complaint, Path(out)

    def table(self, split):
        return pq.read_table(self.out / split)

    def rows(self, split):
        return self.table(split).to_pylist()

    def bytes(self):
        return {str(path.relative_to(self.out)): path.read_bytes() for path in sorted(self.out.rglob("*.parquet"))}

    def splits(self):
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []


class ConverterTest(unittest.TestCase):
    """Gives each test a folder and the two ways a conversion can end."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.raw = self.folder / "raw"
        self.raw.mkdir()
        self.runs = 0

    def run_converter(self, name, main, arguments, out=None):
        self.runs += 1
        out = out or self.folder / f"out{self.runs}"
        printed, complaint = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaint):
            try:
                code = conversion.run(name, main, ["--raw", str(self.raw), "--out", str(out), *map(str, arguments)])
            except SystemExit as exit:  # argparse
                code = exit.code
        return Run(code, printed.getvalue(), complaint.getvalue(), out)

    def assert_succeeds(self, run):
        self.assertEqual(run.code, 0, run.complaint)
        self.assertNotIn(".partial", run.splits())
        return run

    def assert_fails(self, run, code, *texts):
        """Exit code, every text in the message, and nothing half written."""
        self.assertEqual(run.code, code, run.complaint or run.printed)
        for text in texts:
            self.assertIn(text, run.complaint)
        self.assertEqual(run.splits(), [])
