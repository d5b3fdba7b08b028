"""Benchmarks of the device, and training steps compared with PyTorch's on the same device and data."""

import importlib.util
import json
import sys

from . import kernels
from .report import ABSENT, FAIL, INFO, Line, judged

BENCH_LIMIT_S = 90
PEER_LIMIT_S = 120
LARGE, TINY = 16384, 16
TINY_STEP_MS = 0.35
GOALS = {"eager": 5.0, "torch.compile": 2.0}
# Ways to run the peer; the fastest of each kind counts.
PEERS = {
    ("eager", "packed"): [],
    ("eager", "padded"): ["--layout", "padded"],
    ("torch.compile", "padded"): ["--layout", "padded", "--compile"],
}


def programs(check):
    for name, judge in kernels.BENCHES.items():
        program = check.place.program(name)
        if program is None:
            yield Line("speed", name, ABSENT, note=f"no {name} in {check.place.bin}")
            continue
        file = check.runner.logs / f"{name}.json"
        file.unlink(missing_ok=True)
        done = check.runner.run(name, [program, "--json", file], BENCH_LIMIT_S)
        if not done.ok:
            yield Line("speed", name, FAIL, note=done.why())
            continue
        try:
            yield from judge(json.loads(file.read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield Line("speed", name, FAIL, note=f"what it wrote is not understood: {type(error).__name__} {error}")


def train_bench(check, batch, precision, batches):
    program = check.place.program("train_bench")
    if program is None:
        return f"no train_bench in {check.place.bin}"
    settings = f"--set train.virtual_ranks=0 --set train.precision={precision} --batch {batch} --batches {batches}"
    where = ["--config", check.place.experiment("sfpnet"), "--set", f"data.root={check.place.demo()}"]
    command = [program, *where, *settings.split(), *"--rounds 5 --device cuda --json".split()]
    done = check.runner.run(f"train_bench-{batch}-{precision.lower()}", command, BENCH_LIMIT_S)
    try:
        return done.json() if done.ok else done.why()
    except ValueError as error:
        return str(error)


def peer(check, kind, layout, options):
    file = check.place.root / "tools/bench/demo.npz"
    data = file if file.exists() else check.place.demo() / "train"
    script = check.place.root / "tools/bench/pytorch_peer.py"
    settings = f"--device cuda --precision bf16 --batch {LARGE} --steps 20"
    command = [sys.executable, script, *settings.split(), "--data", data, *options]
    done = check.runner.run(f"peer-{kind}-{layout}", command, PEER_LIMIT_S, check.plain_environment)
    try:
        return done.json() if done.ok else done.why()
    except ValueError as error:
        return str(error)


def steps(check):
    """Steps of SFPNet from configs/models (d 16, L 50, K 2) on the demo's rows."""
    tiny = train_bench(check, TINY, "FP32", 200)
    if isinstance(tiny, str):
        yield Line("speed", f"SFPNet step, batch {TINY}", FAIL, note=tiny)
    else:
        yield judged(
            "speed",
            f"SFPNet step, batch {TINY}: fixed cost",
            tiny["step_ms"] <= TINY_STEP_MS,
            data=tiny,
            figure=f"{tiny['step_ms']:.3f} ms",
            goal=f"<= {TINY_STEP_MS} ms",
        )
    ours = {}
    for precision in ("FP32", "TF32", "BF16"):
        name = f"SFPNet step, batch {LARGE}, {precision.lower()}"
        ours[precision] = train_bench(check, LARGE, precision, 16)
        if isinstance(ours[precision], str):
            yield Line("speed", name, FAIL, note=ours[precision])
            continue
        figures = ours[precision]
        yield Line("speed", name, INFO, data=figures, figure=f"{figures['samples_per_s']:,.0f} samples/s")
        yield judged(
            "speed",
            f"{name}: host waits",
            figures["waits_per_step"] == 0,
            goal="0",
            figure=f"{figures['waits_per_step']:.2f} per step",
        )
    yield from beside_peer(check, ours["BF16"])


def beside_peer(check, ours):
    name = f"SFPNet step, batch {LARGE}, bf16, against PyTorch"
    if importlib.util.find_spec("torch") is None:
        yield Line("speed", name, ABSENT, note=f"{sys.executable} has no PyTorch; PYTHON=... picks another")
        return
    peers, failed = {}, {}
    for (kind, layout), options in PEERS.items():
        figures = peer(check, kind, layout, options)
        if isinstance(figures, str):
            failed[kind] = f"{layout}: {figures}"
            yield Line("speed", f"PyTorch {kind}, {layout}", FAIL, note=figures)
            continue
        yield Line(
            "speed",
            f"PyTorch {kind}, {layout}",
            INFO,
            figure=f"{figures['samples_per_s']:,.0f} samples/s",
            data=figures,
        )
        peers[kind] = max(peers.get(kind, 0), figures["samples_per_s"])
    for kind, goal in GOALS.items():
        if isinstance(ours, str) or kind not in peers:
            yield Line("speed", f"{name} {kind}", FAIL, goal=f">= {goal:g}", note="one of the two has no figure")
            continue
        ratio = ours["samples_per_s"] / peers[kind]
        yield judged(
            "speed",
            f"{name} {kind}",
            ratio >= goal,
            figure=f"{ratio:.2f} times",
            goal=f">= {goal:g}",
            data={"ratio": ratio},
            note=failed.get(kind, ""),
        )
