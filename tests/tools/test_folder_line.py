"""The floor plan: ops -> dist -> embedding -> core -> launcher, and the folders inside each. A file includes only what lies in
its own folder or in one named before it."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = ["ops", "dist", "embedding", "core", "launcher"]
# Inside each, from the lowest; "" stands for the files of the folder itself.
ROOMS = {
    "ops": ["base", "tensor", "device", "kernel", "simd", "simt", "graph", "optim", "dense", "jagged", "loss", "cuda", ""],
    "dist": ["", "device", "data_parallel", "local", "mpi", "nccl"],
    "embedding": ["update", "plan", "table", "keys", "exchange", "device"],
    "core": ["text", "files", "config", "features", "models", "serve", "data", "metrics", "session", "run", "checkpoint", "train",
             "export"],
    "launcher": ["job", "cli", ""],
}
# Folders inside those, which their parents use.
BELOW_THEIR_PARENT = {"core/train/report", "core/export/onnx"}
ABOVE_THEIR_PARENT = {"core/serve/api", "ops/simt/cuda"}
# Third-party headers that only some places may see.
CONFINED = {
    r"mpi\.h": ["dist/mpi/"],
    r"nccl\.h": [],
    r"arrow/|parquet/": ["core/data/"],
    r"google/protobuf/": ["core/config/", "core/checkpoint/"],
    r"onnx/": ["core/export/"],
    r"CLI/": ["launcher/"],
    r"dnnl": ["ops/dense/"],
    r"hwy/": ["ops/"],
    r"cublasLt\.h": ["ops/cuda/"],
    r"cuda": ["ops/cuda/", "ops/simt/cuda/"],
}


def includes(folder):
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in (".h", ".hpp", ".cc", ".cu"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = re.match(r'#include ["<]([^">]+)[">]', line)
                if found:
                    yield f"{path.relative_to(ROOT)}", number, found.group(1)


def height(path):
    """(line, room, floor within the room) of a file of the repository, None for other files."""
    parts = path.split("/")
    if parts[0] not in LINE or len(parts) < 2:
        return None
    room = parts[1] if len(parts) > 2 else ""
    inner = "/".join(parts[:3]) if len(parts) > 3 else ""
    floor = -1 if inner in BELOW_THEIR_PARENT else 1 if inner in ABOVE_THEIR_PARENT else 0
    return LINE.index(parts[0]), ROOMS[parts[0]].index(room), floor


class FolderLineTest(unittest.TestCase):
    def test_every_folder_has_its_place(self):
        for folder in LINE:
            rooms = {path.name for path in (ROOT / folder).iterdir() if any(path.glob("**/*.h"))}
            self.assertEqual(rooms, set(ROOMS[folder]) - {""}, folder)

    def test_no_include_runs_up(self):
        seen = 0
        for folder in LINE:
            for path, number, header in includes(folder):
                self.assertFalse(header.startswith(("tests/", "tools/")), f"{path}:{number} includes {header}")
                there = height(header)
                if there is not None:
                    seen += 1
                    self.assertLessEqual(there, height(path), f"{path}:{number} includes {header}, which lies above it")
        self.assertGreater(seen, 1000)

    def test_third_party_headers_stay_where_they_belong(self):
        for folder in LINE:
            for path, number, header in includes(folder):
                for pattern, places in CONFINED.items():
                    if re.match(pattern, header):
                        self.assertTrue(path.startswith(tuple(places)), f"{path}:{number} includes {header}")


if __name__ == "__main__":
    unittest.main()
