"""Finds programs in a build tree or an unpacked bundle, CUDA's libraries, and tools of the machine."""

import ctypes
import importlib.util
import os
import pathlib
import shutil
import subprocess

LIBRARIES = {"cuBLASLt": ("libcublasLt.so.13", "libcublasLt.so.12"), "NCCL": ("libnccl.so.2",)}


class Place:
    """`root` has configs/ and tools/; programs are in the bundle if `root` is one, else in `build`."""

    def __init__(self, root, build=None, polyscene=None):
        self.root = pathlib.Path(root)
        self.is_bundle = build is None and (self.root / "bin/polyscene").exists()
        self.bin = self.root / "bin" if self.is_bundle else pathlib.Path(build or self.root / "build/release") / "bin"
        launcher = self.root / "polyscene" if self.is_bundle else self.bin / "polyscene"
        self.polyscene = pathlib.Path(polyscene) if polyscene else launcher
        self.mpirun = str(self.root / "mpirun") if self.is_bundle else shutil.which("mpirun")

    def program(self, name):
        """Path of a program, or None if it was not built."""
        path = self.bin / name
        return path if os.access(path, os.X_OK) else None

    def demo(self):
        return self.root / "configs/data/demo/kuairand"

    def models(self):
        return sorted(path.stem for path in (self.root / "configs/models").glob("*.pbtxt"))

    def experiment(self, model):
        return self.root / f"configs/experiments/kuairand_{model}.pbtxt"

    def commit(self):
        if self.is_bundle:
            return (self.root / "commit").read_text().strip()
        git = shutil.which("git")
        if git is None or not (self.root / ".git").exists():
            return "unknown"
        done = subprocess.run([git, "-C", self.root, "rev-parse", "HEAD"], capture_output=True, text=True)
        return done.stdout.strip() or "unknown"


def tool(name, *folders):
    """Path of a program of the machine, from PATH or CUDA's usual folders, or None."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join([*folders, "/usr/local/cuda/bin"]))


def loads(name):
    try:
        ctypes.CDLL(name)
        return True
    except OSError:
        return False


def wheel_folders():
    """Folders of the libraries in PyTorch's wheels (packages of this interpreter) and in the CUDA toolkit."""
    spec = importlib.util.find_spec("nvidia")
    roots = [pathlib.Path(p) for p in (spec.submodule_search_locations if spec else [])]
    return [*(f for r in roots for f in sorted(r.glob("*/lib"))), pathlib.Path("/usr/local/cuda/lib64")]


def missing_library_folders(names=LIBRARIES, loads=loads, folders=None):
    """{library: folder, or None if it was not found} for libraries that the loader does not find by itself."""
    folders = wheel_folders() if folders is None else folders
    return {
        title: next((f for f in folders for file in files if (f / file).exists()), None)
        for title, files in names.items()
        if not any(map(loads, files))
    }


def environment_with(folders):
    """The environment with the folders added at the front of the loader's path."""
    kept = [p for p in (os.environ.get("LD_LIBRARY_PATH"),) if p]
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join([*map(str, folders), *kept])}
