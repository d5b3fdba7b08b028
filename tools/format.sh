#!/usr/bin/env bash
# Formats C++ and CUDA files, and looks for mistakes in them.
#
#   tools/format.sh           formats every tracked file in place, with clang-format 14
#   tools/format.sh --check   changes nothing and fails where something would change
#   tools/format.sh --tidy    runs clang-tidy over the sources that differ from main; wants build/release built
#
# Versions of clang-format differ in what they do. The one of tools/setup.sh --tests is taken, else version 14 in PATH.
# clang-tidy is not installed by it, since it is large: apt-get install clang-tidy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  sed -n '2,/^set -/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit "$1"
}

fail() {
  printf 'format: %s\n' "$@" >&2
  exit 1
}

find_clang_format() {
  local program
  for program in .venv/bin/clang-format clang-format-14 clang-format; do
    if [[ $("$program" --version 2>/dev/null) == *"version 14."* ]]; then
      echo "$program"
      return
    fi
  done
  fail "wanted clang-format 14, got $(clang-format --version 2>/dev/null || echo none); try tools/setup.sh --tests"
}

format() {
  local program
  program=$(find_clang_format)
  git ls-files -z -- '*.h' '*.hpp' '*.cc' '*.cu' |
    xargs -0 --no-run-if-empty -n 40 -P "$(nproc)" "$program" --style=file "$@" ||
    fail "files that stand above are not formatted; try tools/format.sh"
}

# Sources that the branch or the working tree changes. Sources for nvcc are excluded, since clang-tidy cannot read them.
changed_sources() {
  local base
  base=$(git merge-base HEAD main 2>/dev/null || git merge-base HEAD origin/main 2>/dev/null) ||
    fail "wanted a branch main or origin/main to compare with, got none; try git fetch origin main"
  git diff --name-only --diff-filter=d "$base" -- '*.cc' | { grep -v '_cuda\.cc$' || true; }
}

tidy() {
  local files
  command -v clang-tidy >/dev/null ||
    fail "wanted clang-tidy, got none; try apt-get install clang-tidy. Nothing was looked at"
  [[ -e build/release/compile_commands.json ]] ||
    fail "wanted build/release/compile_commands.json, got none; try cmake --preset release && cmake --build --preset release"
  files=$(changed_sources)
  if [[ -z $files ]]; then
    echo "format: no source differs from main"
    return
  fi
  xargs --no-run-if-empty -n 1 -P "$(nproc)" clang-tidy -p build/release --quiet <<<"$files" ||
    fail "clang-tidy's findings stand above"
}

(($# <= 1)) || usage 2
case "${1:-}" in
  '') format -i ;;
  --check) format --dry-run --Werror ;;
  --tidy) tidy ;;
  --help | -h) usage 0 ;;
  *) usage 2 ;;
esac
