#!/usr/bin/env python3
"""Measures training steps of Polyscene and of the PyTorch peer in turn on the same cores: samples/s and their ratio.

    tools/bench/compare_peer.py --data runs/data/kuairand [--rounds 3] [--threads 2] [--cases sfpnet:4096 sfpnet:128 mlp:4096]
"""

import argparse
import json
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = {4096: (8, 4), 128: (100, 40)}  # steps of the peer; batches of Polyscene, each used three times


def last_json(command):
    done = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=pathlib.Path, help="output folder of tools/data/kuairand.py")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each program (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each program (%(default)s)")
    parser.add_argument("--bench", default=str(ROOT / "build/release/bin/train_bench"), help="path of train_bench")
    parser.add_argument("--peer", default=str(ROOT / "tools/bench/pytorch_peer.sh"), help="path of the peer")
    parser.add_argument("--cases", nargs="+", default=["sfpnet:4096", "sfpnet:128", "mlp:4096"], metavar="MODEL:BATCH")
    arguments = parser.parse_args()
    data = arguments.data.resolve()

    print("| case | peer samples/s | Polyscene samples/s | ratio (per round) | dense share of sgemm peak |")
    print("|---|---|---|---|---|")
    for case in arguments.cases:
        model, batch = case.split(":")
        steps, batches = STEPS.get(int(batch), (30, 10))
        peers, ours, shares = [], [], []
        for _ in range(arguments.rounds):
            peers.append(last_json(["bash", arguments.peer, "--model", model, "--batch", batch, "--steps", steps, "--data",
                                    data / "train", "--threads", arguments.threads])["samples_per_s"])
            result = last_json([arguments.bench, "--config", ROOT / f"configs/experiments/kuairand_{model}.pbtxt", "--set",
                                f"data.root={data}", "--set", "train.virtual_ranks=0", "--batch", batch, "--batches",
                                batches, "--rounds", 3, "--threads", arguments.threads, "--json"])
            ours.append(result["samples_per_s"])
            shares.append(result["dense_share_of_peak"])
        ratios = [a / b for a, b in zip(ours, peers)]
        print(f"| {model}, batch {batch} | {statistics.median(peers):,.0f} | {statistics.median(ours):,.0f} | "
              f"{statistics.median(ratios):.2f} ({', '.join(f'{r:.2f}' for r in ratios)}) | "
              f"{statistics.median(shares):.2f} |", flush=True)


if __name__ == "__main__":
    main()
