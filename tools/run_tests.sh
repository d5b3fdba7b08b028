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

presets=(release asan tsan)
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

# Seconds that processors gave to commands so far: what a stage costs whatever else the machine does.
cpu_seconds() {
  awk -v ticks="$(getconf CLK_TCK)" '{ print int(($16 + $17) / ticks) }' "/proc/$$/stat"
}

# stage NAME COMMAND...: runs it and notes the seconds; its status is the command's.
stage() {
  local name=$1 start=$SECONDS cpu_start status=0
  cpu_start=$(cpu_seconds)
  shift
  printf '\n=== %s\n' "$name"
  "$@" || status=$?
  timings+=("$(printf '%-16s %5d s %6d s of processors' "$name" $((SECONDS - start)) $(($(cpu_seconds) - cpu_start)))")
  return "$status"
}

# note SUITE PASSED FAILED SKIPPED
note() {
  summary+=("$(printf '%-10s %6d passed %4d failed %4d skipped' "$@")")
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
}

# ------------------------------------------------------------------------------------------------------ C++ suites

# Which of its tests a build runs, as options of ctest.
selection() {
  case "$1" in
    # Minutes of training under a sanitizer show nothing that the others do not, nor does one suite on four rank counts.
    asan) echo "-E ^(end_to_end_(train|device|resume|export|readme|stop)|dist_mpi_test_np[124])" ;;
    tsan) echo "-R ^(dist_local|embedding_test|core_data)" ;;  # where our own threads meet; Open MPI is not built for this sanitizer
    *) echo "" ;;
  esac
}

# Programs of the selection. Tests are named after their program, those under mpirun with _np<ranks> behind, parts with
# _half<n>, with the kernels of older processors _avx2; the end-to-end tests are Python and run the program itself.
programs() {
  # shellcheck disable=SC2046 # options, one word each
  ctest --test-dir "build/$1" --show-only $(selection "$1") |
    sed -n 's/^ *Test *#[0-9]*: *//p' | sed 's/_\(np\|half\|avx\)[0-9]*$//; s/^end_to_end.*/polyscene/' | sort -u
}

build() {
  # A folder that is there stays as it was made: for people, who change a file at a time.
  local how=()
  [[ -e build/$1/CMakeCache.txt ]] || how=(-DPOLYSCENE_UNITY=ON)
  cmake --preset "$1" -DPOLYSCENE_TESTS=ON "${how[@]}" >"$reports/$1.configure.log" || {
    cat "$reports/$1.configure.log"
    return 1
  }
  local targets=all
  if [[ -n $(selection "$1") ]]; then targets=$(programs "$1"); fi
  # shellcheck disable=SC2086 # one word per target
  [[ -z $targets ]] || cmake --build --preset "$1" --target $targets
}

# Cases that a build leaves out, as a filter of GoogleTest. The failure scenarios of hosted ranks run the code of those of
# ranks as processes and of local ranks, and wait for as many deadlines again.
left_out_cases() {
  if [[ $1 == asan ]]; then echo "-*.EndsAllHostedRanks/*"; else echo "*"; fi
}

run_ctest() {
  # shellcheck disable=SC2046 # options, one word each
  GTEST_FILTER=$(left_out_cases "$1") ctest --test-dir "build/$1" -j2 --output-on-failure --no-tests=error \
    --test-output-size-passed 1000000 --output-junit "$PWD/$reports/$1.xml" $(selection "$1")
}

# Passed, failed and skipped cases. A program says at its end how many of its cases did what; ranks under mpirun all say
# the same. A program that says nothing, or that crashed, counts as one case. Skipped cases are listed on stderr.
count_cases() {
  .venv/bin/python - "$1" <<'PYTHON'
import re, sys, xml.etree.ElementTree as xml
passed = failed = skipped = 0
for test in xml.parse(sys.argv[1]).iter("testcase"):
    output = test.findtext("system-out") or ""
    said = {word: max(map(int, re.findall(r"\[  %-7s \] (\d+) tests?" % word, output)), default=0)
            for word in ("PASSED", "FAILED", "SKIPPED")}
    ok = test.get("status") == "run"
    passed += said["PASSED"] if any(said.values()) else ok
    failed += said["FAILED"] or not ok
    skipped += said["SKIPPED"]
    for name in sorted(set(re.findall(r"\[  SKIPPED \] (\w+\.\S+)$", output, re.M))):
        print("skipped:", test.get("name"), name, file=sys.stderr)
print(passed, failed, skipped)
PYTHON
}

# The next build goes on beside the tests of this one, which leave a third of the processors idle, and takes what they
# leave: nice.
build_process=
build_beside() {
  nice -n 19 bash -c "$(declare -f selection programs build); reports=$reports; build $1" >"$reports/$1.build.log" 2>&1 &
  build_process=$!
}

finish_build() {
  if [[ -z $build_process ]]; then
    build "$1"
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
    rm -f "$reports/python.counts"
    run_unittest >"$reports/python.out" &
    python=$!
  fi
  rm -f "$reports/$preset.xml"
  stage "test $preset" run_ctest "$preset" || true
  counts=$(count_cases "$reports/$preset.xml") || counts="0 1 0"
  # shellcheck disable=SC2086 # three numbers
  note "$preset" $counts
  if [[ -n $python ]]; then finish_python "$python"; fi
}

# --------------------------------------------------------------------------------------------------- Python's suite

# unittest's own report goes to a log, shown where it is needed; the counts go to a file.
run_unittest() {
  .venv/bin/python - "$reports/python.counts" >"$reports/python.log" 2>&1 <<'PYTHON' || { cat "$reports/python.log"; return 1; }
import sys, unittest
result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.discover("tests/tools"))
failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
with open(sys.argv[1], "w") as counts:
    print(max(result.testsRun - failed - len(result.skipped), 0), failed, len(result.skipped), file=counts)
sys.exit(bool(failed) or not result.testsRun)
PYTHON
  tail -n 3 "$reports/python.log"
}

# Takes in the suite that runs as the process given.
finish_python() {
  local counts
  stage "rest of python" wait "$1" || true
  cat "$reports/python.out"
  counts=$(cat "$reports/python.counts") || counts="0 1 0"
  # shellcheck disable=SC2086 # three numbers
  note python $counts
}

# ------------------------------------------------------------------------------------------------------------ all

passed=0 failed=0 skipped=0
mkdir -p "$reports"
stage "set-up" tools/setup.sh --tests
# shellcheck disable=SC1091 # written by the set-up
source .venv/env
# Ranks are threads here, each with an OpenMP team: waiting in a loop would take the processor from the one waited for.
export OMP_WAIT_POLICY=PASSIVE

for ((p = 0; p < ${#presets[@]}; ++p)); do
  run_preset "${presets[p]}" "${presets[p + 1]:-}"
done

printf '\n'
printf '%s\n' "${timings[@]}" '' "${summary[@]}" ''
echo "$passed passed, $failed failed, $skipped skipped in $SECONDS s"
((failed == 0))
