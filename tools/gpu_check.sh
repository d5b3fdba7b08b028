#!/usr/bin/env bash
# Judges the CUDA devices of this machine, and Polyscene on them: operators, training, sanitizers, speed. From a build tree
# or an unpacked bundle (tools/bundle.sh --with-checks); --help has the options. Exit code 0: nothing failed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec env PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" "$here/gpu_check" "$@"
