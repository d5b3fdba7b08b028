"""What tools/bundle.sh says where it cannot do its work."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / "build/release/bin/polyscene"


class Words(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def bundle(self, *words):
        """With programs of self.folder in front of the machine's."""
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        words = [REPOSITORY / "tools/bundle.sh", *words]
        return subprocess.run(words, capture_output=True, text=True, env=environment)

    def assert_fails(self, done, *texts):
        self.assertEqual(done.returncode, 1, done.stdout)
        for text in texts:
            self.assertIn(text, done.stderr)

    def test_what_it_does_not_take(self):
        for words in (["--output", "x.zip"], ["--output"], ["--nonsense"]):
            done = self.bundle(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn("tools/bundle.sh [--output FILE] [--with-checks]", done.stderr)

    def test_folders_that_are_no_build(self):
        self.assert_fails(self.bundle("--build", f"{self.folder}/x"), 'wanted --build with a folder, got "')
        done = self.bundle("--build", self.folder)
        self.assert_fails(done, f"bundle: no bin/polyscene in {self.folder}; build it first")
        (self.folder / "bin").mkdir()
        (self.folder / "bin/polyscene").symlink_to(PROGRAM)
        self.assert_fails(
            self.bundle("--build", self.folder), f"bundle: not everything is built in {self.folder}: cmake"
        )

    def test_machines_that_lack_something(self):
        for tool, says, text in (
            ("ompi_info", "", 'no Open MPI 4 where ompi_info says it is: "", ""'),
            ("ldd", "\tlibhwy.so.1 => not found", "libraries that are not to be found here: libhwy.so.1"),
            ("dpkg-query", "", "which is to be shipped"),
        ):
            with self.subTest(tool=tool):
                (self.folder / tool).write_text(f"#!/bin/sh\necho '{says}'\n")
                (self.folder / tool).chmod(0o755)
                archive = self.folder / "a.tar.gz"
                self.assert_fails(self.bundle("--output", archive), text)
                self.assertFalse(archive.exists())
                (self.folder / tool).unlink()
