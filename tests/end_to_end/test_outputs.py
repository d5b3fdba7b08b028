"""Where a command writes: never over what it reads, and pipes, devices and links stay what they are."""

import os
import pathlib
import shutil
import stat
import subprocess
import unittest

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.end_to_end.support import ProgramTest, limit_file_size, planted_table, write_split

USAGE, DATA = 2, 3


class OutputsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.run_folder, self.export = self.folder / "run", self.folder / "export"
        self.input = self.data / "test/part-00000.parquet"
        self.train("run", "--set", "train.max_steps=4", "--set", "train.checkpoint.every_steps=2")
        self.assert_ok(self.run_program("export", "--run", self.run_folder, "--output", self.export))

    def assert_ok(self, result):
        self.assertEqual(result.code, 0, result.text)
        return result

    def predict(self, output, *arguments, **options):
        return self.run_program("predict", "--run", self.run_folder, "--output", output, *arguments, **options)

    def score(self, output, **options):
        return self.run_program("score", "--model", self.export, "--input", self.input, "--output", output, **options)

    def everything(self):
        """Bytes of all files, so that none was touched and none is left."""
        return {str(f): f.read_bytes() for f in self.folder.rglob("*") if f.is_file() and f.name != "lock"}

    def test_over_what_is_read(self):
        link, hard = self.folder / "link.parquet", self.folder / "hard.parquet"
        link.symlink_to(self.input)
        os.link(self.input, hard)
        model = (self.run_folder / "model/dense.safetensors").resolve()
        before = self.everything()
        for command in (self.predict, self.score):
            for output in (self.input, link, hard):
                self.assert_fails(command(output), USAGE, f"[output] wanted a place of its own for --output, got {output}, "
                                  f"which is the file {self.input}, which is read; nothing was written, choose another")
            self.assert_fails(command(model), USAGE, f"which is in the model {model.parent}")
            self.assert_fails(command(self.export / "1/config.pbtxt"), USAGE, f"which is in the model {self.export}/1")
            self.assert_fails(command(self.run_folder / "config.pbtxt"), USAGE, f"which is a part of the run {self.run_folder}")
            self.assert_fails(command(self.folder), USAGE, "which is a folder; name a file in it")
        self.assert_fails(self.predict(self.data / "train/part-00001.parquet"), USAGE, "which is read")  # of another split
        self.assert_fails(self.predict(self.input, ranks=2), USAGE, "which is read")
        self.assertEqual(self.everything(), before)

    def test_folders_that_are_taken(self):
        before = self.everything()
        step = next(self.run_folder.glob("checkpoints/step-*"))
        for place, words in ((self.run_folder, "the folder of a run"), (self.run_folder / "export", f"in {self.run_folder}, "),
                             (step, f"in {self.run_folder}, which is read"), (self.export / "1", f"in the model {self.export}/1"),
                             (self.data / "test", f"the folder of {self.input}, which is read")):
            result = self.run_program("export", "--run", self.run_folder, "--output", place)
            self.assert_fails(result, USAGE, f"got {place}, which is {words}", "nothing was written")
        for place in (self.run_folder / "rejects", self.run_folder / "checkpoints/new", self.export / "1/new"):
            self.assert_fails(self.run_program("train", "--config", self.config, "--output", place), USAGE, f"got {place}, which is")
            self.assert_fails(self.run_program("checkpoint", "convert", self.run_folder, "--output", place), USAGE, f"got {place}, ")
        result = self.run_program("evaluate", "--run", self.run_folder, "--rejects", self.run_folder / "rejects")
        self.assert_fails(result, USAGE, "for --rejects, got", f"a part of the run {self.run_folder}")
        (self.folder / "mine").mkdir()
        (self.folder / "mine/test-rank3.jsonl").write_text('{"precious": 1}\n')
        before = self.everything()
        result = self.run_program("evaluate", "--run", self.run_folder, "--rejects", self.folder / "mine")
        self.assert_fails(result, USAGE, "mine/test-rank3.jsonl, which exists and is not such a list")
        self.assertEqual(self.everything(), before)

    def test_pipes_links_and_devices(self):
        whole = self.folder / "whole.parquet"
        self.assert_ok(self.predict(whole))
        with self.subTest("standard output, whose words go beside it"):
            done = subprocess.run([self.program, "predict", "--run", self.run_folder, "--output", "/dev/stdout"],
                                  capture_output=True, timeout=100)
            self.assertEqual((done.returncode, done.stdout), (0, whole.read_bytes()))
            self.assertIn(b"400 rows written to /dev/stdout", done.stderr)
        with self.subTest("standard output in a file"):
            with open(self.folder / "caught.parquet", "wb") as caught:
                subprocess.run([self.program, "predict", "--run", self.run_folder, "--output", "/dev/stdout"], stdout=caught,
                               stderr=subprocess.DEVNULL, check=True, timeout=100)
            self.assertEqual((self.folder / "caught.parquet").read_bytes(), whole.read_bytes())
        with self.subTest("a named pipe"):
            pipe = self.folder / "pipe"
            os.mkfifo(pipe)
            with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
                self.assert_ok(self.predict(pipe))
                self.assertEqual(reader.stdout.read(), whole.read_bytes())
            self.assertTrue(stat.S_ISFIFO(os.lstat(pipe).st_mode))
        with self.subTest("a link"):
            (self.folder / "far").mkdir()
            link = self.folder / "link"
            link.symlink_to("far/target")
            for _ in ("where nothing is yet", "over a file"):
                self.assert_ok(self.predict(link))
                self.assertTrue(link.is_symlink())
                self.assertEqual((self.folder / "far/target").read_bytes(), whole.read_bytes())
            self.assertEqual([f.name for f in (self.folder / "far").iterdir()], ["target"])
        with self.subTest("a device"):
            device = self.folder / "null"
            try:
                os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
                open(device, "wb").close()
            except PermissionError:  # then the system's own is safe
                device = pathlib.Path("/dev/null")
            self.assert_ok(self.score(device))
            self.assertTrue(stat.S_ISCHR(os.lstat(device).st_mode))

    def test_a_failure_leaves_what_was_there(self):
        output = self.folder / "predictions.parquet"
        output.write_bytes(b"precious")
        result = self.predict(output, preexec_fn=limit_file_size(1000))
        self.assert_fails(result, DATA, f"cannot write predictions to {output}: File too large; files of this size are forbidden here: raise ulimit -f")
        self.assertEqual(output.read_bytes(), b"precious")
        self.assertFalse(pathlib.Path(f"{output}.partial").exists())
        config = (self.run_folder / "config.pbtxt").read_bytes()
        result = self.run_program("train", "--resume", self.run_folder, "--set", "train.max_steps=9", preexec_fn=limit_file_size(300))
        self.assert_fails(result, DATA, f"bytes to {self.run_folder}/config.pbtxt: File too large; files of this size are forbidden here: raise ulimit -f")
        self.assertEqual((self.run_folder / "config.pbtxt").read_bytes(), config)

    def test_no_rejects_of_a_clean_pass_and_not_too_many(self):
        self.assertEqual(list((self.run_folder / "rejects").iterdir()), [])
        for command, more in (("evaluate", []), ("predict", ["--output", self.folder / "p.parquet"])):
            self.assert_ok(self.run_program(command, "--run", self.run_folder, "--rejects", self.folder / "none", *more))
            self.assertEqual(list((self.folder / "none").iterdir()), [])
        table = planted_table(10020, 5)
        prices = table.column("price").to_numpy().copy()
        prices[:10013] = np.nan
        shutil.rmtree(self.data / "test")
        write_split(self.data, "test", [table.set_column(table.column_names.index("price"), "price", pa.array(prices))])
        result = self.run_program("evaluate", "--run", self.run_folder, "--rejects", self.folder / "many", "--set",
                                  "data.max_bad_share=1")
        self.assertEqual(result.code, 0, result.text)
        self.assertIn(f"split test: 10013 of 10020 records read were bad and left out, see {self.folder}/many (which lists 10000 "
                      "of them)", result.out)
        lines = (self.folder / "many/test-rank0.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), 10001)
        self.assertEqual(lines[-1], '{"left_out": 13, "reason": "a rank lists at most 10000 rows"}')


if __name__ == "__main__":
    unittest.main()
