"""A job that is asked to end, or whose surroundings fail, loses nothing: signals, closed outputs, too few threads.

POLYSCENE_STOPS: how many jobs are stopped by a signal. POLYSCENE_TIMER_S: seconds of training, and of scoring, under a timer's signals.
"""

import ctypes
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np
import pyarrow.parquet as pq

from tests.end_to_end.support import MPIEXEC, ROOT, ProgramTest, Result
from tests.end_to_end.test_export import KINDS, Library

TIMER = os.environ.get("POLYSCENE_TIMER_SIGNAL", str(ROOT / "build/release/tests/end_to_end/libtimer_signal.so"))
FEW = os.environ.get("POLYSCENE_FEW_THREADS_LIBRARY", str(ROOT / "build/release/tests/end_to_end/libfew_threads.so"))
LONG = ["--set", "train.epochs=2000", "--set", "train.virtual_ranks=4", "--set", "train.checkpoint.every_steps=1000000"]
# Wide enough for the kernels of sgemm that a signal's handler must not meet.
WIDE = ["--set", "embedding.dim=32", "--set", "model.sfpnet.gate_hidden=128", "--set", "model.sfpnet.context_width=64"]
SECONDS = float(os.environ.get("POLYSCENE_TIMER_S", 3))
MPI = [MPIEXEC, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]


class StopTest(ProgramTest):
    def start(self, name, *arguments, before=(), stdout=subprocess.PIPE, **options):
        command = [*before, self.program, "train", "--config", self.config, "--output", self.folder / name, "--threads", 1,
                   *LONG, *arguments]
        return subprocess.Popen(list(map(str, command)), stdout=stdout, stderr=subprocess.STDOUT, text=True, **options)

    @staticmethod
    def read_until(process, start):
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith(start):
                break
        return "".join(said)

    @staticmethod
    def wait_until_taken(process, number):
        waiting = True
        while waiting:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            waiting = int(re.search(r"ShdPnd:\s*(\w+)", status)[1], 16) >> (number - 1) & 1

    def stopped(self, name, number, ranks, mpi, rng):
        """Starts a job, stops it at a random moment, and checks where it ended; returns the step."""
        before = [*MPI, "-np", ranks] if mpi else []
        local = ["--local-ranks", ranks] if ranks > 1 and not mpi else []
        with self.start(name, *WIDE, *local, before=before) as process:
            said = self.read_until(process, f"step {rng.randint(1, 30)}/")
            time.sleep(rng.uniform(0, 0.01))
            process.send_signal(number)
            said += process.stdout.read()
        self.assertEqual(process.returncode, 0, f"{number!r}, {ranks} ranks, mpirun: {mpi}\n{said}")
        found = re.search(r"stopped by a signal after step (\d+); the model is saved", said)
        self.assertIsNotNone(found, said)
        step = int(found[1])
        self.assertEqual([c.name for c in (self.folder / name / "checkpoints").iterdir()], [f"step-{step:010}"])
        return step

    def test_stopped_at_any_moment(self):
        """Exit 0 and the model of the step that is named, bit for bit that of a run which ends there."""
        rng = random.Random(int(os.environ.get("POLYSCENE_STOP_SEED", 1)))
        wanted = {}
        ways = [(signal.SIGUSR1, ranks, True) for ranks in (1, 2, 4)]
        ways += [(number, ranks, False) for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT) for ranks in (1, 2, 4)]
        rng.shuffle(ways)
        stops = int(os.environ.get("POLYSCENE_STOPS", 6))
        for i in range(stops):
            step = self.stopped("run", *ways[i % len(ways)], rng)
            if step not in wanted:
                self.train("whole", *LONG, *WIDE, "--set", f"train.max_steps={step}", "--set", "train.eval_every=1000000")
                wanted[step] = self.model_bytes("whole")
                shutil.rmtree(self.folder / "whole")
            self.assertEqual(self.model_bytes("run"), wanted[step], f"{ways[i % len(ways)]} at step {step}")
            shutil.rmtree(self.folder / "run")
        print(f"stopped {stops} times at {len(wanted)} steps", flush=True)

    def test_what_ends_training_and_what_ends_it_at_once(self):
        slow = ["--set", "train.batch_size=2400", "--set", "train.eval_every=1000000", "--set", "model.sfpnet.blocks=40"]
        for first, second, code in [(signal.SIGINT, signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, signal.SIGINT, -signal.SIGINT),
                                    (signal.SIGTERM, signal.SIGTERM, -signal.SIGTERM), (signal.SIGUSR1, signal.SIGUSR1, 0),
                                    (signal.SIGHUP, signal.SIGHUP, 0), (signal.SIGUSR2, signal.SIGUSR2, 0),
                                    (signal.SIGXCPU, signal.SIGXCPU, 0), (signal.SIGUSR1, signal.SIGTERM, 0)]:
            with self.subTest(first=first, second=second), self.start("run", *slow) as process:
                self.read_until(process, "step 1/")
                process.send_signal(first)
                self.wait_until_taken(process, first)  # two that wait are one
                process.send_signal(second)
                said = process.stdout.read()
            self.assertEqual(process.returncode, code, said)
            self.assertEqual("stopped by a signal after step" in said, code == 0, said)
            shutil.rmtree(self.folder / "run")

    def test_under_nohup_a_terminal_may_close(self):
        with self.start("run", "--set", "train.max_steps=60", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
            self.read_until(process, "step 1/")
            process.send_signal(signal.SIGHUP)
            said = process.stdout.read()
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("done: 60 steps", said)

    def test_a_reader_of_the_output_may_leave(self):
        with self.start("run", "--set", "train.max_steps=60") as process:
            process.stdout.readline()
            process.stdout.close()
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(self.logged("run", "train")), 60)
        # What others print is all that they do: they end as any program does.
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([self.program, "evaluate", "--run", self.folder / "run"], stdout=write, stderr=subprocess.PIPE, text=True)
        os.close(write)
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, ""))

    def test_other_commands_end_at_once(self):
        self.train("run", "--set", "train.max_steps=5")
        run = self.folder / "run"

        def asked_before_it_began(number):
            def ask():
                signal.pthread_sigmask(signal.SIG_BLOCK, [number])
                os.kill(os.getpid(), number)

            return ask

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            for command in (["evaluate", "--run", run], ["data", "inspect", "--config", self.config], ["checkpoint", "verify", run],
                            ["predict", "--run", run, "--output", self.folder / "p.parquet"],
                            ["export", "--run", run, "--output", self.folder / "e"], ["version"]):
                result = self.run_program(*command, preexec_fn=asked_before_it_began(number))
                self.assertEqual((result.code, result.text), (-number, ""), command)
            result = self.train("asked", *LONG, preexec_fn=asked_before_it_began(number))
            # The thread that takes signals may need a few steps to begin on a busy machine; all the steps are 76,000.
            self.assertRegex(result.out, r"stopped by a signal after step \d{1,2}; the model is saved")
            shutil.rmtree(self.folder / "asked")

    def test_a_program_that_is_started_takes_all_signals(self):
        self.train("run", "--set", "train.max_steps=5")
        check = self.folder / "check"
        check.write_text(f"#!/bin/sh\ngrep SigBlk /proc/self/status > {self.folder}/mask\n")
        check.chmod(0o755)
        result = self.run_program("export", "--run", self.folder / "run", "--output", self.folder / "e", "--format", "onnx",
                                  "--onnx-check", check)
        self.assertEqual(result.code, 0, result.text)
        self.assertEqual((self.folder / "mask").read_text().split(), ["SigBlk:", "0" * 16])

    def test_a_file_that_may_not_grow(self):
        def limit():
            import resource
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

        self.assert_fails(self.run_program("train", "--config", self.config, "--output", self.folder / "run", preexec_fn=limit),
                          3, "File too large")

    def test_scoring_in_a_program_that_takes_signals(self):
        """Python's handlers have no stack of their own, and come whenever the library computes."""
        self.train("run", *WIDE, "--set", "train.max_steps=5")
        self.assertEqual(self.run_program("export", "--run", self.folder / "run", "--output", self.folder / "served").code, 0)
        library = Library()
        columns = pq.read_table(self.data / "test/part-00000.parquet").to_pydict()
        columns = {name: (kind, columns[name]) for name, kind in KINDS.items()}
        hits = 0

        def hit(*_):
            nonlocal hits
            hits += 1

        before = signal.signal(signal.SIGALRM, hit)
        try:
            for threads in (1, 3):
                model = ctypes.c_void_p(library.call("polyscene_open", str(self.folder / "served").encode(), threads))
                wanted = library.score(model, columns, 400)
                signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
                until = time.monotonic() + SECONDS / 2
                while time.monotonic() < until:
                    np.testing.assert_array_equal(library.score(model, columns, 400), wanted)
                signal.setitimer(signal.ITIMER_REAL, 0)
                library.c.polyscene_close(model)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        self.assertGreater(hits, 100)

    def test_training_under_a_timers_signals(self):
        steps = [*WIDE, "--set", "train.batch_size=1200", "--set", "train.eval_every=1000000", "--set", "train.epochs=40"]
        timer = {**os.environ, "LD_PRELOAD": TIMER, "POLYSCENE_TIMER_HITS": str(self.folder / "hits")}
        until = time.monotonic() + SECONDS
        wanted = {}
        hits = 0
        while not wanted or time.monotonic() < until:
            for threads in (1, 3):
                command = ["train", "--config", self.config, *steps, "--threads", threads, "--output"]
                if threads not in wanted:
                    self.assertEqual(self.run_program(*command, self.folder / "plain").code, 0)
                    wanted[threads] = self.model_bytes("plain")
                    shutil.rmtree(self.folder / "plain")
                result = self.run_program(*command, self.folder / "run", env=timer)
                self.assertEqual(result.code, 0, result.text)
                hits += int((self.folder / "hits").read_text())
                self.assertEqual(self.model_bytes("run"), wanted[threads])
                shutil.rmtree(self.folder / "run")
        self.assertGreater(hits, 100)


class FewThreadsTest(ProgramTest):
    """However few threads the system gives, it is told and the exit code is 4; nothing hangs, nothing is aborted."""

    def until_it_works(self, limit, *command, ranks=0, most=60):
        for threads in range(most):
            shutil.rmtree(self.folder / "new", ignore_errors=True)
            env = {**os.environ, limit: str(threads)}
            if ranks == 0:
                result = self.run_program(*command, env={**env, "LD_PRELOAD": FEW})
            else:
                preloaded = ["env", f"LD_PRELOAD={FEW}", self.program, *map(str, command)]
                done = subprocess.run([*MPI, "-np", str(ranks), *preloaded], capture_output=True, text=True, timeout=300, env=env)
                result = Result(done.returncode, done.stdout, done.stderr)
            if result.code == 0:
                return threads
            self.assertEqual(result.code, 4, f"{threads} threads: {result.text}")
            self.assertRegex(result.text, r"polyscene: \[ops\.thread\] (wanted \d+ more threads?, the system gave \d+: "
                                          r"Resource temporarily unavailable; try fewer|other processes took the threads)",
                             f"{threads} threads")
        self.fail(f"{most} threads are not enough for {command}")

    def training(self, *arguments):
        return ["train", "--config", self.config, "--output", self.folder / "new", "--set", "train.max_steps=5", "--set",
                "train.checkpoint.every_steps=2", "--set", "data.threads=2", *arguments]

    def test_training(self):
        self.assertGreater(self.until_it_works("POLYSCENE_THREADS_AT_ONCE", *self.training("--threads", 3)), 4)
        self.assertGreater(self.until_it_works("POLYSCENE_THREADS_AT_ONCE", *self.training("--threads", 1, "--local-ranks", 2)), 5)
        self.assertGreater(self.until_it_works("POLYSCENE_THREADS_AT_ONCE", *self.training("--threads", 2), ranks=2), 5)

    def test_another_process_takes_them_first(self):
        """OpenMP's library finds fewer threads than there were, and ends the process."""
        self.assertGreater(self.until_it_works("POLYSCENE_THREADS_IN_ALL", *self.training("--threads", 3)), 8)

    def test_other_commands(self):
        self.train("run", "--set", "train.max_steps=5")
        for command in (["evaluate", "--run", self.folder / "run", "--threads", 2],
                        ["predict", "--run", self.folder / "run", "--output", self.folder / "p.parquet", "--threads", 2],
                        ["export", "--run", self.folder / "run", "--output", self.folder / "e"],
                        ["data", "inspect", "--config", self.config]):
            self.assertGreater(self.until_it_works("POLYSCENE_THREADS_AT_ONCE", *command), 0 if command[0] != "data" else -1)


if __name__ == "__main__":
    unittest.main()
