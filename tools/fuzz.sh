#!/usr/bin/env bash
# Searches for inputs on which the readers of files and the serving library break, by libFuzzer: what tests/fuzz does
# with a fixed number of inputs, without end. Builds the product with clang in build/fuzz, under the address and
# undefined-behaviour sanitizers.
#
#   tools/fuzz.sh                          every target for 60 seconds
#   tools/fuzz.sh --seconds 600 manifest   one of safetensors, rows, manifest, export, calls
#
# Inputs that reached new code are kept in build/fuzz/corpus/TARGET, one that broke a reader in build/fuzz/found. What is
# found wants a line in tests/fuzz/fuzz_test.cc.
#
# Wants clang 19 or newer with its run-time libraries and OpenMP, in PATH or named by CC and CXX:
#   apt-get install clang-19 libclang-rt-19-dev libomp-19-dev
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  sed -n '2,/^set -/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit "$1"
}

seconds=60
targets=()
while (($# > 0)); do
  case "$1" in
    --seconds) [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || usage 2; seconds=$2; shift ;;
    --help | -h) usage 0 ;;
    safetensors | rows | manifest | export | calls) targets+=("$1") ;;
    *) usage 2 ;;
  esac
  shift
done
((${#targets[@]} > 0)) || targets=(safetensors rows manifest export calls)

# Chooses the compiler: CXX if it is clang, else the newest clang++ in PATH.
choose_clang() {
  local suffix
  if [[ ${CXX:-} != *clang* ]]; then
    for suffix in -{22..19} ''; do
      if command -v "clang++$suffix" >/dev/null; then break; fi
    done
    export CC=clang$suffix CXX=clang++$suffix
  fi
  local version
  version=$("$CXX" -dumpversion 2>/dev/null) || version=0
  if ((${version%%.*} < 19)); then
    echo "fuzz: wanted clang 19 or newer, found ${version/#0/none}; apt-get install clang-19 libclang-rt-19-dev libomp-19-dev" >&2
    exit 1
  fi
}

readonly build=build/fuzz
tools/setup.sh --tests
choose_clang
mkdir -p "$build/found"
# Warnings are off, since the product is kept free of GCC's warnings and not of clang's.
cmake --preset release -B "$build" -DPOLYSCENE_UNITY=ON -DPOLYSCENE_TESTS=ON -DPOLYSCENE_BENCH=OFF \
  -DPOLYSCENE_CUDA=OFF -DPOLYSCENE_SANITIZE=fuzzer-no-link,address,undefined -DCMAKE_CXX_FLAGS=-w \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" >"$build/configure.log" || {
  cat "$build/configure.log"
  exit 1
}
cmake --build "$build" --target "${targets[@]/#/fuzz_}"

# The targets' input files are here, so that they are removed even if a target crashes.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0
for target in "${targets[@]}"; do
  printf '\n=== %s\n' "$target"
  corpus=$build/corpus/$target
  mkdir -p "$corpus"
  # Inputs are kept small, so that an allocation which is too large for its input is detected.
  TMPDIR=$scratch "$build/bin/fuzz_$target" -max_total_time="$seconds" -max_len=65536 -malloc_limit_mb=16 -timeout=10 \
    -print_final_stats=1 -print_funcs=0 -verbosity=0 -artifact_prefix="$build/found/$target-" "$corpus" || status=1
done
exit "$status"
