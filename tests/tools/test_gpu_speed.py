"""Speed beside goals under tools/gpu_check, of stand-ins."""

import json
import shutil
from unittest import mock

from gpu_check_support import FAKES, GpuCheckTest
from gpu_check import speed


class Speed(GpuCheckTest):
    def setUp(self):
        super().setUp()
        shutil.copy(FAKES / "polyscene", self.bin / "train_bench")
        peer = "import json, sys; print(json.dumps({'samples_per_s': 2e6 if '--compile' in sys.argv else 1e6}))"
        (self.root / "tools/bench/pytorch_peer.py").write_text(peer)
        self.has_torch = mock.patch.object(speed.importlib.util, "find_spec", lambda name: True)
        measured = [
            {"name": "dap", "value": 0.8, "unit": "of copy", "at_least": 0.75},
            {"name": "step", "value": 3, "at_most": 4},
            {"name": "copy", "value": 4.3e12, "unit": "B/s"},
        ]
        for program in speed.PROGRAMS:
            self.program(program, json.dumps({"lines": measured}))

    def speed(self):
        with self.has_torch:
            return self.check("--only", "speed")

    def test_goals_that_are_met(self):
        code, lines = self.speed()
        self.assertEqual(code, 0, self.printed.getvalue())
        self.assertEqual(lines["kernels_bench: copy"]["status"], "INFO")
        self.assertEqual(lines["kernels_bench: dap"]["goal"], ">= 0.75")
        self.assertEqual(lines["SFPNet step, batch 16384, bf16, against PyTorch eager"]["figure"], "6.00 times")
        self.assertEqual(lines["SFPNet step, batch 16384, bf16, against PyTorch torch.compile"]["figure"], "3.00 times")

    def test_goals_that_are_missed(self):
        name = "SFPNet step, batch 16384, bf16, against PyTorch torch.compile"
        self.plan({"BF16": {"samples_per_s": 5.1e6 - 1.2e6}, "precision=FP32": {}})
        code, lines = self.speed()
        self.assertEqual((code, lines[name]["status"], lines[name]["figure"]), (1, "FAIL", "1.95 times"))
        self.plan({"--batch 16 ": {"step_ms": 0.36}})
        self.assert_only_failure(self.speed(), "SFPNet step, batch 16: fixed cost", "0.360 ms")
        self.plan({"TF32": {"waits_per_step": 1}})
        self.assert_only_failure(self.speed(), "SFPNet step, batch 16384, tf32: host waits", "1.00 per step")
        self.plan({})
        self.program("kernels_bench", json.dumps({"lines": [{"name": "dap", "value": 0.7, "at_least": 0.75}]}))
        self.assert_only_failure(self.speed(), "kernels_bench: dap", "0.7")

    def test_programs_that_say_nothing_of_use(self):
        for says, code, text in (
            ("no JSON", 0, "it printed no JSON"),
            ('{"lines": []}', 0, "it measured nothing"),
            ("{}", 0, "'lines'"),
            ("broken", 4, "exit 4"),
        ):
            self.program("kernels_bench", says, code)
            self.assert_only_failure(self.speed(), "kernels_bench", text)

    def test_a_peer_that_fails(self):
        (self.root / "tools/bench/pytorch_peer.py").write_text("raise SystemExit('out of memory')")
        code, lines = self.speed()
        self.assertEqual(code, 1)
        self.assertIn("out of memory", lines["PyTorch eager, packed"]["note"])
        self.assertEqual(
            lines["SFPNet step, batch 16384, bf16, against PyTorch eager"]["note"], "one of the two has no figure"
        )

    def test_what_is_not_there(self):
        (self.bin / "kernels_bench").unlink()
        self.has_torch = mock.patch.object(speed.importlib.util, "find_spec", lambda name: None)
        code, lines = self.speed()
        self.assertEqual((code, lines["kernels_bench"]["status"]), (0, "ABSENT"))
        self.assertIn("has no PyTorch", lines["SFPNet step, batch 16384, bf16, against PyTorch"]["note"])
        (self.bin / "train_bench").unlink()
        code, lines = self.speed()
        self.assertEqual(code, 1)
        self.assertIn("no train_bench in", lines["SFPNet step, batch 16384, fp32"]["note"])
