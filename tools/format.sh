#!/usr/bin/env bash
# Formats every tracked C++ and CUDA file in place; with --check changes nothing and fails where something would change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  echo "usage: tools/format.sh [--check]" >&2
  exit 2
}

options=(-i)
case "${1:-}" in
  '') ;;
  --check) options=(--dry-run --Werror) ;;
  *) usage ;;
esac
(($# <= 1)) || usage

if ! command -v clang-format >/dev/null; then
  echo "format: clang-format is missing; install it with: apt-get install clang-format" >&2
  exit 1
fi
git ls-files -z -- '*.h' '*.cc' '*.cu' | xargs -0 --no-run-if-empty clang-format --style=file "${options[@]}"
