"""Goals of the kernel benchmarks: shares of a limit measured in the same run, keys per second, ratios."""

from .report import FAIL, INFO, Line, judged

COPY = {"dap": 0.75, "gate": 0.75, "rtm beside its products": 0.75}  # share of the speed of a copy of the same bytes
ROWS = {"static forward": 0.75, "backward + SGD": 0.65, "backward + Adam": 0.65}
KEYS = {  # per second
    "find, half full": 5e9,
    "find or insert, half full, all known": 2.5e9,
    "insert and evict, full": 1.2e9,
}
HASHED, STATIC, HASHED_OVER_STATIC = "hash table forward, keys from the host", "static forward", 1.8


def at_least(name, value, goal, show):
    return judged("speed", name, value >= goal, figure=show(value), goal=f">= {show(goal)}", data={"value": value})


def percent(share):
    return f"{100 * share:.0f} % of copy"


def giga_keys(keys_per_s):
    return f"{keys_per_s / 1e9:.2f} G keys/s"


def missing(name):
    return Line("speed", name, FAIL, note="not among what was measured")


def judge_kernels(measured):
    """Judges the output of kernels_bench, which has each product kernel once per precision."""
    kernels = measured["kernels"]
    copy = measured["copy_bytes_per_s"]
    yield Line(
        "speed", "kernels_bench", INFO, figure=f"{len(kernels)} kernels, copy {copy / 1e9:.0f} GB/s", data=measured
    )
    for name, goal in COPY.items():
        found = [k for k in kernels if k["name"] == name]
        if not found:
            yield missing(name)
        for kernel in found:
            yield at_least(f"{name} {kernel['precision']}".strip(), kernel["share"], goal, percent)


def judge_rows(measured):
    """Judges the output of embedding_gpu_bench."""
    by_name = {result["name"]: result for result in measured}
    yield Line("speed", "embedding_gpu_bench", INFO, figure=f"{len(by_name)} figures", data={"results": measured})
    for name, goal in ROWS.items():
        yield at_least(name, by_name[name]["share_of_copy"], goal, percent) if name in by_name else missing(name)
    for name, goal in KEYS.items():
        found = by_name.get(name)
        yield at_least(name, found["keys"] / found["seconds"], goal, giga_keys) if found else missing(name)
    name = "hash table over static, forward"
    if HASHED in by_name and STATIC in by_name:
        ratio = by_name[HASHED]["seconds"] / by_name[STATIC]["seconds"]
        goal = f"<= {HASHED_OVER_STATIC}"
        yield judged("speed", name, ratio <= HASHED_OVER_STATIC, figure=f"{ratio:.2f} times", goal=goal)
    else:
        yield missing(name)


BENCHES = {"kernels_bench": judge_kernels, "embedding_gpu_bench": judge_rows}
