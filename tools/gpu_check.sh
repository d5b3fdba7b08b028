#!/usr/bin/env bash
# Checks the CUDA devices of this machine, and Polyscene on them: operators, training, sanitizers, speed. Runs from a
# build tree or an unpacked bundle (tools/bundle.sh --with-checks); --help lists the options. Exit code 0: nothing
# failed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec env PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" "$here/gpu_check" "$@"
