"""tools/bundle.sh: the archive, unpacked elsewhere, in surroundings as bare as this machine lets us make them: a root of
its own with a shell and glibc alone; where that is not allowed, an empty environment."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
GLIBC = re.compile(r"(linux-vdso|ld-linux-x86-64|lib(c|m|mvec|dl|rt|pthread|util|resolv|nss_\w+))\.so")
LIMIT_MIB = 64
CHROOT = shutil.which("chroot", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def may_change_root():
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            [*unshare, "sh", "-c", f"mount --rbind /proc {folder} && {CHROOT} / true"], capture_output=True
        )
    return unshare if tried.returncode == 0 else None


class Bundle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        archive = cls.root / "packed.tar.gz"
        done = subprocess.run(
            [REPOSITORY / "tools/bundle.sh", "--with-checks", "--output", archive], capture_output=True, text=True
        )
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        cls.said, cls.size = done.stdout, archive.stat().st_size
        cls.bare = cls.root / "bare"
        place = cls.bare / "a place"
        place.mkdir(parents=True)
        subprocess.run(["tar", "-C", place, "-xf", archive], check=True)
        (cls.folder,) = place.iterdir()
        cls.unshare = may_change_root()
        cls.inside = f"/a place/{cls.folder.name}" if cls.unshare else str(cls.folder)
        if cls.unshare:
            cls.make_root()

    @classmethod
    def make_root(cls):
        for path in ("bin", "lib64", "lib/x86_64-linux-gnu", "tmp", "proc", "sys", "dev"):
            (cls.bare / path).mkdir(parents=True)
        shutil.copy("/bin/sh", cls.bare / "bin/sh")
        shutil.copy("/lib64/ld-linux-x86-64.so.2", cls.bare / "lib64")
        for name in (
            "libc.so.6",
            "libm.so.6",
            "libdl.so.2",
            "librt.so.1",
            "libpthread.so.0",
            "libresolv.so.2",
            "libutil.so.1",
        ):
            shutil.copy(f"/lib/x86_64-linux-gnu/{name}", cls.bare / "lib/x86_64-linux-gnu")

    def run_inside(self, *words, environment=()):
        """A program of the bundle, by its name there."""
        command = ["env", "-i", *environment]
        words = [f"{self.inside}/{words[0]}", *words[1:]]
        if self.unshare:
            root = shlex.quote(str(self.bare))
            mounts = " && ".join(f"mount --rbind /{name} {root}/{name}" for name in ("proc", "sys", "dev"))
            command = [*self.unshare, "sh", "-c", f'{mounts} && exec "$@"', "sh", *command, CHROOT, self.bare]
        return subprocess.run([*command, *words], capture_output=True, text=True, timeout=120)

    def train(self, *options, before=(), output="run"):
        output = "/tmp/" + output if self.unshare else str(self.root / output)
        return self.run_inside(
            *before,
            *([f"{self.inside}/polyscene"] if before else ["polyscene"]),
            "train",
            "--config",
            f"{self.inside}/configs/experiments/demo.pbtxt",
            "--output",
            output,
            "--set",
            "train.max_steps=2",
            "--set",
            "train.log_every=1",
            "--set",
            "train.batch_size=64",
            *options,
        )

    def test_it_says_how_large_it_is_and_stays_small(self):
        self.assertRegex(self.said, r"packed\.tar\.gz: \d+ MiB, \d+ MiB unpacked, for glibc 2\.\d+ or later")
        self.assertLess(self.size, LIMIT_MIB * 2**20)

    def test_every_library_comes_along_but_glibc(self):
        """By the loader's own account, with the path that programs carry and nothing else."""
        files = [
            p for p in (*self.folder.glob("bin/*"), *self.folder.rglob("*.so*")) if p.read_bytes()[:4] == b"\x7fELF"
        ]
        self.assertGreater(len(files), 60)
        for file in files:
            self.assertIsNone(GLIBC.match(file.name), "glibc is the machine's")
            loader = ["/lib64/ld-linux-x86-64.so.2", "--list", file]
            if file.parent.name != "bin":  # programs say where the others are
                loader[1:1] = ["--library-path", self.folder / "lib"]
            listed = subprocess.run(["env", "-i", *loader], capture_output=True, text=True).stdout
            for line in listed.splitlines():
                name, path = line.split()[0], os.path.normpath(line.partition("=> ")[2])
                self.assertTrue(GLIBC.search(name) or path.startswith(f"{self.folder}/lib/"), f"{file}: {line}")

    def test_licences_and_no_path_of_this_machine(self):
        for licence in ("pyarrow", "libstdc++6", "libgomp1", "openmpi-bin"):
            self.assertGreater((self.folder / "licenses" / licence).stat().st_size, 500)
        self.assertIn("Apache License", (self.folder / "LICENSE").read_text())
        self.assertRegex((self.folder / "README.md").read_text(), r"glibc 2\.\d+ or later")
        for file in self.folder.rglob("*.so*"):
            self.assertNotIn(b"site-packages", file.read_bytes(), file)

    def test_it_starts(self):
        done = self.run_inside("polyscene", "version")
        self.assertRegex(done.stdout, r"polyscene \d+\.\d+\.\d+", done.stderr)
        link = self.bare / "link"
        link.symlink_to(f"a place/{self.folder.name}/polyscene")
        self.assertEqual(subprocess.run([link, "version"], capture_output=True, text=True, cwd="/").stdout, done.stdout)

    def test_it_trains(self):
        done = self.train()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 rank (local)", done.stdout)

    def test_two_ranks_of_its_mpirun(self):
        options = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
        done = self.train(before=("mpirun", *options, "-np", "2"), output="two")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 ranks (mpi)", done.stdout)

    def test_another_host_is_started_under_the_same_path(self):
        """What ssh would do there, an agent does here, in an empty environment."""
        folder = self.root / "plain"
        subprocess.run(["cp", "-al", self.folder, folder], check=True)
        agent = self.root / "agent"
        agent.write_text(f'#!/bin/sh\necho "$@" >{agent}.log\nshift\nexec env -i sh -c "$*"\n')
        agent.chmod(0o755)
        options = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "plm_rsh_agent", agent]
        train = ["train", "--config", folder / "configs/experiments/demo.pbtxt", "--output", self.root / "hosts"]
        command = [folder / "mpirun", *options, "-np", "2", "-H", "elsewhere:2", folder / "polyscene", *train]
        command += ["--set", "train.max_steps=1", "--set", "train.batch_size=64"]
        done = subprocess.run(["env", "-i", *command], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 ranks (mpi)", done.stdout)
        self.assertRegex(Path(f"{agent}.log").read_text(), rf"^elsewhere .*{folder}/bin/orted ")

    def test_its_own_libraries_are_the_ones_loaded(self):
        """Plug-ins too, and whatever the environment offers."""
        before = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np", "1"]
        done = self.run_inside(
            *before,
            f"{self.inside}/polyscene",
            "data",
            "inspect",
            "--config",
            f"{self.inside}/configs/experiments/demo.pbtxt",
            environment=["LD_DEBUG=libs", "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu"],
        )
        loaded = set(re.findall(r"calling init: (\S.*)", done.stderr))
        self.assertTrue(any("mca_ess_hnp.so" in path for path in loaded), done.stderr[-2000:])
        self.assertEqual([p for p in loaded if not p.startswith(self.inside) and not GLIBC.search(p)], [])

    def test_without_a_driver_it_says_so(self):
        done = self.train("--device", "cuda", output="cuda")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("[device] wanted a CUDA device", done.stderr)

    def test_checks_come_along(self):
        done = subprocess.run(
            [self.folder / "tools/gpu_check.sh", "--only", "machine", "--out", self.root / "judged"],
            capture_output=True,
            text=True,
            cwd="/",
        )
        self.assertRegex(done.stdout, r"PASS +machine +the program starts +polyscene \d")
        sys.path.insert(0, str(REPOSITORY / "tools/bench"))
        self.addCleanup(sys.path.pop, 0)
        import pytorch_peer_data as peer

        demo = REPOSITORY / "configs/data/demo/kuairand/train"
        for want, got in zip(peer.load(demo, 34), peer.load(self.folder / "tools/bench/demo.npz", 34)):
            np.testing.assert_array_equal(want, got)
        with self.assertRaisesRegex(SystemExit, "has 34 context fields, not 5; leave --fields out"):
            peer.load(self.folder / "tools/bench/demo.npz", 5)
        with self.assertRaisesRegex(SystemExit, "only 21959 rows: fewer than one batch of 30000"):
            peer.batches(peer.load(demo, 34), 30000, 1, 1)
        self.assertTrue(os.access(self.folder / "bin/train_bench", os.X_OK))
