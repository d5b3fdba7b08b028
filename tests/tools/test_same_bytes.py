"""What tools/same_bytes.py takes for equal, and how it names what is not."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import same_bytes  # noqa: E402  (found through the line above)

MANIFEST = 'xxh3: 0x%s\nstep: 4\nlog {\n  name: "events/events.out.tfevents.%d.host.polyscene"\n  bytes: 20\n}\n'


class SameBytesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.trees = [pathlib.Path(folder.name) / name for name in ("before", "after")]
        for tree in self.trees:
            (tree / "run/models/step-4").mkdir(parents=True)
            (tree / "printed").mkdir()

    def write(self, path, before, after):
        for tree, text in zip(self.trees, (before, after)):
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)

    def compared(self):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            differ = same_bytes.compare(*self.trees)
        return differ, said.getvalue()

    def assert_differs(self, *texts):
        differ, said = self.compared()
        self.assertEqual(differ, 1, said)
        for text in texts:
            self.assertIn(text, said)

    def test_times_and_logs_may_differ(self):
        lines = [json.dumps({"kind": "train", "loss": 0.5, "samples_per_s": speed}) for speed in (10.5, 11)]
        self.write("run/metrics.jsonl", *lines)
        self.write("run/lock", "process 1", "process 2")
        self.write("run/events/events.out", "1", "2")
        self.write("run/checkpoints/step-4/manifest.pbtxt", MANIFEST % ("12ab", 17), MANIFEST % ("34cd", 18))
        self.write("printed/000-train.txt", "step 4/8  5.0k samples/s  loss 0.5  ETA 0:01\nsaved, 0.1 s in all\n",
                   "step 4/8  871 samples/s  loss 0.5  ETA 1:10:07\nsaved, 12 s in all\n")
        self.assertEqual(self.compared(), (0, "same    printed (1 file)\nsame    run/checkpoints (1 file)\n"
                                              "same    run/metrics.jsonl (1 file)\n"))

    def test_a_tensor_is_named_with_its_greatest_difference(self):
        values = np.arange(6, dtype=np.float32)
        for tree, last in zip(self.trees, (5, 5.25)):
            values[-1] = last
            save_file({"head/0/b": values[:2], "head/0/w": values}, tree / "run/models/step-4/dense.safetensors")
        self.assert_differs("DIFFERS run/models (1 file)\n    1 differ, first run/models/step-4/dense.safetensors: ",
                            "head/0/w: greatest difference 0.25\n")

    def test_the_sign_of_zero_is_a_difference(self):
        for tree, zero in zip(self.trees, (0.0, -0.0)):
            save_file({"w": np.array([zero])}, tree / "run/models/step-4/dense.safetensors")
        self.assert_differs("w: greatest difference 0\n")

    def test_a_column_is_named(self):
        for tree, logit in zip(self.trees, (0.5, 0.75)):
            table = pa.table({"group_user": ["ann", None], "row_key": [1, 2], "logit": [1.0, logit]})
            pq.write_table(table, tree / "run/predicted.parquet")
        self.assert_differs("first run/predicted.parquet: logit: greatest difference 0.25\n")

    def test_a_text_is_named_by_its_row(self):
        for tree, user in zip(self.trees, ("bob", None)):
            pq.write_table(pa.table({"group_user": ["ann", user]}), tree / "run/predicted.parquet")
        self.assert_differs("first run/predicted.parquet: group_user: row 1\n")

    def test_a_line_is_shown(self):
        self.write("printed/000-train.txt", "step 1/8  loss 0.50  ETA 0:01\n", "step 1/8  loss 0.51  ETA 0:02\n")
        self.assert_differs("line 1:\n      before step 1/8  loss 0.50  ETA T\n      after  step 1/8  loss 0.51  ETA T\n")

    def test_three_more_files_are_named(self):
        for number in range(5):
            self.write(f"printed/{number:03}-train.txt", "before\n", "after\n")
        self.assert_differs("    5 differ, first printed/000-train.txt: line 1:\n",
                            "    then printed/001-train.txt\n    then printed/002-train.txt\n    then printed/003-train.txt\n")
        self.assertNotIn("004-train", self.compared()[1])

    def test_a_file_or_link_that_is_missing_or_another(self):
        (self.trees[0] / "run/model").symlink_to("models/step-4")
        self.assert_differs("DIFFERS run/model (1 file)\n", "first run/model: only before\n")
        (self.trees[1] / "run/model").symlink_to("models/step-8")
        self.assert_differs("first run/model: link to models/step-4 and models/step-8\n")

    def test_what_is_no_program_is_refused(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as refused:
            same_bytes.parse([str(self.trees[0]), sys.executable])
        self.assertEqual(refused.exception.code, 2)
        self.assertIn(f"wanted a program or a build folder with bin/polyscene, got {self.trees[0]}", said.getvalue())


if __name__ == "__main__":
    unittest.main()
