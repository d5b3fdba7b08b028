"""A build that is watched."""

import os
import pty
import subprocess
import unittest
from pathlib import Path

TOOL = str(Path(__file__).resolve().parents[2] / "tools/with_progress.sh")
BUILD = 'echo "-- Configuring"; for i in $(seq 1 40); do echo "[$i/40] Building CXX object $i"; done'


class WithProgressTest(unittest.TestCase):
    def run_tool(self, script, **options):
        return subprocess.run([TOOL, "bash", "-c", script], capture_output=True, text=True, timeout=60, **options)

    def test_a_line_for_every_tenth(self):
        done = self.run_tool(BUILD)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines(), [f"building [{n}/40]" for n in range(4, 41, 4)])

    def test_a_build_that_has_nothing_to_do_says_nothing(self):
        done = self.run_tool("echo ninja: no work to do.")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_build_that_fails_is_shown_whole(self):
        done = self.run_tool(BUILD + "; echo error: no such type >&2; exit 3")
        self.assertEqual(done.returncode, 1)
        for text in ("[7/40] Building CXX object 7\n", "error: no such type\n", "failed: bash -c "):
            self.assertIn(text, done.stderr)

    def test_one_line_of_a_terminal(self):
        ours, theirs = pty.openpty()
        subprocess.run([TOOL, "bash", "-c", BUILD], stdout=theirs, timeout=60, check=True)
        os.close(theirs)
        said = b""
        try:
            while piece := os.read(ours, 4096):
                said += piece
        except OSError:
            pass  # Linux ends a terminal so
        finally:
            os.close(ours)
        self.assertEqual(said.decode(), "".join(f"\rbuilding [{n}/40] " for n in range(1, 41)) + "\r\n")


if __name__ == "__main__":
    unittest.main()
