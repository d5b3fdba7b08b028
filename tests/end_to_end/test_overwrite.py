"""train --overwrite: the earlier run is there, whole, until the new one has saved a model."""

import signal
import subprocess
import unittest

import pyarrow as pa

from tests.end_to_end.support import ProgramTest, planted_table, write_split

OTHER, USAGE, DATA = 1, 2, 3


class OverwriteTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.run_folder = self.folder / "run"
        self.train("run", "--set", "train.max_steps=4", "--set", "train.checkpoint.every_steps=2")
        self.before = self.contents()

    def contents(self):
        return {str(f.relative_to(self.run_folder)): f.read_bytes()
                for f in self.run_folder.rglob("*") if f.is_file() and f.name != "lock"}

    def overwrite(self, *arguments, expect=0, **options):
        return self.train("run", "--overwrite", *arguments, expect=expect, **options)

    def assert_kept(self):
        self.assertEqual(self.contents(), self.before)
        self.assertEqual([f.name for f in self.run_folder.iterdir() if f.name.startswith(".")], [])

    def test_mistakes_that_are_seen_before_the_first_step(self):
        table = planted_table(300, 7)
        write_split(self.folder / "float", "train", [table.set_column(1, "user", table.column("user").cast(pa.float64()))])
        write_split(self.folder / "empty", "valid", [table.slice(0, 0)])
        for settings, code, words in (
                (["--set", 'train.warm_start={from: "typo"}'], USAGE, "typo"),
                (["--set", "data.feature[user].categorical.column=usr"], DATA, "usr"),
                (["--set", f"data.root={self.folder}/nowhere"], DATA, "nowhere"),
                (["--set", "data.valid_files=nothing.parquet"], DATA, "nothing.parquet"),
                (["--set", f"data.valid_files={self.folder}/empty/valid/*.parquet"], DATA, "valid"),
                (["--set", "data.lanes=2", "--local-ranks", 3], USAGE, "lanes"),
                (["--set", "data.lanes=2", "--set", "train.virtual_ranks=3"], USAGE, "lanes"),
                (["--set", "train.batch_size=16777216", "--set", "train.min_tail_share=0.5"], DATA, "batch"),
                (["--set", f'train.warm_start={{from: "{self.run_folder}"}}', "--set", "embedding.dim=4"], USAGE, "shape")):
            with self.subTest(settings):
                self.assertIn(words, self.overwrite(*settings, expect=code).text)
                self.assert_kept()
        write_split(self.run_folder / "model", "data", [table])
        self.before = self.contents()
        result = self.overwrite("--set", f"data.train_files={self.run_folder}/model/data/*.parquet", expect=USAGE)
        self.assertIn("wanted data.train_files outside the run that --overwrite replaces", result.text)
        self.assert_kept()

    def test_a_failure_in_the_first_epoch(self):
        for ranks in ([], ["--local-ranks", 2], ["--set", "train.virtual_ranks=2"]):
            with self.subTest(ranks):
                result = self.overwrite(*ranks, "--set", "train.optimizer.learning_rate=1e30", expect=OTHER)
                self.assertIn("is not finite", result.text)
                self.assertIn(f"the run that --overwrite was to replace is back in {self.run_folder}", result.text)
                self.assert_kept()
        result = self.run_program("train", "--config", self.config, "--output", self.run_folder, "--overwrite", "--set",
                                  "train.optimizer.learning_rate=1e30", ranks=2)
        self.assert_fails(result, OTHER, "is not finite")
        self.train("run", expect=USAGE)  # puts back what MPI left no time for
        self.assert_kept()

    def test_the_old_run_goes_with_the_first_model(self):
        before = self.model_bytes("run")
        result = self.overwrite("--set", f'train.warm_start={{from: "{self.run_folder}"}}', "--set", "train.max_steps=6")
        self.assertIn("warm start from", result.out)
        self.assertEqual([f.name for f in self.run_folder.iterdir() if f.name.startswith(".")], [])
        self.assertNotEqual(self.model_bytes("run")["dense.safetensors"], before["dense.safetensors"])
        self.assertEqual(self.logged("run", "train")[-1]["step"], 6)
        self.assertFalse((self.run_folder / "checkpoints").exists())

    def killed(self, *settings, until):
        """A job that overwrites, killed once it has written the line of step `until`."""
        command = [self.program, "train", "--config", self.config, "--output", self.run_folder, "--overwrite", "--threads", 1,
                   "--set", "train.epochs=1000", "--set", "train.eval_every=1000000", *settings]
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith(f"step {until}/"):
                    break
            process.send_signal(signal.SIGKILL)
            process.stdout.read()

    def test_killed_before_the_first_model(self):
        back = "[run] the run that --overwrite was to replace is back in "
        self.killed(until=3)
        self.assert_fails(self.run_program("evaluate", "--run", self.run_folder), USAGE, "holds no model/dense.safetensors; the run "
                          f"that it replaces is in {self.run_folder}/.replaced")
        self.evaluate("run/.replaced")
        self.assertIn(back, self.train("run", expect=USAGE).err)
        self.assert_kept()
        self.killed(until=3)
        result = self.run_program("train", "--resume", self.run_folder, "--set", "train.max_steps=6", "--threads", 1)
        self.assertEqual(result.code, 0, result.text)
        self.assertIn(back, result.err)
        self.assertIn("resumed from step 4", result.out)  # of the run that was there before
        self.assertEqual(self.logged("run", "train")[-1]["step"], 6)

    def test_killed_behind_a_checkpoint_of_the_new_run(self):
        self.killed("--set", "train.checkpoint.every_steps=3", "--set", "train.batch_size=32", until=9)
        old = {name: data for name, data in self.contents().items() if name.startswith(".replaced/")}
        self.assertEqual({name.removeprefix(".replaced/"): data for name, data in old.items()}, self.before)
        result = self.run_program("train", "--resume", self.run_folder, "--set", "train.max_steps=12", "--threads", 1)
        self.assertEqual(result.code, 0, result.text)
        self.assertIn(f"the run that --overwrite was to replace is complete in {self.run_folder}/.replaced until", result.err)
        self.assertFalse((self.run_folder / ".replaced").exists())
        self.assertEqual(self.logged("run", "train")[-1]["step"], 12)


if __name__ == "__main__":
    unittest.main()
