"""tools/format.sh, on a repository of two files."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
UGLY, TIDY = "int  f( ){return 1;}\n", "int f() { return 1; }\n"


class FormatTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "a clone"
        (self.root / "tools").mkdir(parents=True)
        shutil.copy(REPOSITORY / "tools/format.sh", self.root / "tools")
        shutil.copy(REPOSITORY / ".clang-format", self.root)
        (self.root / ".venv").symlink_to(REPOSITORY / ".venv")
        (self.root / "good.h").write_text(TIDY)
        (self.root / "bad.cc").write_text(UGLY)
        self.git("init", "-q", "-b", "main")
        self.git("add", "good.h", "bad.cc")

    def git(self, *words):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

    def run_tool(self, *options, **environment):
        return subprocess.run(
            ["/bin/bash", self.root / "tools/format.sh", *options],
            capture_output=True, text=True, timeout=60, env={**os.environ, **environment},
        )

    def path_without(self, *names):
        """A PATH with the programs that the script wants, but for these."""
        folder = self.root / "bin"
        folder.mkdir()
        for name in {"bash", "dirname", "sed", "git", "grep", "xargs", "nproc", "clang-format", "clang-tidy"} - set(names):
            if found := shutil.which(name):
                (folder / name).symlink_to(found)
        return str(folder)

    def test_check_names_the_file_and_changes_nothing(self):
        done = self.run_tool("--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("bad.cc:1:", done.stderr)
        self.assertNotIn("good.h", done.stderr)
        self.assertIn("format: files that stand above are not formatted; try tools/format.sh", done.stderr)
        self.assertEqual((self.root / "bad.cc").read_text(), UGLY)

    def test_it_formats(self):
        self.assertEqual(self.run_tool().returncode, 0)
        self.assertEqual((self.root / "bad.cc").read_text(), TIDY)
        self.assertEqual(self.run_tool("--check").returncode, 0)

    def test_another_version_is_refused(self):
        (self.root / ".venv").unlink()
        path = self.path_without("clang-format")
        other = Path(path) / "clang-format"
        other.write_text("#!/bin/sh\necho clang-format version 18.1.3\n")
        other.chmod(0o755)
        done = self.run_tool("--check", PATH=path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("format: wanted clang-format 14, got clang-format version 18.1.3; try tools/setup.sh --tests", done.stderr)

    def test_tidy_says_that_it_is_not_there(self):
        done = self.run_tool("--tidy", PATH=self.path_without("clang-tidy"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("format: wanted clang-tidy, got none; try apt-get install clang-tidy. Nothing was looked at", done.stderr)

    def test_tidy_looks_at_what_differs_from_main(self):
        path = self.path_without("clang-tidy")
        program = Path(path) / "clang-tidy"
        program.write_text('#!/bin/bash\necho "tidy: $*"\nexit 1\n')
        program.chmod(0o755)
        self.assertIn("format: wanted build/release/compile_commands.json, got none", self.run_tool("--tidy", PATH=path).stderr)
        (self.root / "build/release").mkdir(parents=True)
        (self.root / "build/release/compile_commands.json").write_text("[]")
        self.git("commit", "-q", "-m", "all")
        done = self.run_tool("--tidy", PATH=path)
        self.assertEqual((done.returncode, done.stdout), (0, "format: no source differs from main\n"))
        (self.root / "bad.cc").write_text(TIDY)
        done = self.run_tool("--tidy", PATH=path)
        self.assertEqual((done.returncode, done.stdout), (1, "tidy: -p build/release --quiet bad.cc\n"))
        self.assertIn("format: clang-tidy's findings stand above", done.stderr)

    def test_usage(self):
        done = self.run_tool("--chek")
        self.assertEqual(done.returncode, 2)
        self.assertIn("tools/format.sh --check   changes nothing", done.stderr)
