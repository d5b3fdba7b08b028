"""No class has two definitions: with external linkage that is undefined behaviour, which no compiler has to report.

Each folder above ops declares its names in a namespace of its own, so that two folders cannot define the same one.
"""

import collections
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import cpp_outline  # noqa: E402  (found through the line above)


# ops declares the vocabulary of all (polyscene) and the operators (polyscene::ops); the protobuf compiler declares messages
# in the namespaces of their packages, polyscene::config and polyscene::checkpoint.
NAMESPACES = {"ops": ("polyscene", "polyscene::ops", "polyscene::simt"), "core": ("polyscene::core", "polyscene::config", "polyscene::checkpoint")}
FOLDERS = ("core", "dist", "embedding", "launcher", "ops")
OPENED = re.compile(r"^(?:inline )?namespace (polyscene[\w:]*)", re.MULTILINE)


def strangers(path, text):
    """Namespaces of the project that a file opens although they are not its folder's."""
    own = NAMESPACES.get(path.split("/")[0], (f"polyscene::{path.split('/')[0]}",))
    return [name for name in OPENED.findall(text) if name not in own and not name.startswith(tuple(f"{n}::" for n in own if n != "polyscene"))]


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

    def test_a_folder_has_its_namespace(self):
        self.assertEqual(strangers("dist/world.h", "namespace polyscene {\nnamespace polyscene::dist::nccl {\n"), ["polyscene"])
        self.assertEqual(strangers("ops/base/str.h", "namespace polyscene {\nnamespace polyscene::dist {\n"), ["polyscene::dist"])
        self.assertEqual(strangers("core/data/ragged.h", "namespace polyscene::corevalues {\n"), ["polyscene::corevalues"])
        listed = subprocess.run(["git", "ls-files", "*.h", "*.hpp", "*.cc", "*.cu"], cwd=ROOT, capture_output=True, text=True)
        # The header of the C++ interface is a user's: it has the name of the library.
        paths = [p for p in listed.stdout.split() if p.startswith(tuple(f"{f}/" for f in FOLDERS)) and not p.endswith(".hpp")]
        self.assertEqual({p: wrong for p in paths if (wrong := strangers(p, (ROOT / p).read_text()))}, {})


if __name__ == "__main__":
    unittest.main()
