"""The folder line ops -> dist -> embedding -> core -> launcher: a folder includes only itself and what stands to its left."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = ["ops", "dist", "embedding", "core", "launcher"]
# Third-party headers that only some places may see.
CONFINED = {
    r"mpi\.h": ["dist/mpi/"],
    r"arrow/|parquet/": ["core/data/"],
    r"google/protobuf/": ["core/config/", "core/checkpoint/"],
    r"onnx/": ["core/export/"],
    r"CLI/": ["launcher/"],
}


def includes(folder):
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in (".h", ".cc", ".cu"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = re.match(r'#include ["<]([^">]+)[">]', line)
                if found:
                    yield f"{path.relative_to(ROOT)}", number, found.group(1)


class FolderLineTest(unittest.TestCase):
    def test_no_include_runs_against_the_line(self):
        seen = 0
        for at, folder in enumerate(LINE):
            forbidden = tuple(f"{other}/" for other in LINE[at + 1:] + ["tests", "tools"])
            for path, number, header in includes(folder):
                seen += 1
                self.assertFalse(header.startswith(forbidden), f"{path}:{number} includes {header}")
        self.assertGreater(seen, 500)

    def test_third_party_headers_stay_where_they_belong(self):
        for folder in LINE:
            for path, number, header in includes(folder):
                for pattern, places in CONFINED.items():
                    if re.match(pattern, header):
                        self.assertTrue(path.startswith(tuple(places)), f"{path}:{number} includes {header}")
