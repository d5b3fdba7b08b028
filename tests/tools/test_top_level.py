"""What a newcomer sees first: the top of the repository, and the page that tells which files a change touches."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = set("CMakeLists.txt CMakePresets.json LICENSE README.md configs core dist embedding launcher ops tests tools".split())
PAGE = ROOT / ".github/CONTRIBUTING.md"


class TopLevelTest(unittest.TestCase):
    def test_nothing_is_added_at_the_top(self):
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found = {path.partition("/")[0] for path in tracked.splitlines()}
        self.assertEqual({name for name in found if not name.startswith(".")}, TOP)

    def test_files_that_contributing_names_are_there(self):
        text = PAGE.read_text()
        links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
        names = [name for name in re.findall(r"`([\w./-]+/[\w./-]+)`", text) if "NAME" not in name and not name.startswith("build/")]
        self.assertGreater(len(names), 40)
        for link in links:
            self.assertTrue((PAGE.parent / link).exists(), link)
        for name in names:  # a file, a folder, or the stem of a header and its source
            self.assertTrue((ROOT / name).exists() or list(ROOT.glob(f"{name}.*")), name)
