"""--device cuda, on emulated devices, beside the host: the same numbers from the same configuration."""

import os

import numpy as np
from safetensors.numpy import load_file

from tests.end_to_end.support import ROOT, ProgramTest, planted_table, write_split

NCCL = os.environ.get("POLYSCENE_NCCL_STAND_IN", str(ROOT / "build/release/tests/dist/libnccl_stand_in.so"))

# Small enough for the emulator: a step takes tenths of a second.
SMALL = [word for setting in ("train.batch_size=24", "train.max_steps=12", "train.eval_batch_size=64", "train.log_every=3",
                              "model.sfpnet.gate_hidden=8", "model.sfpnet.context_width=8", "model.head=8",
                              "embedding.dim=8")
         for word in ("--set", setting)]
STAGED = ("--device", "cuda", "--transport", "staged")


class DeviceTest(ProgramTest):
    program = os.environ.get("POLYSCENE_EMULATED_BINARY", str(ROOT / "build/release/bin/polyscene_emulated"))

    def setUp(self):
        super().setUp()
        write_split(self.data, "valid", [planted_table(70, 3, 10000)])
        write_split(self.data, "test", [planted_table(50, 4, 20000)])

    def train_both(self, *arguments, cuda=("--device", "cuda"), **options):
        self.train("host", *SMALL, *arguments, **options)
        return self.train("device", *SMALL, *arguments, *cuda, **options)

    def assert_same_runs(self):
        losses = {run: [entry["loss"] for entry in self.logged(run, "train")] for run in ("host", "device")}
        self.assertEqual(len(losses["device"]), 4)
        np.testing.assert_allclose(losses["device"], losses["host"], rtol=1e-5)
        aucs = {run: [entry["metrics"]["auc"] for entry in self.logged(run, "evaluation")] for run in ("host", "device")}
        np.testing.assert_allclose(aucs["device"], aucs["host"], atol=2e-3)
        for path in sorted((self.folder / "host/model").rglob("*.safetensors")):
            want, got = load_file(path), load_file(self.folder / "device/model" / path.relative_to(self.folder / "host/model"))
            self.assertEqual(want.keys(), got.keys())
            for name, tensor in want.items():
                np.testing.assert_allclose(got[name], tensor, rtol=1e-3, atol=2e-4, err_msg=f"{path}: {name}")

    def test_trains_as_the_host_does(self):
        result = self.train_both()
        self.assertIn("1 rank (local) on the emulated device", result.out)
        self.assertRegex(result.out, r"device   the emulated device: peak [\d.]+ MiB \(.*dense parameters .*\), waited for \d+ times")
        self.assertRegex(result.out, r"steps queued as a recorded graph [1-9]")
        self.assert_same_runs()

    def test_without_recorded_graphs(self):
        result = self.train_both("--set", "train.device_graphs=NEVER")
        self.assertIn("steps queued as a recorded graph 0\n", result.out)
        self.assert_same_runs()

    def test_evaluates_and_predicts_as_the_host_does(self):
        self.train("host", *SMALL)
        host, device = self.evaluate("host"), self.evaluate("host", "test", "--device", "cuda")
        for metric in ("rows", "auc", "logloss"):
            self.assertAlmostEqual(host[metric], device[metric], places=5)

    def test_tables_with_a_bound_forget_as_on_the_host(self):
        self.bound_users()
        result = self.train_both()
        self.assertRegex(result.out, r"bounded tables: user holds 32 of 32 rows; rows evicted [1-9]\d+\n")
        self.assert_same_runs()
        host, device = self.evaluate("host"), self.evaluate("host", "test", "--device", "cuda")
        self.assertAlmostEqual(host["auc"], device["auc"], places=5)

    def test_ranks_that_share_devices(self):
        result = self.train_both("--local-ranks", 3)
        self.assertIn("3 ranks (local) on the emulated device", result.out)
        self.assertIn("devices exchange rows and gradients by staged over local (ranks 0 and 2 share a device)", result.out)
        self.assert_same_runs()

    def test_rows_in_the_memory_of_the_hosts(self):
        result = self.train_both("--local-ranks", 3, "--set", "embedding.memory=HOST")
        self.assertIn("devices exchange gradients of dense parameters by staged over local, the hosts rows and their gradients (", result.out)
        self.assert_same_runs()

    def test_ranks_by_nccl(self):
        # A library with NCCL's interface, over threads.
        # There are two devices: by themselves, two ranks take it.
        result = self.train_both("--local-ranks", 2, env={**os.environ, "POLYSCENE_NCCL_LIBRARY": NCCL})
        self.assertIn("devices exchange rows and gradients by nccl\n", result.out)
        self.assert_same_runs()

    def test_nccl_that_is_not_there(self):
        result = self.train("device", *SMALL, "--device", "cuda", "--local-ranks", 2, "--transport", "nccl", expect=5,
                            env={**os.environ, "POLYSCENE_NCCL_LIBRARY": "/nowhere/libnccl.so"})
        self.assertIn("/nowhere/libnccl.so", result.text)
        result = self.train("staged", *SMALL, "--device", "cuda", "--local-ranks", 2,
                            env={**os.environ, "POLYSCENE_NCCL_LIBRARY": "/nowhere/libnccl.so"})
        self.assertRegex(result.out, r"by staged over local \(.*/nowhere/libnccl.so")

    def test_ranks_under_mpirun(self):
        self.train_both(cuda=STAGED, ranks=2)
        self.assert_same_runs()

    def test_a_loss_that_is_not_finite_is_named_as_on_the_host(self):
        wrong = ["--set", "train.optimizer.learning_rate=1e30", "--set", "train.optimizer.kind=SGD"]
        for arguments in ([], ["--local-ranks", 2]):
            name = f"run{len(arguments)}"
            expected = self.train(name + "h", *SMALL, *wrong, *arguments, expect=1).text.splitlines()[-1]
            self.assertRegex(expected, "the gradient of .* is not finite")
            got = self.train(name + "d", *SMALL, *wrong, *arguments, *STAGED, expect=1)
            self.assertEqual(got.text.splitlines()[-1], expected)
