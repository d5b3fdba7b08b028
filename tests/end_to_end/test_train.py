"""Train, evaluate, predict: what a user gets."""

import os
import pty
import shutil
import signal
import subprocess
import time

import numpy as np
import pyarrow.parquet as pq
from safetensors.numpy import load_file

from tests.end_to_end.support import BINARY, DEMO, ProgramTest


def auc(labels, scores):
    """Pairs in the right order, ties half: the definition, not an algorithm."""
    positive, negative = scores[labels == 1], scores[labels == 0]
    difference = positive[:, None] - negative[None, :]
    return ((difference > 0).sum() + 0.5 * (difference == 0).sum()) / difference.size


class TrainTest(ProgramTest):
    def test_learns_evaluates_and_predicts(self):
        result = self.train("run", "--set", "train.epochs=6", "--set", "train.log_every=10")
        for text in ("samples/s", "\nrepeated ids are looked up once: ", "model    ", "metrics  ", "events   ", "next:    polyscene evaluate"):
            self.assertIn(text, result.out)
        metrics = self.evaluate("run", "test")
        self.assertGreater(metrics["auc"], 0.7)
        self.assertEqual(metrics["rows"], 400)

        table = self.run_program("evaluate", "--run", self.folder / "run", "--split", "test")
        for text in ("S-GAUC", "GAUC(user)", "GAUC(user x scenario)"):
            self.assertIn(text, table.out)

        output = self.folder / "predictions.parquet"
        done = self.run_program("predict", "--run", self.folder / "run", "--split", "test", "--output", output)
        self.assertEqual(done.code, 0, done.text)
        rows = pq.read_table(output).to_pydict()
        self.assertEqual(list(rows), ["row_key", "scenario", "group_user", "label_click", "logit", "probability"])
        self.assertEqual(sorted(rows["row_key"]), list(range(20000, 20400)))
        logits, labels = np.array(rows["logit"]), np.array(rows["label_click"])
        np.testing.assert_allclose(rows["probability"], 1 / (1 + np.exp(-logits)), rtol=1e-5)
        self.assertAlmostEqual(auc(labels, logits), metrics["auc"], places=12)
        loss = np.mean(np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - labels * logits)
        self.assertAlmostEqual(loss, metrics["logloss"], places=6)
        scenes = np.array(rows["scenario"])
        for entry in metrics["scenarios"]:
            chosen = scenes == entry["scenario"]
            self.assertAlmostEqual(auc(labels[chosen], logits[chosen]), entry["auc"], places=12)

    def test_model_files_are_readable_safetensors(self):
        self.train("run", ranks=2)
        model = self.folder / "run/model"
        dense = load_file(model / "dense.safetensors")
        for block in ("sfpnet/stb0/", "sfpnet/stb1/"):
            for part in ("sam/w1", "sam/c1", "sam/w2", "sam/c2", "context/w", "context/c", "rtm/wb", "rtm/wh", "rtm/ch",
                         "rtm/wo", "rtm/co"):
                self.assertIn(block + part, dense)
        self.assertEqual(dense["head/0/w"].shape[1], 16)  # [in, out]
        self.assertEqual(dense["sfpnet/stb0/rtm/wb"].shape, (16, 32))
        self.assertTrue(all(np.isfinite(t).all() for t in dense.values()))
        self.assertGreater(np.abs(dense["sfpnet/stb0/rtm/wo"]).max(), 0, "starts at zero and is trained")
        items = [load_file(model / f"tables/item-{r:05d}-of-00002.safetensors") for r in range(2)]
        keys = np.concatenate([t["keys"] for t in items])
        self.assertEqual(sorted(keys), list(range(60)))
        for shard in items:
            self.assertEqual(shard["keys"].dtype, np.int64)
            self.assertEqual(shard["values"].dtype, np.float32)
            self.assertEqual(shard["values"].shape, (len(shard["keys"]), 8))
            self.assertEqual(len(np.unique(shard["keys"])), len(shard["keys"]))
        self.assertIn('name: "planted"', (model / "config.pbtxt").read_text())

    def test_every_model_trains(self):
        for model in ("lr {}", "mlp {}", "din {}", 'pepnet { personal: ["user", "item"] }'):
            with self.subTest(model):
                name = model.split()[0]
                text = self.config.read_text().replace("sfpnet { gate_hidden: 16 context_width: 8 }", model)
                if name == "lr":
                    text = text.replace("head: 16 head: 8 ", "")
                config = self.folder / f"{name}.pbtxt"
                config.write_text(text)
                result = self.run_program("train", "--config", config, "--output", self.folder / name, "--threads", 1,
                                          "--set", "train.epochs=4")
                self.assertEqual(result.code, 0, result.text)
                self.assertGreater(self.evaluate(name, "test")["auc"], 0.6)

    def test_one_scenario_alone(self):
        result = self.train("one", "--set", "data.only_scenarios=1", "--set", "train.batch_size=192")
        scenes = np.concatenate([pq.read_table(f)["scene"] for f in sorted(self.data.glob("train/*.parquet"))])
        self.assertIn(f"{(scenes != 1).sum()} rows of other scenarios than data.only_scenarios were skipped", result.out)
        self.assertIn(f", {(scenes == 1).sum()} samples, ", result.out)
        self.assertEqual([entry["scenario"] for entry in self.evaluate("one", "test")["scenarios"]], [1])

    def test_same_run_twice_is_bitwise_the_same(self):
        self.train("a", "--set", "train.epochs=2")
        self.train("b", "--set", "train.epochs=2")
        self.assertEqual(self.model_bytes("a"), self.model_bytes("b"))
        losses = [[entry["loss"] for entry in self.logged(name, "train")] for name in "ab"]
        self.assertEqual(losses[0], losses[1])
        self.train("other-seed", "--set", "seed=2")
        self.assertNotEqual(self.model_bytes("a"), self.model_bytes("other-seed"))

    def test_names_a_split_that_can_be_evaluated(self):
        shutil.rmtree(self.data / "test")
        self.assertIn(" --split valid\n", self.train("run", "--set", "train.max_steps=2").out)

    def test_a_table_too_small_for_its_batches_is_named(self):
        self.bound_users()
        result = self.train("run", expect=2)
        self.assertRegex(result.err, r'table "user" with max_rows 32: 3\d keys of one step want a bucket of 32 rows; .*raise max_rows')

    def test_threads_do_not_change_the_numbers(self):
        self.train("one")
        result = self.run_program("train", "--config", self.config, "--output", self.folder / "three", "--threads", 3)
        self.assertEqual(result.code, 0, result.text)
        losses = [[entry["loss"] for entry in self.logged(name, "train")] for name in ("one", "three")]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)

    def test_early_stop_goes_back_to_the_best(self):
        result = self.train("run", "--set", "train.epochs=30", "--set", "train.optimizer.learning_rate=0.02", "--set",
                            "train.early_stop.patience=2", "--set", "embedding.optimizer.learning_rate=0.02")
        self.assertIn("stopped early", result.out)
        evaluations = self.logged("run", "evaluation")
        best = max(entry["metrics"]["auc"] for entry in evaluations)
        self.assertLess(evaluations[-1]["metrics"]["auc"], best)
        self.assertAlmostEqual(self.evaluate("run", "valid")["auc"], best, places=12)

    def test_the_best_evaluation_is_kept_beside_the_last_step(self):
        # At these rates it overfits from the second epoch on.
        result = self.train("run", "--set", "train.epochs=6", "--set", "train.optimizer.learning_rate=0.02", "--set",
                            "embedding.optimizer.learning_rate=0.02", ranks=2)
        evaluations = self.logged("run", "evaluation")
        best = max(evaluations, key=lambda entry: entry["metrics"]["auc"])
        self.assertLess(best["step"], evaluations[-1]["step"])
        self.assertRegex(result.out, rf"at step {best['step']}, kept in {self.folder}/run/best_model")
        self.assertRegex(result.out, rf"model    {self.folder}/run/model \(saved \d+ times, [\d.]+ s in all\)")
        for arguments, entry in (([], evaluations[-1]), (["--best"], best)):
            self.assertAlmostEqual(self.evaluate("run", "valid", *arguments)["auc"], entry["metrics"]["auc"], places=12)
        output = self.folder / "predictions.parquet"
        done = self.run_program("predict", "--run", self.folder / "run", "--best", "--split", "valid", "--output", output)
        self.assertEqual(done.code, 0, done.text)
        rows = pq.read_table(output).to_pydict()
        self.assertAlmostEqual(auc(np.array(rows["label_click"]), np.array(rows["logit"])), best["metrics"]["auc"], places=12)

    def test_signal_ends_the_step_and_saves(self):
        for stop in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(stop):
                name = f"run-{stop.name}"
                job = subprocess.Popen([BINARY, "train", "--config", self.config, "--output", self.folder / name, "--set",
                                        "train.epochs=100000", "--threads", "1"], stdout=subprocess.PIPE, text=True)
                for line in job.stdout:
                    if line.startswith("step 5/"):
                        break
                job.send_signal(stop)
                rest = job.communicate(timeout=60)[0]
                self.assertEqual(job.returncode, 0)
                self.assertIn("stopped by a signal", rest)
                self.evaluate(name, "test")

    def test_terminal_shows_a_live_line(self):
        parent, child = pty.openpty()
        job = subprocess.Popen([BINARY, "train", "--config", self.config, "--output", self.folder / "run", "--threads",
                                "1"], stdout=child)
        os.close(child)
        text = b""
        try:
            while chunk := os.read(parent, 4096):
                text += chunk
        except OSError:  # the other side has closed
            pass
        self.assertEqual(job.wait(timeout=60), 0)
        os.close(parent)
        self.assertIn(b"\rstep ", text)
        for word in (b"epoch", b"samples/s", b"loss", b"ETA"):
            self.assertIn(word, text)

    def test_demo_trains_on_the_bundled_sample(self):
        start = time.monotonic()
        result = self.run_program("train", "--config", DEMO, "--output", self.folder / "demo", ranks=2, timeout=600)
        self.assertEqual(result.code, 0, result.text)
        metrics = self.evaluate("demo", "test")
        self.assertGreater(metrics["auc"], 0.6, f"after {time.monotonic() - start:.0f} s")
        self.assertGreater(len(metrics["scenarios"]), 4)
        events = list((self.folder / "demo/events").iterdir())
        self.assertEqual(len(events), 1)
        self.assertGreater(events[0].stat().st_size, 500)
