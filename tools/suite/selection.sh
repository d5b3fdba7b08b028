#!/usr/bin/env bash
# Prints which of its tests a build runs, as options of ctest: selection.sh PRESET
set -euo pipefail

case "$1" in
  # The excluded tests take minutes under a sanitizer and reach no code that the other tests do not reach.
  asan) echo "-E ^(end_to_end_(train|device|resume|best_model|export|install|readme|stop)|dist_mpi_test_np[124])" ;;
  # Only an unoptimised build checks these: the standard library's assertions, and names that two files define differently.
  debug) echo "-R ^(dist_local_test|dist_mpi_test_np2|core_(text|files|config|features|data|metrics|run|checkpoint)_test)" ;;
  # Tests of code that our own threads share. Open MPI is not built for this sanitizer.
  tsan) echo "-R ^(dist_local|embedding_test|core_data)" ;;
  *) echo "" ;;
esac
