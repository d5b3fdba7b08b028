#!/usr/bin/env bash
# Runs a build and shows its progress, the "[n/m]" of its lines: on one line of a terminal, otherwise as a line for every
# tenth. If the build fails, prints its whole output.
#
#   tools/with_progress.sh COMMAND [ARGUMENT]...
set -euo pipefail

log=$(mktemp)
readonly log
trap 'rm -f "$log"' EXIT

show() {
  local line tenth shown=0
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    tenth=$((BASH_REMATCH[1] * 10 / BASH_REMATCH[2]))
    if [[ -t 1 ]]; then
      printf '\rbuilding %s ' "${BASH_REMATCH[0]}"
      shown=1
    elif ((tenth > shown)); then
      echo "building ${BASH_REMATCH[0]}"
      shown=$tenth
    fi
  done
  if [[ -t 1 && $shown == 1 ]]; then echo; fi
}

"$@" 2>&1 | tee "$log" | show || {
  cat "$log" >&2
  echo "failed: $*" >&2
  exit 1
}
