"""Speed beside goals under tools/gpu_check, of stand-ins."""

import json
import shutil
from unittest import mock

from gpu_check_support import FAKES, GpuCheckTest
from gpu_check import speed


COPY = {"dap": 0.8, "gate": 0.76, "rtm beside its products": 0.75, "segment_sum": 0.1}
ROWS = {"static forward": 0.8, "backward + SGD": 0.66, "backward + Adam": 0.65}
PEER = "SFPNet step, batch 16384, bf16, against PyTorch"


class Speed(GpuCheckTest):
    def setUp(self):
        super().setUp()
        shutil.copy(FAKES / "polyscene", self.bin / "train_bench")
        self.peer("import json, sys; print(json.dumps({'samples_per_s': 2e6 if '--compile' in sys.argv else 1e6}))")
        self.has_torch = mock.patch.object(speed.importlib.util, "find_spec", lambda name: True)
        self.kernels(COPY)
        self.rows(ROWS)

    def peer(self, program):
        (self.root / "tools/bench/pytorch_peer.py").write_text(program)

    def measured(self, program, json_text):
        self.program(program, "")
        (self.bin / f"{program}.json").write_text(json_text)

    def kernels(self, shares):
        precisions = {"rtm beside its products": ["fp32", "bf16"]}
        found = [
            {"name": name, "precision": precision, "share": share}
            for name, share in shares.items()
            for precision in precisions.get(name, [""])
        ]
        self.measured("kernels_bench", json.dumps({"copy_bytes_per_s": 4.3e12, "kernels": found}))

    def rows(self, shares, hashed=1.7, find=5.1e9):
        found = [{"name": name, "share_of_copy": share, "seconds": 1} for name, share in shares.items()]
        found += [{"name": "hash table forward, keys from the host", "seconds": hashed}]
        found += [{"name": "find, half full", "keys": find, "seconds": 1}]
        found += [{"name": "find or insert, half full, all known", "keys": 2.6e9, "seconds": 1}]
        found += [{"name": "insert and evict, full", "keys": 1.3e9, "seconds": 1}]
        self.measured("embedding_gpu_bench", json.dumps(found))

    def speed(self):
        with self.has_torch:
            return self.check("--only", "speed")

    def test_goals_that_are_met(self):
        code, lines = self.speed()
        self.assertEqual(code, 0, self.printed.getvalue())
        self.assertEqual(lines["kernels_bench"]["figure"], "5 kernels, copy 4300 GB/s")
        self.assertEqual((lines["dap"]["figure"], lines["dap"]["goal"]), ("80 % of copy", ">= 75 % of copy"))
        self.assertEqual(lines["rtm beside its products bf16"]["status"], "PASS")
        self.assertEqual(lines["find, half full"]["figure"], "5.10 G keys/s")
        self.assertEqual(lines["hash table over static, forward"]["figure"], "1.70 times")
        self.assertEqual(lines["insert and evict, full"]["figure"], "1.30 G keys/s")
        self.assertEqual(lines[f"{PEER} eager"]["figure"], "6.00 times")
        self.assertEqual(lines[f"{PEER} torch.compile"]["figure"], "3.00 times")

    def test_steps_that_are_too_slow(self):
        self.plan({"BF16": {"samples_per_s": 3.9e6}})
        code, lines = self.speed()
        for kind, figure in (("eager", "3.90 times"), ("torch.compile", "1.95 times")):
            line = lines[f"{PEER} {kind}"]
            self.assertEqual((code, line["status"], line["figure"]), (1, "FAIL", figure))
        self.plan({"--batch 16 ": {"step_ms": 0.36}})
        self.assert_only_failure(self.speed(), "SFPNet step, batch 16: fixed cost", "0.360 ms")
        self.plan({"TF32": {"waits_per_step": 1}})
        self.assert_only_failure(self.speed(), "SFPNet step, batch 16384, tf32: host waits", "1.00 per step")

    def test_kernels_that_are_too_slow(self):
        self.kernels({**COPY, "gate": 0.74})
        self.assert_only_failure(self.speed(), "gate", "74 % of copy")
        self.kernels({name: share for name, share in COPY.items() if name != "dap"})
        self.assert_only_failure(self.speed(), "dap", "not among what was measured")
        self.kernels(COPY)
        for changes, name, text in (
            ({"shares": {**ROWS, "backward + SGD": 0.6}}, "backward + SGD", "60 % of copy"),
            ({"hashed": 1.9}, "hash table over static, forward", "1.90 times"),
            ({"find": 4e9}, "find, half full", "4.00 G keys/s"),
        ):
            self.rows(**{"shares": ROWS, **changes})
            self.assert_only_failure(self.speed(), name, text)

    def test_programs_that_say_nothing_of_use(self):
        for written in ("no JSON", "{}", "[]"):
            self.measured("kernels_bench", written)
            self.assert_only_failure(self.speed(), "kernels_bench", "what it wrote is not understood: ")
        self.program("kernels_bench", "broken", 4)
        self.assert_only_failure(self.speed(), "kernels_bench", "exit 4")
        self.kernels(COPY)
        self.peer("")
        code, lines = self.speed()
        self.assertEqual((code, lines["PyTorch eager, packed"]["note"]), (1, "it printed no JSON"))

    def test_a_peer_that_fails(self):
        self.peer("raise SystemExit('out of memory')")
        code, lines = self.speed()
        self.assertEqual(code, 1)
        self.assertIn("out of memory", lines["PyTorch eager, packed"]["note"])
        self.assertEqual(lines[f"{PEER} eager"]["note"], "one of the two has no figure")

    def test_what_is_not_there(self):
        (self.bin / "kernels_bench").unlink()
        self.has_torch = mock.patch.object(speed.importlib.util, "find_spec", lambda name: None)
        code, lines = self.speed()
        self.assertEqual((code, lines["kernels_bench"]["status"]), (0, "ABSENT"))
        self.assertIn("has no PyTorch", lines[PEER]["note"])
        (self.bin / "train_bench").unlink()
        code, lines = self.speed()
        self.assertEqual(code, 1)
        self.assertIn("no train_bench in", lines["SFPNet step, batch 16384, fp32"]["note"])
