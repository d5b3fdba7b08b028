#!/usr/bin/env bash
# Brings a bare Debian 12, Ubuntu 22.04 or Ubuntu 24.04 to where CMake can configure this clone: system packages, and
# .venv/ with the Python packages that the tools use and the Arrow C++ libraries that come inside the pyarrow wheel.
# A second run finds everything in place, needs no network and ends at once.
#
#   tools/setup.sh            what it takes to build and run the program and its tools
#   tools/setup.sh --tests    what tests want, too: GoogleTest and clang-format
#
# It also writes .venv/env, to be sourced before a build: CC and CXX where the default g++ is too old, else nothing.
#
# Where you may not install packages, have someone run the command that this script prints, then run it again.
# On other systems install what the packages below contain; POLYSCENE_SETUP_PACKAGES=0 skips asking for them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  sed -n '2,/^set -/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit "$1"
}

tests=0
while (($# > 0)); do
  case "$1" in
    --tests) tests=1 ;;
    --help | -h) usage 0 ;;
    *) usage 2 ;;
  esac
  shift
done

fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

# ------------------------------------------------------------------------------------------------- system packages

package_names() {
  # libdnnl-dev's CMake files need OpenCL's headers and library, which its package only recommends.
  cat <<'LIST'
cmake ninja-build ccache git pkg-config python3-venv libopenmpi-dev openmpi-bin libprotobuf-dev protobuf-compiler
libgoogle-glog-dev libonnx-dev libdnnl-dev ocl-icd-opencl-dev libhwy-dev libcli11-dev nlohmann-json3-dev libxxhash-dev libzstd-dev
LIST
  if ((tests)); then echo libgtest-dev libgmock-dev; fi
  # The default g++ of Ubuntu 22.04 is 11, which lacks parts of C++20 that we use; g++-12 is available there.
  if grep -qs '^VERSION_ID="22.04"' /etc/os-release; then echo g++-12; else echo g++; fi
}

missing_packages() {
  local name
  for name in $(package_names); do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
  done
}

# Never asks for a password, since this script runs in CI and before unattended builds.
apt_as_root() {
  local command=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@")
  if ((EUID == 0)); then "${command[@]}"; else sudo -n "${command[@]}"; fi
}

install_packages() {
  [[ ${POLYSCENE_SETUP_PACKAGES:-1} != 0 ]] || return 0
  if ! command -v apt-get >/dev/null; then
    fail "this system has no apt-get; install the equivalents of" "$(package_names | xargs)" \
      "and run again with POLYSCENE_SETUP_PACKAGES=0"
  fi
  local missing
  missing=$(missing_packages | xargs)
  [[ -n $missing ]] || return 0

  local by_hand="apt-get update && apt-get install -y $missing"
  if ((EUID != 0)) && ! sudo -n true 2>/dev/null; then
    fail "missing: $missing" "There is neither root nor password-less sudo to install it with. As root, run" "  $by_hand"
  fi
  echo "setup: installing $missing"
  # An old package list may name versions that are gone. Without network the old list may still be enough, so a failure
  # does not end the script.
  apt_as_root update || echo "setup: apt-get update failed; trying with the package lists at hand" >&2
  # shellcheck disable=SC2086 # one word per package
  apt_as_root install -y --no-install-recommends $missing >/dev/null ||
    fail "apt-get, whose message stands above, could not install: $(missing_packages | xargs)" \
      "Is the network up? On Ubuntu, is 'universe' enabled (add-apt-repository universe)? By hand, as root:" \
      "  $by_hand"
}

# ------------------------------------------------------------------------------------------------- Python and Arrow

# Finds the first python3 that can make the environment: the one in PATH, else the system's.
find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 14))' \
      2>/dev/null; then
      echo "$python"
      return
    fi
  done
  fail "neither the python3 in PATH ($(python3 --version 2>&1)) nor /usr/bin/python3 is 3.9 to 3.14 with venv." \
    "Install python3-venv, or put such a python3 first in PATH"
}

# The inputs of .venv/: the pins, and the folder, since an environment that was moved or copied still has its old paths.
stamp() {
  echo "$PWD"
  grep -v '^#' tools/requirements.txt
}

environment_is_current() {
  [[ -e .venv/arrow/include && "$(cat .venv/stamp 2>/dev/null)" == "$(stamp)" ]] && .venv/bin/python -c '' 2>/dev/null
}

# install_pins FILE
install_pins() {
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r "$1" ||
    fail "pip, whose message stands above, could not install the pins of $1." \
      "Is the network up? Behind a mirror, set PIP_INDEX_URL"
}

make_environment() {
  if environment_is_current; then return; fi
  local python arrow
  python=$(find_python)
  echo "setup: making .venv/ with $("$python" --version)"
  "$python" -m venv --clear .venv || fail "$python could not make .venv/; install python3-venv"
  install_pins tools/requirements.txt
  # CMakePresets.json needs a path without Python's version. The link is relative, so that it holds in a container's
  # mount.
  arrow=$(.venv/bin/python -c 'import os, pyarrow; print(os.path.relpath(os.path.dirname(pyarrow.__file__), ".venv"))')
  ln -sfn "$arrow" .venv/arrow
  stamp >.venv/stamp
}

# Installs the pins of the tests into the same environment; a copy of the pins records that they are installed.
add_tests() {
  if cmp -s tools/requirements-tests.txt .venv/stamp-tests; then return; fi
  install_pins tools/requirements-tests.txt
  cp tools/requirements-tests.txt .venv/stamp-tests
}

# -------------------------------------------------------------------------------------------------------- compiler

# Chooses the compiler: the caller's CXX, else g++ if it is 12 or newer, else the newest g++-N.
write_compiler() {
  local version newer
  version=$("${CXX:-g++}" -dumpversion 2>/dev/null) || version=0
  if [[ -n ${CXX:-} ]] || ((${version%%.*} >= 12)); then
    : >.venv/env
    return
  fi
  for newer in 14 13 12; do
    if command -v "g++-$newer" >/dev/null; then
      echo "export CC=gcc-$newer CXX=g++-$newer" >.venv/env
      return
    fi
  done
  fail "g++ 12 or newer is needed, found ${version/#0/none}; install g++-12, or set CXX"
}

# If several runs start at once, one does the work and the others wait: this file itself is the lock.
exec 9<"${BASH_SOURCE[0]}"
if command -v flock >/dev/null; then flock 9; fi
install_packages
make_environment
if ((tests)); then add_tests; fi
write_compiler
