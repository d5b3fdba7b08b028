#!/usr/bin/env bash
# Builds and tests, as continuous integration does. From nothing it takes minutes, again it takes the tests.
#
#   tools/run_tests.sh                   everything: what continuous integration runs
#   tools/run_tests.sh --preset release  one build only: release (with the Python suite), debug, asan or tsan
#
# A suite that fails does not keep the next from running; the table at the end has all of them, the exit code is 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  sed -n '2,/^set -/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit "$1"
}

presets=(release asan debug tsan)
while (($# > 0)); do
  case "$1" in
    --preset) [[ ${2:-} =~ ^(release|debug|asan|tsan)$ ]] || usage 2; presets=("$2"); shift ;;
    --help | -h) usage 0 ;;
    *) usage 2 ;;
  esac
  shift
done

readonly reports=build/reports
summary=()  # a line per suite: name, passed, failed, skipped, seconds
timings=()

# Processor seconds of all commands so far: the cost of a stage, independent of other load on the machine.
cpu_seconds() {
  awk -v ticks="$(getconf CLK_TCK)" '{ print int(($16 + $17) / ticks) }' "/proc/$$/stat"
}

# stage NAME COMMAND...: runs the command and records its seconds. Returns the status of the command.
stage() {
  local name=$1 start=$SECONDS cpu_start status=0
  cpu_start=$(cpu_seconds)
  shift
  printf '\n=== %s\n' "$name"
  "$@" || status=$?
  timings+=("$(printf '%-16s %5d s %6d s of processors' "$name" $((SECONDS - start)) $(($(cpu_seconds) - cpu_start)))")
  return "$status"
}

# Counts passed, failed and skipped cases of reports. Lists skipped cases on stderr.
count_cases() {
  .venv/bin/python tools/suite/count_cases.py "$@"
}

# note SUITE PASSED FAILED SKIPPED
note() {
  summary+=("$(printf '%-10s %6d passed %4d failed %4d skipped' "$@")")
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
}

# ------------------------------------------------------------------------------------------------------ C++ suites

# The cases that a build runs, as a filter of GoogleTest. The failure scenarios of hosted ranks are left out under asan:
# they run the same code as those of process ranks and local ranks, and wait for as many deadlines again.
left_out_cases() {
  if [[ $1 == asan ]]; then echo "-*.EndsAllHostedRanks/*"; else echo "*"; fi
}

# Runs the tests of a build. Every test writes a report of its cases to build/PRESET/reports.
run_ctest() {
  rm -rf "build/$1/reports" "$reports/$1.xml"
  # shellcheck disable=SC2046 # options, one word each
  GTEST_FILTER=$(left_out_cases "$1") ctest --test-dir "build/$1" -j2 --output-on-failure --no-tests=error \
    --output-junit "$PWD/$reports/$1.xml" $(tools/suite/selection.sh "$1")
}

# Starts the next build in the background of this build's tests, which leave a third of the processors idle. It runs
# with nice, so it takes only what they leave.
build_process=
build_beside() {
  nice -n 19 tools/suite/build.sh "$1" >"$reports/$1.build.log" 2>&1 &
  build_process=$!
}

finish_build() {
  if [[ -z $build_process ]]; then
    tools/suite/build.sh "$1"
    return
  fi
  local status=0
  wait "$build_process" || status=$?
  build_process=
  if ((status == 0)); then tail -n 1 "$reports/$1.build.log"; else cat "$reports/$1.build.log"; fi
  return "$status"
}

# run_preset PRESET [NEXT]
run_preset() {
  local preset=$1 next=${2:-} counts built=0
  stage "build $preset" finish_build "$preset" || built=$?
  if [[ -n $next ]]; then build_beside "$next"; fi
  if ((built != 0)); then
    note "$preset" 0 1 0
    return
  fi
  # The Python suite runs beside the others, which mostly wait for deadlines.
  local python=
  if [[ $preset == release ]]; then
    rm -f "$reports/python.json"
    run_unittest >"$reports/python.out" &
    python=$!
  fi
  stage "test $preset" run_ctest "$preset" || true
  counts=$(count_cases --ctest "$reports/$preset.xml" "build/$preset/reports") || counts="0 1 0"
  # shellcheck disable=SC2086 # three numbers
  note "$preset" $counts
  if [[ -n $python ]]; then finish_python "$python"; fi
}

# --------------------------------------------------------------------------------------------------- Python's suite

# Runs the Python suite. The output of unittest goes to a log, which is printed on failure.
run_unittest() {
  .venv/bin/python tools/suite/run_unittest.py --report "$reports/python.json" --discover tests/tools >"$reports/python.log" 2>&1 || {
    cat "$reports/python.log"
    return 1
  }
  tail -n 3 "$reports/python.log"
}

# Waits for the Python suite in the given process and records its result.
finish_python() {
  local counts
  stage "rest of python" wait "$1" || true
  cat "$reports/python.out"
  counts=$(count_cases "$reports/python.json") || counts="0 1 0"
  # shellcheck disable=SC2086 # three numbers
  note python $counts
}

# ------------------------------------------------------------------------------------------------------------ all

passed=0 failed=0 skipped=0
mkdir -p "$reports"
stage "set-up" tools/setup.sh --tests
# shellcheck disable=SC1091 # written by the set-up
source .venv/env
if stage "format" tools/format.sh --check; then note format 1 0 0; else note format 0 1 0; fi
# Ranks are threads here, each with an OpenMP team. A team that waits actively would take the processor from the team
# that it waits for.
export OMP_WAIT_POLICY=PASSIVE

for ((p = 0; p < ${#presets[@]}; ++p)); do
  run_preset "${presets[p]}" "${presets[p + 1]:-}"
done

printf '\n'
printf '%s\n' "${timings[@]}" '' "${summary[@]}" ''
echo "$passed passed, $failed failed, $skipped skipped in $SECONDS s"
((failed == 0))
