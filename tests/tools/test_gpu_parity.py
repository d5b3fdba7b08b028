"""Training under tools/gpu_check: of stand-ins that differ by plan, and of the program on emulated devices."""

import io
import os
import tempfile
import unittest
from unittest import mock

from gpu_check_support import REPOSITORY, GpuCheckTest
from gpu_check import main, parity


class Training(GpuCheckTest):
    def parity(self, *words, **options):
        return self.check("--only", "parity", "--models", "lr", *words, **options)

    def test_equal_runs_pass(self):
        code, lines = self.check("--only", "parity")
        self.assertEqual(code, 0, self.printed.getvalue())
        self.assertEqual(len(lines), 2 * 2 * 4)  # models, precisions, ways
        self.assertEqual({line["status"] for line in lines.values()}, {"PASS"})
        self.assertEqual(self.results["commit"], "abc")
        self.assertIn("16 passed, 0 failed, 0 absent, 0 not judged", self.printed.getvalue())

    def test_what_differs_fails_alone(self):
        for plan, name, text in (
            (
                {"lr-bf16-cuda": {"loss": 1.001}, "lr-fp32-2-local-ranks": {"loss": 1.002}},
                "lr fp32, 2 local ranks against cpu",
                "first 2e-03",
            ),
            ({"lr-bf16-2-local-ranks": {"auc": 0.02}}, "lr bf16, 2 local ranks against cpu", "auc 2e-02"),
            ({"lr-fp32-cuda-again": {"bits": "others"}}, "lr fp32, cuda, run to run", "dense.safetensors"),
            (
                {"lr-fp32-2-ranks-of-mpirun": {"steps": 2}},
                "lr fp32, 2 ranks of mpirun against cpu",
                "2 losses beside 3 of 3 steps",
            ),
            ({"lr-fp32-2-local-ranks": {"steps": 0}}, "lr fp32, 2 local ranks against cpu", "0 losses beside 3"),
            ({"lr-fp32-2-local-ranks": {"loss": 1.54}}, "lr fp32, 2 local ranks against cpu", "any nan"),
            (
                {"--under-mpirun": {"exit": 5, "message": "rank 1 died"}},
                "lr fp32, 2 ranks of mpirun against cpu",
                "exit 5: rank 1 died",
            ),
        ):
            with self.subTest(name=name, text=text):
                self.plan({"train.precision=BF16": {}, **plan})
                words = ["--precisions", "BF16" if "bf16" in name else "FP32"]
                self.assert_only_failure(self.parity(*words), name, text)

    def test_late_steps_may_differ_more_than_early_ones(self):
        def judged(**changes):
            runs = [parity.Trained.__new__(parity.Trained) for _ in range(2)]
            for run in runs:
                run.losses, run.auc = [0.5] * 100, 0.7
            for step, loss in changes.items():
                runs[0].losses[int(step[4:])] = loss
            return parity.compare("x", *runs, 100, parity.TOLERANCES["FP32"]).status

        self.assertEqual(judged(step9=0.500004), "PASS")
        self.assertEqual(judged(step9=0.500006), "FAIL")
        self.assertEqual(judged(step10=0.514), "PASS")
        self.assertEqual(judged(step99=0.516), "FAIL")
        self.assertEqual(judged(**{f"step{i}": 0.51 for i in range(80, 100)}), "FAIL")  # the mean

    def test_a_reference_that_fails_fails_what_is_held_against_it(self):
        self.plan({"lr-fp32-cpu": {"exit": 3, "message": "no file"}})
        code, lines = self.parity("--precisions", "FP32")
        self.assertEqual(code, 1)
        self.assertEqual(sum("cpu: exit 3: no file" in line["note"] for line in lines.values()), 3)
        self.assertEqual(lines["lr fp32, cuda, run to run"]["status"], "PASS")

    def test_a_run_that_hangs_is_ended(self):
        self.plan({"lr-fp32-2-local-ranks": {"sleep": 60}})
        with mock.patch.object(parity, "RUN_LIMIT_S", 2):
            self.assert_only_failure(
                self.parity("--precisions", "FP32"), "lr fp32, 2 local ranks against cpu", "over its limit of 2 s"
            )

    def test_a_model_without_experiment(self):
        (self.root / "configs/experiments/kuairand_lr.pbtxt").unlink()
        code, lines = self.parity()
        self.assertEqual(code, 1)
        self.assertIn("kuairand_lr.pbtxt to train it with", lines["lr"]["note"])

    def test_used_up_time_is_a_failure(self):
        code, lines = self.check("--only", "waits", "parity", "--precisions", "FP32", seconds=0)
        self.assertEqual(code, 1)
        self.assertIn("the 0 s of --seconds are used up", lines["host waits"]["note"])
        self.assertIn("the 0 s of --seconds are used up", lines["lr fp32, cuda against cpu"]["note"])

    def test_host_waits(self):
        code, lines = self.check("--only", "waits")
        self.assertEqual((code, lines["sfpnet, host waits per step"]["figure"]), (0, "0.00"))
        self.plan({"train": {"waits": 2}})
        self.assert_only_failure(
            self.check("--only", "waits"), "sfpnet, host waits per step", "2.00", "28 in 9 steps, 34 in 12"
        )
        self.plan({"train": {"said": "nothing"}})
        self.assert_only_failure(
            self.check("--only", "waits"), "sfpnet, host waits per step", "it said nothing of waits"
        )


class Emulated(unittest.TestCase):
    def test_training_on_emulated_devices(self):
        """The real program, configuration and data; the shapes are small."""
        with tempfile.TemporaryDirectory() as out:
            printed = io.StringIO()
            words = [
                "--program",
                REPOSITORY / "build/release/bin/polyscene_emulated",
                "--only",
                "parity",
                "--models",
                "lr",
                "--steps",
                "4",
                "--batch",
                "16",
                "--precisions",
                "FP32",
                "--set",
                "embedding.dim=4",
                "--out",
                out,
            ]
            # Without NCCL: what stands in for it knows threads alone.
            with mock.patch.dict(os.environ, {"POLYSCENE_NCCL_LIBRARY": "/nowhere"}):
                code = main.main([str(word) for word in words], printed)
            self.assertEqual(code, 0, printed.getvalue())
            self.assertIn("4 passed, 0 failed", printed.getvalue())
