"""No class has two definitions: with external linkage that is undefined behaviour, which no compiler has to report."""

import collections
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import cpp_outline  # noqa: E402  (found through the line above)


class NamesTest(unittest.TestCase):
    def test_no_class_is_defined_twice(self):
        listed = subprocess.run(["git", "ls-files", "*.h", "*.hpp", "*.cc", "*.cu"], cwd=ROOT, capture_output=True, text=True)
        places = collections.defaultdict(set)
        for path in listed.stdout.split():
            if not path.startswith(("tests/", "tools/")):
                for name in cpp_outline.Outline(path, (ROOT / path).read_text()).classes:
                    places[name].add(path)
        self.assertGreater(len(places), 300)
        self.assertEqual({name: sorted(files) for name, files in places.items() if len(files) > 1}, {})


if __name__ == "__main__":
    unittest.main()
