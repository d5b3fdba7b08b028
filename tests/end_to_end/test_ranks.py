"""The number of ranks changes speed, not results; a rank that goes down takes the job with it, and says so."""

import itertools
import os
import re
import signal
import subprocess
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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
                                      "train.max_steps=30", *arguments, ranks=ranks)
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
        self.assertEqual(len(losses), 30)
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
            self.assert_fails(result, 2, "wanted at most 4 ranks, the number of train.virtual_ranks, got 5; start fewer, or "
                              "raise train.virtual_ranks")

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

    def test_one_file_on_four_ranks(self):
        result = self.train("run", "--local-ranks", 4, "--set", "data.train_files=train/part-00000.parquet", "--set",
                            "train.min_tail_share=0")
        self.assertIn("1500 samples", result.out)
        self.assertEqual(self.evaluate("run", "test", "--local-ranks", 4)["rows"], 400)

    def test_a_split_without_any_behaviour(self):
        for split in ("train", "valid", "test"):
            table = planted_table(300, 1)
            empty = pa.array([[]] * 300, pa.list_(pa.int64()))
            for name in ("history_item", "history_scene"):
                table = table.set_column(table.column_names.index(name), name, empty)
            write_split(self.data, split, [table])
        (self.data / "train/part-00001.parquet").unlink()
        self.train("run", "--local-ranks", 2, "--set", "train.epochs=4")
        losses = self.losses("run")
        self.assertLess(np.mean(losses[-4:]), np.mean(losses[:4]))
        self.assertGreater(self.evaluate("run", "test", "--local-ranks", 2)["auc"], 0.6)

    def start_endless(self, name, *arguments, ranks=0, until="step 5/"):
        """A run that ends by no means but what the test does, as it says a line that begins with `until`."""
        mpirun = [MPIEXEC, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", str(ranks)] if ranks else []
        job = subprocess.Popen([*mpirun, BINARY, "train", "--config", self.config, "--output", self.folder / name, "--set",
                                "train.epochs=100000", "--threads", "1", *(["--deadline", "20"] if "--deadline" not in arguments else []), *arguments],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in job.stdout:
            if line.startswith(until):
                return job
        self.fail(f"it ended by itself with {job.wait()}")

    def test_signals_end_all_ranks_and_save(self):
        for name, arguments, ranks, stop in (("local", ["--local-ranks", "2"], 0, signal.SIGTERM),
                                             ("passed-on-by-mpirun", [], 2, signal.SIGUSR1)):
            with self.subTest(name):
                job = self.start_endless(name, *arguments, ranks=ranks)
                job.send_signal(stop)
                rest = job.communicate(timeout=60)[0]
                self.assertEqual(job.returncode, 0, rest)
                self.assertIn("stopped by a signal", rest)
                self.assertGreater(self.evaluate(name, "test")["auc"], 0)

    def test_sigterm_to_mpirun_leaves_the_best_model_so_far(self):
        job = self.start_endless("run", ranks=2, until="step 76  valid AUC")
        job.send_signal(signal.SIGTERM)
        rest = job.communicate(timeout=60)[0]
        self.assertNotEqual(job.returncode, 0, rest)  # mpirun's own
        evaluations = [entry["metrics"]["auc"] for entry in self.logged("run", "evaluation")]
        # With luck the ranks also had the time to save the last step beside it.
        found = self.evaluate("run", "valid", "--best")["auc"]
        self.assertLess(min(abs(found - auc) for auc in itertools.accumulate(evaluations, max)), 1e-4)

    def test_a_killed_rank_ends_the_job(self):
        job = self.start_endless("run", ranks=2)
        ranks = subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True, text=True).stdout.split()
        self.assertEqual(len(ranks), 2)
        start = time.monotonic()
        os.kill(int(ranks[1]), signal.SIGKILL)
        rest = job.communicate(timeout=60)[0]
        self.assertNotEqual(job.returncode, 0)
        self.assertLess(time.monotonic() - start, 25)
        self.assertIn("rank 1", rest)

    def test_a_deadline_that_passes_names_its_option(self):
        job = self.start_endless("run", "--deadline", "1", ranks=2)
        ranks = subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True, text=True).stdout.split()
        self.assertEqual(len(ranks), 2)
        os.kill(int(ranks[1]), signal.SIGSTOP)
        rest = job.communicate(timeout=60)[0]  # mpirun kills the stopped one
        self.assertNotEqual(job.returncode, 0)
        self.assertRegex(rest, r"polyscene: \[dist\.\w+\] rank 0 of 2 waited 1\.0 s for rank 1; look at what they were doing, or "
                               r"raise --deadline if they are only slow")

    def test_a_failing_rank_is_named_and_ends_the_others(self):
        # A damaged page, which the rank that reads it meets alone; footers are whole.
        bad = self.data / "train/part-00001.parquet"
        at = pq.ParquetFile(bad).metadata.row_group(4).column(0).dictionary_page_offset
        whole = bad.read_bytes()
        bad.write_bytes(whole[:at] + b"\xff" * 40 + whole[at + 40:])
        result = self.run_program("train", "--config", self.config, "--output", self.folder / "run", "--threads", 1,
                                  "--deadline", 30, ranks=2)
        self.assertEqual(result.code, 3, result.text)
        error = f'[data] cannot read row group 4 of "{bad}": '
        self.assertEqual(result.text.count(f"polyscene: {error}"), 1, result.text)
        if re.search(re.escape(error) + r"(?s:.*) \(rank 1 on \S+\)", result.text):
            self.assertIn(f"rank 0 of 2 stopped because rank 1 of the world failed: {error}", result.text)
        else:
            self.assertEqual(result.text.count("polyscene: "), 1, result.text)  # rank 0 says it for both

    def test_damage_names_files_and_processes_that_were_started(self):
        self.train("run", "--set", "train.virtual_ranks=4")
        model = self.folder / "run" / os.readlink(self.folder / "run/model")
        damaged = [next((model / "tables").glob(f"{table}-{rank:05}-of-00004*")) for table, rank in (("item", 3), ("user", 1))]
        for file in damaged:
            file.write_bytes(file.read_bytes()[:-1])
        lines = sorted(f"  {file} has {file.stat().st_size} bytes, wanted {file.stat().st_size + 1}" for file in damaged)
        for ranks, place in ((0, ""), (2, r" \(rank [01] on host \S+\)")):
            with self.subTest(ranks=ranks):
                result = self.run_program("evaluate", "--run", self.folder / "run", "--deadline", 30, ranks=ranks)
                self.assert_fails(result, 3, f"polyscene: [checkpoint] {model} is damaged:\n")
                said = sorted(line for line in result.err.splitlines() if line.startswith(f"  {model}"))
                self.assertRegex("\n".join(said), "^" + "\n".join(re.escape(line) + place for line in lines) + "$")
                self.assertEqual(result.text.count("polyscene: "), 1, result.text)
                if not ranks:
                    self.assertNotIn("rank", result.text.replace(str(self.folder), ""))

    def test_a_loss_that_is_not_finite_names_processes_that_were_started(self):
        diverges = ["--set", "train.virtual_ranks=4", "--set", "train.optimizer.learning_rate=1e30", "--set",
                    "train.optimizer.kind=SGD"]
        self.assertIn(" is not finite; the loss is not finite; try ", self.train("alone", *diverges, expect=1).err)
        self.assertRegex(self.train("two", *diverges, ranks=2, expect=1).err,
                         r" is not finite; the loss is not finite on rank (0|1|0, 1); try ")
        debug = ["--set", "train.debug_finite=true"]
        self.assertRegex(self.train("alone", *diverges, *debug, "--overwrite", expect=1).err, r"\[ops\.executor\] output ")
        self.assertRegex(self.train("two", *diverges, *debug, "--overwrite", ranks=2, expect=1).err,
                         r"\[ops\.executor\] rank [01]: output ")

    def test_an_error_that_all_ranks_meet_is_printed_once(self):
        mistakes = (["--set", "train.lr=1"], ["--set", "data.train_files=nothing/*"], ["--set", "data.label[click].column=clik"],
                    ["--confg", "x"])
        for mistake in mistakes:
            with self.subTest(mistake):
                result = self.run_program("train", "--config", self.config, "--output", self.folder / "run", *mistake, ranks=3)
                self.assertIn(result.code, (2, 3), result.text)
                self.assertEqual(result.text.count("polyscene: "), 1, result.text)

    def test_an_error_of_one_rank_is_heard(self):
        (self.folder / "others.pbtxt").write_text(self.config.read_text())
        for rank in (1, 0):
            with self.subTest(rank):
                # On the host of that rank the file is not there, or another one.
                choose = f'test $OMPI_COMM_WORLD_RANK = {rank} && config=missing.pbtxt || config=others.pbtxt'
                done = subprocess.run(
                    [MPIEXEC, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", "2", "sh", "-c",
                     f'{choose}; exec {BINARY} train --config {self.folder}/$config --output {self.folder}/run --threads 1'],
                    capture_output=True, text=True, timeout=120)
                self.assertEqual(done.returncode, 2, done.stderr)
                said = [line for line in done.stderr.splitlines() if "polyscene: [config]" in line]
                self.assertEqual(len(said), 1, done.stderr)
                self.assertRegex(said[0], r"cannot read .*missing\.pbtxt: No such file or directory" +
                                 (r".* \(rank 1 on \S+\)$" if rank else ""))
                if rank == 1:
                    self.assertIn("rank 0 of 2 stopped because rank 1 of the world failed: [config] ", done.stderr)
                else:
                    self.assertEqual(done.stderr.count("polyscene: "), 1, done.stderr)

    def test_a_log_has_lines_under_mpirun_too(self):
        log = self.folder / "log"
        with open(log, "w") as file:
            subprocess.run([MPIEXEC, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", "2", BINARY, "train",
                            "--config", self.config, "--output", self.folder / "run", "--threads", "1"], stdout=file, stderr=file,
                           timeout=120, check=True)
        text = log.read_bytes().decode()
        self.assertNotRegex(text, r"\r(?!\n)")  # Open MPI's terminal may end lines with both
        self.assertEqual(len(re.findall(r"(?m)^step \d+/38  .* samples/s", text)), 38)

    def test_local_ranks_under_mpirun_are_refused(self):
        result = self.run_program("train", "--config", self.config, "--output", self.folder / "run", "--local-ranks", 2,
                                  ranks=2)
        self.assert_fails(result, 2, "--local-ranks 2", "use one or the other")
