#!/usr/bin/env python3
"""Scores the sample of an exported model with ONNX Runtime.

    tools/onnx/score.py VERSION                 prints rows/s and milliseconds of one thread
    tools/onnx/score.py --check VERSION         exit code 1 if probabilities differ from Polyscene's by more than 1e-6

VERSION is a folder that `polyscene export --format onnx` wrote, e.g. exports/3; --model and --sample take other files,
such as what `serve_bench --onnx-sample` writes. `polyscene export --onnx-check "python3 tools/onnx/score.py --check"`
publishes nothing that fails here. Needs onnxruntime, numpy and safetensors, which .venv/bin/python has.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-6


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", type=pathlib.Path, nargs="?", help="folder of an exported version")
    parser.add_argument("--model", type=pathlib.Path, help="ONNX model (default: VERSION/onnx/model.onnx)")
    parser.add_argument("--sample", type=pathlib.Path, help="rows to score (default: VERSION/onnx/sample.safetensors)")
    parser.add_argument("--check", action="store_true", help="compare with Polyscene, without timing")
    parser.add_argument("--threads", type=int, default=1, help="threads of ONNX Runtime (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="seconds of timing (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(words)
    if options.version is None and (options.model is None or options.sample is None):
        parser.error("wanted VERSION, or both --model and --sample")
    options.model = options.model or options.version / "onnx/model.onnx"
    options.sample = options.sample or options.version / "onnx/sample.safetensors"
    return options


def open_session(path, threads):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])


def main(words):
    options = parse(words)
    for file in (options.model, options.sample):
        if not file.exists():
            print(f"score.py: there is no {file}; polyscene export --format onnx writes one, its sample with --sample above 0",
                  file=sys.stderr)
            return 1
    sample = load_file(options.sample)
    wanted = 1 / (1 + np.exp(-sample.pop("logit").astype(np.float64)))
    session = open_session(options.model, options.threads)
    names = {i.name for i in session.get_inputs()}
    inputs = {name: values for name, values in sample.items() if name in names}
    (got,) = session.run(["probability"], inputs)
    largest = float(np.abs(got.astype(np.float64) - wanted).max())
    agree = got.shape == wanted.shape and largest <= TOLERANCE
    print(f"ONNX Runtime {onnxruntime.__version__}: {len(wanted)} rows, probabilities differ by at most {largest:.1e} "
          f"({'as wanted' if agree else 'wanted at most'}{'' if agree else f' {TOLERANCE:.0e}'})", file=sys.stderr if options.json else sys.stdout)
    if options.check or not agree:
        return 0 if agree else 1
    times = []
    until = time.perf_counter() + options.seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        session.run(["probability"], inputs)
        times.append(time.perf_counter() - start)
    times = np.sort(times)
    figures = {"rows": len(wanted), "median_ms": 1e3 * float(np.median(times)), "p99_ms": 1e3 * float(times[int(0.99 * (len(times) - 1))]),
               "rows_per_s": len(wanted) / float(np.median(times)), "onnxruntime": onnxruntime.__version__}
    if options.json:
        print(json.dumps(figures))
    else:
        print(f"{figures['rows_per_s']:,.0f} rows/s; median {figures['median_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
