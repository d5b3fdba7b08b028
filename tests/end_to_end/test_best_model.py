"""The model that a summary names scores the value named beside it, whatever the run went through."""

import concurrent.futures
import re
import shutil
import signal
import subprocess
import unittest

from tests.end_to_end.support import ProgramTest, planted_table, write_split

EVALUATE_OFTEN = ["--set", "train.epochs=3", "--set", "train.eval_every=7", "--set", "train.checkpoint.every_steps=10",
                  "--set", "train.virtual_ranks=2"]
BEST = re.compile(r"(?m)^best (\S+) ([\d.]+) at step (\d+)(.*)$")


class BestModelTest(ProgramTest):
    def resume(self, path, *arguments, expect=0, **options):
        result = self.run_program("train", "--resume", self.folder / path, "--threads", 1, *arguments, **options)
        self.assertEqual(result.code, expect, result.text)
        return result

    def assert_best(self, name, result):
        """The best model scores what the summary says of it; the logs know no better."""
        metric, value, step, where = BEST.search(result.out).groups()
        key = {"AUC": "auc", "logloss": "logloss"}[metric]
        for options in ([], ["--best"]) if "the model is that" in where or not where else (["--best"],):
            self.assertEqual(f"{self.evaluate(name, 'valid', *options)[key]:.5f}", value, (options, result.out))
        logged = {e["step"]: e["metrics"][key] for e in self.logged(name, "evaluation")}
        self.assertEqual(f"{logged[int(step)]:.5f}", value)
        return int(step), logged

    def test_ended_and_resumed(self):
        whole = self.train("whole", *EVALUATE_OFTEN)
        step, logged = self.assert_best("whole", whole)
        self.assertEqual(logged[step], max(logged.values()))
        self.train("parts", *EVALUATE_OFTEN, "--set", "train.max_steps=50")
        for steps in (77, 84, 98):
            result = self.resume("parts", "--set", f"train.max_steps={steps}")
            _, logged = self.assert_best("parts", result)
            self.assertEqual(f"{max(logged.values()):.5f}", BEST.search(result.out)[2])
        result = self.resume("parts", "--set", "train.max_steps=0")
        self.assertEqual(BEST.search(result.out).groups()[:3], BEST.search(whole.out).groups()[:3])
        for link in ("model", "best_model"):
            for file in (self.folder / "whole" / link).rglob("*.safetensors"):
                other = self.folder / "parts" / link / file.relative_to(self.folder / "whole" / link)
                self.assertEqual(file.read_bytes(), other.read_bytes(), file)
        # Models: the last and the best one, and those that the two checkpoints name.
        self.assertLessEqual(len(list((self.folder / "parts/models").iterdir())), 4)

    def test_ended_by_a_signal_and_resumed(self):
        command = [self.program, "train", "--config", self.config, "--output", self.folder / "run", "--threads", "1",
                   *EVALUATE_OFTEN, "--set", "train.epochs=3000"]
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("step 120/"):
                    process.send_signal(signal.SIGUSR1)
                    break
            rest = process.stdout.read()
        self.assertEqual(process.returncode, 0)
        last = int(re.search(r"stopped by a signal after step (\d+)", rest)[1])
        self.assertIsNotNone(BEST.search(rest))
        self.assert_best("run", self.resume("run", "--set", f"train.max_steps={last + 20}"))

    def test_a_best_model_that_was_lost(self):
        self.train("run", *EVALUATE_OFTEN, "--set", "train.max_steps=80")
        (self.folder / "run/best_model").unlink()
        self.assert_best("run", self.resume("run", "--set", "train.max_steps=90"))
        shutil.rmtree(self.folder / "run/models")
        result = self.resume("run", "--set", "train.max_steps=100")
        self.assertIn("has no model in ", result.err)
        self.assert_best("run", result)

    def test_early_stop_switched_on_and_off(self):
        self.train("run", *EVALUATE_OFTEN, "--set", "train.max_steps=80")
        result = self.resume("run", "--set", "train.max_steps=90", "--set", "train.early_stop={patience: 9}")
        self.assertRegex(result.out, r"best AUC [\d.]+ at step \d+( \(the model is that of this step\))?\n")
        self.assert_best("run", result)
        self.assert_best("run", self.resume("run", "--set", "train.max_steps=100", "--set", "train.early_stop="))

    def test_a_run_that_stopped_early_has_nothing_left_to_do(self):
        often = ["--set", "train.epochs=20", "--set", "train.eval_every=5", "--set", "train.checkpoint.every_steps=5"]
        result = self.train("run", *often, "--set", "train.early_stop={patience: 3}")
        step = int(re.search(r"stopped early at step (\d+)", result.out)[1])
        before = self.model_bytes("run")
        for _ in range(2):
            again = self.resume("run")
            self.assertIn(f"nothing left to do: train.early_stop ended the run at step {step}, raise "
                          "train.early_stop.patience or leave train.early_stop out to continue, ", again.out)
            self.assertNotIn("samples/s", again.out)
            self.assertEqual(BEST.search(again.out).groups(), BEST.search(result.out).groups())
            self.assertEqual(self.model_bytes("run"), before)
        further = self.resume("run", "--set", "train.early_stop.patience=4")
        self.assertRegex(further.out, r"stopped early at step \d+, \d+ samples, [\d.]+ samples/s")

    def test_a_run_that_is_done_has_nothing_left_to_do(self):
        self.train("run", *EVALUATE_OFTEN, "--set", "train.epochs=1")
        before = self.model_bytes("run")
        result = self.resume("run")
        self.assertIn("nothing left to do: all 38 steps are done, raise train.epochs to continue, 2400 samples\n", result.out)
        self.assertEqual(self.model_bytes("run"), before)
        self.assertIn("nothing left to do: all 38 steps are done, raise train.max_steps to continue",
                      self.resume("run", "--set", "train.max_steps=38").out)

    def test_another_metric_and_other_validation_files(self):
        self.train("run", *EVALUATE_OFTEN, "--set", "train.max_steps=80")
        shutil.copytree(self.folder / "run", self.folder / "other", symlinks=True)
        result = self.resume("run", "--set", "train.max_steps=100", "--set", "train.early_stop={metric: LOGLOSS patience: 9}")
        self.assertRegex(result.err, r"the best evaluation so far, of step \d+, is by AUC, and train.early_stop.metric is LOGLOSS "
                                     r"now: .*; its model stays as \S+/run/earlier_best_model")
        step, _ = self.assert_best("run", result)
        self.assertGreater(step, 80)
        self.evaluate("run", "valid")
        write_split(self.data, "valid", [planted_table(500, 9, 10000)])
        result = self.resume("other", "--set", "train.max_steps=100")
        self.assertRegex(result.err, r"is of other validation files \(1 files, \d+ bytes, \w+; now 1 files, \d+ bytes, \w+\)")
        self.assertGreater(self.assert_best("other", result)[0], 80)

    def test_a_metric_that_is_not_defined(self):
        valid = planted_table(300, 3, 10000)
        column = valid.column_names.index("click")
        write_split(self.data, "valid", [valid.set_column(column, "click", [[0] * 300])])
        result = self.train("run", "--set", "train.epochs=2", "--set", "train.early_stop={}")
        self.assertIn("step 38  the validation split has no AUC (300 rows, 0 of them positive): this evaluation is not the best "
                      "one, and train.early_stop does not count it\n", result.out)
        self.assertIn("done: 76 steps", result.out)
        self.assertIsNone(BEST.search(result.out))

    def test_readers_see_one_model_or_the_next(self):
        """Evaluates and exports while every step saves another model."""
        command = [self.program, "train", "--config", self.config, "--output", self.folder / "run", "--threads", "1",
                   "--set", "train.epochs=100000", "--set", "train.early_stop={metric: LOGLOSS patience: 1000000}",
                   "--set", "train.eval_every=1", "--set", "embedding.optimizer.learning_rate=0.00002",
                   "--set", "train.optimizer.learning_rate=0.00002", "--set", "train.log_every=1000"]
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as training:
            for line in training.stdout:
                if " valid AUC " in line and (self.folder / "run/model").exists():  # the line comes before the model
                    break
            with concurrent.futures.ThreadPoolExecutor() as drain:
                drain.submit(training.stdout.read)
                got = [self.evaluate("run", "valid")["logloss"] for _ in range(12)]
                for _ in range(3):
                    result = self.run_program("export", "--run", self.folder / "run", "--output", self.folder / "exports")
                    self.assertEqual(result.code, 0, result.text)
                training.send_signal(signal.SIGUSR1)
        self.assertEqual(training.returncode, 0)
        saved = [e["metrics"]["logloss"] for e in self.logged("run", "evaluation")]
        for value in got:
            self.assertLess(min(abs(value - s) for s in saved), 1e-9)


if __name__ == "__main__":
    unittest.main()
