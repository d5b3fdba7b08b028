#!/usr/bin/env bash
# Builds what the tests of a preset need: build.sh PRESET. CMake's output goes to build/reports/PRESET.configure.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly preset=$1 log=build/reports/$1.configure.log
selection=$(tools/suite/selection.sh "$preset")

# The programs of the selected tests. A test is named after its program, followed by _np<ranks> under mpirun, _half<n>
# for a part, _avx2 with the kernels of older processors. The end-to-end tests are Python and run the program itself.
programs() {
  # shellcheck disable=SC2086 # options, one word each
  ctest --test-dir "build/$preset" --show-only $selection |
    sed -n 's/^ *Test *#[0-9]*: *//p' | sed 's/_\(np\|half\|avx\)[0-9]*$//; s/^end_to_end.*/polyscene/' | sort -u
}

# An existing folder keeps its configuration, for developers who change one file at a time.
how=(-DPOLYSCENE_TESTS=ON)
[[ -e build/$preset/CMakeCache.txt ]] || how+=(-DPOLYSCENE_UNITY=ON -DPOLYSCENE_PCH=ON)
mkdir -p "${log%/*}"
cmake --preset "$preset" "${how[@]}" >"$log" || {
  cat "$log"
  exit 1
}
targets=all
if [[ -n $selection ]]; then targets=$(programs); fi
# shellcheck disable=SC2086 # one word per target
[[ -z $targets ]] || cmake --build --preset "$preset" --target $targets
