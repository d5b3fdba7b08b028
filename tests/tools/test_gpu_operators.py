"""Operators, sanitizers, the machine and the time limits of tools/gpu_check, on stand-ins."""

import os
import subprocess
import time
from pathlib import Path
from unittest import mock

from gpu_check_support import REPOSITORY, GpuCheckTest
from gpu_check import main, place, runner


class Operators(GpuCheckTest):
    def judge(self, says, code=0):
        self.program("cuda_battery", says, code)
        return self.check("--only", "operators", "--seeds", "1")

    def test_battery(self):
        self.program("cuda_ranks", "[  PASSED  ] 16 tests.")
        name = "CPU against CUDA, inputs 0"
        code, lines = self.judge("[  PASSED  ] 249 tests.")
        self.assertEqual((code, lines[name]["figure"]), (0, "249 cases"))
        self.assertEqual(lines["communicators on devices"]["figure"], "16 cases")
        said = "[  PASSED  ] 3 tests.\n[  FAILED  ] 2 tests, listed below:\n"
        failed = self.judge(said + "[  FAILED  ] Ops/Battery.Of/dap, where\n[  FAILED  ] Other", 1)
        self.assert_only_failure(failed, name, "2 failed: Ops/Battery.Of/dap, Other")
        self.assert_only_failure(self.judge("an illegal address", 139), name, "exit 139")
        self.assert_only_failure(self.judge("[  PASSED  ] 0 tests."), name, "0 cases")
        (self.bin / "cuda_battery").unlink()
        self.assert_only_failure(self.check("--only", "operators", "--seeds", "1"), name, "no cuda_battery in")

    def test_sanitizers(self):
        tools = self.root / "machine"
        tools.mkdir()
        self.program("cuda_battery", "")
        with mock.patch.dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"):
            code, lines = self.check("--only", "sanitizer", "operators", "--seeds", "0")
            self.assertEqual((code, lines["memory, races, barriers"]["status"]), (1, "ABSENT"))  # nothing passed
            self.program("compute-sanitizer", "[       OK ] One\n========= ERROR SUMMARY: 0 errors", folder=tools)
            code, lines = self.check("--only", "sanitizer")
            self.assertEqual(code, 0, self.printed.getvalue())
            self.assertEqual(list(lines), ["memcheck", "racecheck", "synccheck", "initcheck"])
            says = "[       OK ] One\n========= Race reported between\n========= RACECHECK SUMMARY: 2 hazards displayed"
            self.program("compute-sanitizer", says, 9, tools)
            code, lines = self.check("--only", "sanitizer")
            self.assertEqual((code, lines["racecheck"]["figure"]), (1, "1 cases, 2 errors"))
            self.assertIn("Race reported between", lines["racecheck"]["note"])
            self.program("compute-sanitizer", "========= ERROR SUMMARY: 0 errors", folder=tools)
            self.assertEqual(self.check("--only", "sanitizer")[0], 1)  # no case ran


class Machine(GpuCheckTest):
    def test_facts(self):
        tools = self.root / "machine"
        tools.mkdir()
        self.program("nvidia-smi", "NVIDIA H0, 1.2, 3 MiB, 9.0", folder=tools)
        with mock.patch.dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"):
            with mock.patch(
                "gpu_check.machine.missing_library_folders", lambda: {"cuBLASLt": Path("/x/lib"), "NCCL": None}
            ):
                code, lines = self.check("--only", "machine")
        self.assertEqual(code, 0, self.printed.getvalue())
        self.assertIn("NVIDIA H0, 1.2", self.results["devices"][0])
        self.assertEqual((lines["cuBLASLt"]["status"], lines["NCCL"]["status"]), ("PASS", "ABSENT"))
        self.assertIn("/x/lib has it", lines["cuBLASLt"]["note"])
        self.assertIn("put its folder into LD_LIBRARY_PATH", lines["NCCL"]["note"])

    def test_no_driver(self):
        with (
            mock.patch("gpu_check.machine.missing_library_folders", lambda: {}),
            mock.patch("gpu_check.machine.tool", lambda name: None),
        ):
            self.assert_only_failure(self.check("--only", "machine"), "device", "is there an NVIDIA driver?")

    def test_libraries_are_looked_for_where_the_loader_does_not(self):
        folder = self.root / "nvidia/cublas/lib"
        folder.mkdir(parents=True)
        (folder / "libcublasLt.so.12").touch()
        found = place.missing_library_folders(loads=lambda name: False, folders=[self.root, folder])
        self.assertEqual(found, {"cuBLASLt": folder, "NCCL": None})
        self.assertEqual(place.missing_library_folders(loads=lambda name: True, folders=[folder]), {})
        with mock.patch.dict(os.environ, LD_LIBRARY_PATH="/before"):
            self.assertEqual(place.environment_with([folder])["LD_LIBRARY_PATH"], f"{folder}:/before")

    def test_what_a_program_started_ends_with_it(self):
        here = runner.Runner(self.root / "logs", 60)
        done = here.run("parent", ["sh", "-c", "sleep 50 & echo $!; wait"], 0.5)
        self.assertTrue(done.timed_out)
        for _ in range(50):
            if (
                not Path(f"/proc/{done.out.strip()}").exists()
                or "Z" in Path(f"/proc/{done.out.strip()}/stat").read_text().split()[2]
            ):
                return
            time.sleep(0.1)
        self.fail("the child lives")

    def test_why_a_program_failed(self):
        def why(**changes):
            return runner.Done(**{"code": 4, "out": "", "err": "", "seconds": 3, "timed_out": False, **changes}).why()

        banner = "polyscene: [device] no driver\n-----\nmpirun detected that a process ended\n-----\n"
        self.assertEqual(why(err=banner, out="step 1"), "exit 4: polyscene: [device] no driver")
        self.assertEqual(why(out="step 1\nkilled\n"), "exit 4: killed")
        self.assertEqual(why(), "exit 4: it printed nothing")
        self.assertEqual(why(timed_out=True, err="x"), "over its limit of 3 s")

    def test_an_exception_is_a_line(self):
        with mock.patch.dict(main.GROUPS, waits=(lambda check: iter([][0]),)):
            code, lines = self.check("--only", "waits")
        self.assertEqual(code, 1)
        self.assertIn("IndexError", lines["<lambda>"]["note"])

    def test_the_entry_takes_no_other_words(self):
        done = subprocess.run([REPOSITORY / "tools/gpu_check.sh", "--only", "nonsense"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("invalid choice: 'nonsense'", done.stderr)
