"""The tests mirror the tree: the tests of a folder are in the folder of the same name below tests/."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Tests of the helpers of tests, and of the parsers of all folders at once.
OTHERS = ("tests/support", "tests/fuzz")


def test_files():
    for path in sorted((ROOT / "tests").rglob("*_test.cc")):
        name = f"{path.relative_to(ROOT)}"
        if not name.startswith(OTHERS):
            yield path, name


class MirrorTest(unittest.TestCase):
    def test_every_folder_of_tests_names_a_folder_of_the_product(self):
        folders = {path.parent.relative_to(ROOT / "tests") for path, _ in test_files()}
        self.assertGreater(len(folders), 25)
        self.assertEqual([f"{folder}" for folder in sorted(folders) if not (ROOT / folder).is_dir()], [])

    def test_a_test_of_one_header_is_in_its_folder(self):
        seen = 0
        for path, name in test_files():
            first = re.search(r"^#include (.+)$", path.read_text(), re.MULTILINE).group(1).strip('"')
            if not first.startswith(("<", "tests/")) and "/" in first:
                seen += 1
                self.assertEqual(name.rpartition("/")[0], "tests/" + first.rpartition("/")[0], f"{name} tests {first}")
        self.assertGreater(seen, 50)


if __name__ == "__main__":
    unittest.main()
