"""The number of ranks changes speed, not results; a rank that goes down takes the job with it, and says so."""

import os
import signal
import subprocess
import time

import numpy as np

from tests.end_to_end.support import BINARY, DEMO, MPIEXEC, ProgramTest, planted_table, write_split


class RanksTest(ProgramTest):
    def losses(self, name):
        return [entry["loss"] for entry in self.logged(name, "train")][:100]

    def test_losses_and_auc_do_not_depend_on_ranks(self):
        # The configured rates of the experiments. At several times that, Adam on these 2,400 rows amplifies the last bit
        # of a sum tenfold every few steps, whatever it comes from.
        rates = ["--set", "train.epochs=3", "--set", "train.optimizer.learning_rate=0.001", "--set",
                 "embedding.optimizer.learning_rate=0.001"]
        for ranks in (1, 2, 3, 4):
            self.train(f"local{ranks}", "--local-ranks", ranks, *rates)
        self.train("mpi2", *rates, ranks=2)
        self.train("mpi3", *rates, ranks=3)
        reference = self.losses("local1")
        self.assertEqual(len(reference), 100)
        reference_auc = self.evaluate("local1", "test")["auc"]
        for name in ("local2", "local3", "local4", "mpi2", "mpi3"):
            with self.subTest(name):
                np.testing.assert_allclose(self.losses(name), reference, rtol=1e-5)
                self.assertAlmostEqual(self.evaluate(name, "test")["auc"], reference_auc, delta=1e-4)
        self.assertEqual(self.model_bytes("local2"), self.model_bytes("mpi2"), "threads and processes compute the same")

    def test_virtual_ranks_make_the_run_bitwise_the_same(self):
        # At this rate SFPNet amplifies the last bit of a sum tenfold every few steps.
        def train(name, *arguments, ranks=0):
            result = self.run_program("train", "--config", DEMO, "--output", self.folder / name, "--set",
                                      "train.virtual_ranks=4", "--set", "train.log_every=1", "--set",
                                      "train.max_steps=60", *arguments, ranks=ranks)
            self.assertEqual(result.code, 0, result.text)
            return result.out

        self.assertIn("4 virtual ranks on 1 rank (local)", train("local1"))
        self.assertIn("4 virtual ranks on 2 ranks (local)", train("local2", "--local-ranks", 2))
        self.assertIn("4 virtual ranks on 3 ranks (mpi)", train("mpi3", ranks=3))
        train("local3", "--local-ranks", 3, "--threads", 4)
        train("mpi2", "--threads", 3, ranks=2)
        train("mpi4", ranks=4)
        losses, model = self.losses("local1"), self.model_bytes("local1")
        metrics = [entry["metrics"] for entry in self.logged("local1", "evaluation")]
        self.assertEqual(len(losses), 60)
        self.assertIn("tables/video_id-00003-of-00004.safetensors", model)
        for name in ("local2", "local3", "mpi2", "mpi3", "mpi4"):
            with self.subTest(name):
                self.assertEqual(self.losses(name), losses)
                self.assertEqual(self.model_bytes(name), model)
                self.assertEqual([entry["metrics"] for entry in self.logged(name, "evaluation")], metrics)

    def test_more_ranks_than_virtual_ones_are_refused(self):
        for arguments, ranks in ((["--local-ranks", 5], 0), ([], 5)):
            result = self.run_program("train", "--config", self.config, "--output", self.folder / "run", "--set",
                                      "train.virtual_ranks=4", *arguments, ranks=ranks)
            self.assert_fails(result, 2, "5 ranks were started to run the 4 of train.virtual_ranks; start at most 4, or "
                              "raise it")

    def test_evaluation_is_equal_at_any_rank_count(self):
        self.train("run", "--local-ranks", 2)
        results = [self.evaluate("run", "test", "--local-ranks", ranks) for ranks in (1, 2, 3, 4)]
        for other in results[1:]:
            self.assertAlmostEqual(other["auc"], results[0]["auc"], places=12)
            self.assertAlmostEqual(other["logloss"], results[0]["logloss"], places=6)

    def test_ranks_without_rows_are_welcome(self):
        write_split(self.data, "train", [planted_table(5, 1), planted_table(0, 1)])
        result = self.train("run", "--local-ranks", 4, "--set", "train.min_tail_share=0", "--set", "train.epochs=2")
        self.assertIn("10 samples", result.out)

    def test_a_killed_rank_ends_the_job(self):
        job = subprocess.Popen([MPIEXEC, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", "2", BINARY,
                                "train", "--config", self.config, "--output", self.folder / "run", "--set",
                                "train.epochs=100000", "--threads", "1", "--deadline", "20"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in job.stdout:
            if line.startswith("step 5/"):
                break
        ranks = subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True, text=True).stdout.split()
        self.assertEqual(len(ranks), 2)
        start = time.monotonic()
        os.kill(int(ranks[1]), signal.SIGKILL)
        rest = job.communicate(timeout=60)[0]
        self.assertNotEqual(job.returncode, 0)
        self.assertLess(time.monotonic() - start, 25)
        self.assertIn("rank 1", rest)

    def test_a_failing_rank_is_named_and_ends_the_others(self):
        # Only the rank that reads the bad file fails by itself.
        bad = self.data / "train/part-00001.parquet"
        bad.write_bytes(bad.read_bytes()[:2000])
        result = self.run_program("train", "--config", self.config, "--output", self.folder / "run", "--threads", 1,
                                  "--deadline", 30, ranks=2)
        self.assertNotEqual(result.code, 0)
        self.assertIn("part-00001.parquet", result.text)

    def test_local_ranks_under_mpirun_are_refused(self):
        result = self.run_program("train", "--config", self.config, "--output", self.folder / "run", "--local-ranks", 2,
                                  ranks=2)
        self.assert_fails(result, 2, "--local-ranks 2", "use one or the other")
