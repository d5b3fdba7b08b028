#!/usr/bin/env bash
# Which of its tests a build runs, as options of ctest: selection.sh PRESET
set -euo pipefail

case "$1" in
  # Minutes of training under a sanitizer show nothing that the others do not, nor does one suite on four rank counts.
  asan) echo "-E ^(end_to_end_(train|device|resume|export|install|readme|stop)|dist_mpi_test_np[124])" ;;
  # Where our own threads meet; Open MPI is not built for this sanitizer.
  # What only an unoptimised build shows: assertions of the standard library, and names that two files define differently.
  debug) echo "-R ^(dist_local_test|dist_mpi_test_np2|core_(text|files|config|features|data|metrics|run|checkpoint)_test)" ;;
  tsan) echo "-R ^(dist_local|embedding_test|core_data)" ;;
  *) echo "" ;;
esac
