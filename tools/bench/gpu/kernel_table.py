"""The table of registers.sh, from ptxas' reports and nvdisasm's listings."""

import datetime
import re
import subprocess
import sys

THREADS = 256  # per block, see kThreads in ops/simt/simt.h
REGISTERS = 65536  # per multiprocessor, which holds at most 2048 threads
WIDTHS = {"128": 16, "64": 8, "": 4, "U16": 2, "S16": 2, "U8": 1, "S8": 1}


def read_report(text, kernels):
    """{mangled name: registers, spilled bytes and shared memory}."""
    for name, report in re.findall(r"entry function '(\w+)'.*?\n(.*?)Compile time", text, re.S):
        spills = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", report)
        shared = re.search(r"(\d+) bytes smem", report)
        kernels.setdefault(name, {}).update(
            registers=int(re.search(r"Used (\d+) registers", report)[1]),
            spills=int(spills[1]) + int(spills[2]),
            shared=int(shared[1]) if shared else 0,
        )


def read_listing(text, kernels):
    """Counts loads and stores of global memory by the bytes that a thread moves in one. Includes accesses through pointers
    that were loaded themselves (LD, ST)."""
    for part in re.split(r"^\.text\.", text, flags=re.M)[1:]:
        name = part.split(":", 1)[0]
        for kind, opcode in (("loads", "LDG?"), ("stores", "STG?")):
            counts = {}
            for width in re.findall(rf"\b{opcode}\.E(?:\.(128|64|[US]16|[US]8)\b)?", part):
                counts[WIDTHS[width]] = counts.get(WIDTHS[width], 0) + 1
            kernels.setdefault(name, {})[kind] = counts


def resident(registers):
    """Threads that a multiprocessor can hold. Registers are allocated in units of eight."""
    per_block = -(-registers // 8) * 8 * THREADS
    return min(2048, REGISTERS // per_block * THREADS)


def widths(counts):
    return ", ".join(f"{n} x {width} B" for width, n in sorted(counts.items(), reverse=True)) or "–"


def readable(names):
    """Shortens run_kernel<Kernel>(Kernel) to Kernel, without namespaces."""
    plain = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    kernels = [re.search(r"run_kernel<(.*)>\(", line)[1] for line in plain.splitlines()]
    return [re.sub(r"\w+::|\(anonymous namespace\)::", "", k).replace("> >", ">>").strip() for k in kernels]


def main():
    arch, compiler, *files = sys.argv[1:]
    kernels = {}
    for file in files:
        with open(file, encoding="utf-8") as text:
            (read_report if file.endswith(".report") else read_listing)(text.read(), kernels)
    ours = {name: k for name, k in kernels.items() if "run_kernel" in name}
    if not ours or any("registers" not in k or "loads" not in k for k in ours.values()):
        sys.exit("registers: the reports and listings do not name the same kernels")
    print(f"# Device kernels as compiled for {arch}\n")
    print(
        f"nvcc {compiler}, {datetime.date.today()}, `tools/bench/gpu/registers.sh {arch}`: the compiler's report and its"
        " machine code; nothing here was run. Spills in bytes; resident: threads of 2048 that a multiprocessor keeps in"
        f" blocks of {THREADS}, for their registers; shared memory beside what a launch asks for; loads and stores of"
        " global memory as instructions in the code, by the bytes that each thread moves in one.\n"
    )
    print("| kernel | registers | resident | spills | shared | loads | stores |\n|---|---|---|---|---|---|---|")
    for name, k in sorted(zip(readable(ours), ours.values()), key=lambda row: row[0]):
        print(
            f"| {name} | {k['registers']} | {resident(k['registers'])} | {k['spills']} | {k['shared']} |"
            f" {widths(k['loads'])} | {widths(k['stores'])} |"
        )


if __name__ == "__main__":
    main()
