#!/usr/bin/env bash
# Makes .venv-peer/ in the clone: PyTorch for tools/bench/pytorch_peer.py. Nothing else uses it, and CI never does.
#
# The registry's wheel is built for CUDA and depends on some 2 GB of CUDA wheels. A CPU run never calls them, but
# PyTorch's libraries do not load without them. So stubs replace the libraries that this machine lacks; they answer
# every call with "no device" (100). PyTorch then runs on the CPU exactly as on a machine whose GPU is switched off.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly venv="$PWD/.venv-peer"
readonly pins=(
  torch==2.15.0 numpy==2.4.6 pyarrow==26.0.1
  filelock typing-extensions sympy networkx jinja2 fsspec mpmath markupsafe  # imported by `import torch`
  setuptools                                                                 # imported by torch.compile
)

fail() {
  printf 'pytorch_peer_setup: %s\n' "$*" >&2
  exit 1
}

install_packages() {
  local missing=() as_root=()
  command -v g++ >/dev/null || missing+=(g++)
  ldconfig -p | grep 'libjemalloc\.so\.2' >/dev/null || missing+=(libjemalloc2)
  if ((${#missing[@]} == 0)); then return; fi
  ((EUID == 0)) || as_root=(sudo -n)
  "${as_root[@]}" apt-get update -qq || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null ||
    fail "could not install ${missing[*]}; install by hand and run again"
}

install_torch() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "needs python3 >= 3.11 in PATH"
  python3 -m venv --clear "$venv"
  echo '*' >"$venv/.gitignore"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "${pins[@]}" ||
    fail "pip could not install ${pins[*]}; is the package index reachable?"
}

# Makes one stub per missing library, each with every function that is still undefined. This is enough to load PyTorch:
# functions are bound when they are first called, and a library without versions satisfies any requested version.
stub_missing_cuda() {
  local missing
  cd "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch/lib"
  missing=$(ldd ./*.so | awk '/not found/ { print $1 }' | sort -u)
  if [[ -z $missing ]]; then return; fi
  ldd -r ./*.so 2>&1 | sed -n 's/^undefined symbol: \([A-Za-z0-9_]*\).*/\1/p' | grep -E '^(_?_?cu|nccl|nvshmem|nv)' |
    sort -u | sed 's/.*/int &(void) { return 100; }/' >"$venv/stub.c"
  for library in $missing; do
    gcc -w -fno-builtin -shared -fPIC -Wl,-soname,"$library" -o "$library" "$venv/stub.c"
  done
}

install_packages
install_torch
stub_missing_cuda
cd "$venv"
bin/python -c 'import torch; print("PyTorch", torch.__version__, "is ready")'
touch ready  # pytorch_peer.sh looks for it
