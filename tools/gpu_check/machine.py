"""The machine that the results belong to: device, driver, CUDA."""

import os
import platform
import re
import sys

from .place import missing_library_folders, tool
from .report import ABSENT, FAIL, INFO, PASS, Line, judged

QUERY = "name,driver_version,memory.total,compute_cap"


def describe(check):
    smi = tool("nvidia-smi")
    if smi is None:
        yield Line("machine", "device", FAIL, note="no nvidia-smi in PATH: is there an NVIDIA driver?")
    else:
        done = check.runner.run("nvidia-smi", [smi, f"--query-gpu={QUERY}", "--format=csv,noheader"], 20)
        devices = done.out.strip().splitlines()
        check.facts["devices"] = devices
        yield judged(
            "machine", "device", done.ok and bool(devices), figure="; ".join(devices) if done.ok else done.why()
        )
    nvcc = tool("nvcc")
    release = re.search(r"release ([\d.]+)", check.runner.run("nvcc", [nvcc, "--version"], 20).out) if nvcc else None
    check.facts["nvcc"] = release[1] if release else None
    check.facts["host"] = (
        f"{os.cpu_count()} processors, {platform.libc_ver()[1]} glibc, Python {sys.version.split()[0]}"
    )
    yield Line(
        "machine", "CUDA toolkit; host", INFO, figure=f"nvcc {check.facts['nvcc'] or 'absent'}; {check.facts['host']}"
    )
    done = check.runner.run("version", [check.place.polyscene, "version"], 30)
    yield judged(
        "machine",
        "the program starts",
        done.ok,
        figure=done.out.strip() if done.ok else done.why(),
        note=f"commit {check.facts['commit']}",
    )


def libraries(check):
    """Adds the folders of CUDA libraries that the loader does not find to its path."""
    missing = missing_library_folders()
    for title, folder in missing.items():
        note = f"the loader does not find it, {folder} has it" if folder else ""
        if not folder:
            note = "neither the loader nor PyTorch nor /usr/local/cuda has it; put its folder into LD_LIBRARY_PATH"
        lacking = FAIL if title == "cuBLASLt" else ABSENT  # ranks that share a device need no NCCL
        yield Line("machine", title, PASS if folder else lacking, note=note)
    check.use_libraries([folder for folder in missing.values() if folder])
