#!/usr/bin/env bash
# From a bare clone to a trained model and its metrics per scenario: sets up, builds the program, trains SFPNet on the
# sample of KuaiRand-Pure in configs/data/demo with two ranks under mpirun, evaluates it. No GPU, no download of data.
#
#   tools/run_demo.sh [--set field=value]...     overrides of configs/experiments/demo.pbtxt
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly binary=build/release/bin/polyscene
readonly ranks=2

# Open MPI refuses to run as root, the usual user in containers, and with more ranks than cores, of which a small
# machine has one. With keepalives it ends when a host is cut off, in case a hostfile in the environment names other
# hosts.
mpi_options() {
  echo "-np $ranks --bind-to none --oversubscribe"
  echo "--mca oob_tcp_keepalive_time 5 --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 2"
  if ((EUID == 0)); then echo "--allow-run-as-root"; fi
}

# The first runs/demo-<n> that does not exist.
new_run() {
  local n=1
  while [[ -e runs/demo-$n ]]; do n=$((n + 1)); done
  echo "runs/demo-$n"
}

tools/setup.sh
# shellcheck disable=SC1091 # written by the set-up
source .venv/env
echo "demo: building build/release/bin/polyscene (minutes the first time)"
tools/with_progress.sh cmake --preset release
tools/with_progress.sh cmake --build --preset release --target polyscene

run=$(new_run)
echo "demo: training on $ranks ranks into $run"
# shellcheck disable=SC2046 # options, one word each
mpirun $(mpi_options) "$binary" train --config configs/experiments/demo.pbtxt --output "$run" "$@"
echo
echo "demo: test split"
"$binary" evaluate --run "$run" --split test

cat <<END

The run is in $PWD/$run:
$(find "$run" -mindepth 1 -maxdepth 2 -not -path '*/rejects/*' -printf '  %P\n' | sort)
Go on from here:
  $binary evaluate --run $run --split valid
  $binary train --config configs/experiments/demo.pbtxt --output runs/mine --set model.sfpnet.blocks=3
END
