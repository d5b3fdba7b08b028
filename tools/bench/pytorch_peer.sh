#!/usr/bin/env bash
# Runs pytorch_peer.py in the environment of pytorch_peer_setup.sh with the best settings of allocator and threads. All
# arguments are passed on. See tools/bench/README.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ ! -f $here/../../.venv-peer/ready ]]; then
  bash "$here/pytorch_peer_setup.sh" >&2
fi
# A step frees and allocates hundreds of megabytes. jemalloc is told to keep them (by default it returns large blocks at
# once), which avoids page faults that would otherwise cost as much as the arithmetic.
LD_PRELOAD=$(ldconfig -p | awk '/libjemalloc\.so\.2/ && !n++ { print $NF }')
export LD_PRELOAD
export MALLOC_CONF=${MALLOC_CONF:-oversize_threshold:0,background_thread:true,metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1}
exec "$here/../../.venv-peer/bin/python" "$here/pytorch_peer.py" "$@"
