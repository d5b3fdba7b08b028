#!/usr/bin/env bash
# Packs build/release into one archive that runs on any x86-64 Linux with AVX2 and the glibc that it names, at most that of
# this machine; --device cuda there wants the NVIDIA driver and, for products, cuBLASLt. Everything else comes along:
# libraries, Open MPI, configurations, the demo's data, licences.
#
#   tools/bundle.sh [--output FILE] [--with-checks] [--build DIR]
#
#   --output FILE   .tar.gz or .tar.zst; default: build/polyscene-VERSION-linux-x86_64.tar.gz
#   --with-checks   tools/gpu_check.sh too, and the programs that it runs
#   --build DIR     what to pack; default: build/release
#
# Our programs find their libraries by a path relative to themselves. Open MPI's programs, which we do not link, are
# started through the loader with that path as an option. So LD_LIBRARY_PATH is not set: child processes of ranks and
# mpirun would inherit it, for example ssh, and load libraries that they were not built for.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root

usage() {
  sed -n '2,/^#   --build/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit "$1"
}

fail() {
  printf 'bundle: %s\n' "$@" >&2
  exit 1
}

build=$root/build/release
output=''
checks=0
while (($# > 0)); do
  case "$1" in
    --output) [[ ${2:-} =~ \.tar\.(gz|zst)$ ]] || usage 2; output=$2; shift ;;
    --build) build=$(cd "${2:-}" 2>/dev/null && pwd) || fail "wanted --build with a folder, got \"${2:-}\""; shift ;;
    --with-checks) checks=1 ;;
    --help | -h) usage 0 ;;
    *) usage 2 ;;
  esac
  shift
done

[[ -x $build/bin/polyscene ]] ||
  fail "no bin/polyscene in $build; build it first: cmake --preset release && cmake --build --preset release"
version=$("$build/bin/polyscene" version | awk '{ print $2 }')
readonly name=polyscene-$version-linux-x86_64
output=${output:-$root/build/$name.tar.gz}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
readonly stage=$work/$name

# ------------------------------------------------------------------------------------------------------- libraries

# Libraries of glibc, which are the target machine's own. Their version is the bundle's only requirement.
readonly glibc='^(ld-linux-x86-64|lib(c|m|mvec|dl|rt|pthread|util|resolv|nsl|anl|nss_[a-z]+|thread_db|BrokenLocale))\.so'
# Libraries of fabrics belong to the kernel drivers of a machine, like CUDA's. Debian's configuration of Open MPI also
# disables the plug-ins that need them; NCCL finds them by itself.
readonly fabric='lib(ucp|ucs|uct|ucm|fabric|ibverbs|rdmacm|psm2|psm_infinipath|efa|oshmem)\.so'

# Every library that the given files need, one path per line.
needed() {
  local missing
  missing=$(ldd "$@" 2>/dev/null | awk '/not found/ { print $1 }' | sort -u | xargs)
  [[ -z $missing ]] || fail "libraries that are not to be found here: $missing"
  ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u
}

# copy_libraries FILE...: copies the libraries that the files need into lib, under the names by which they are loaded,
# with the licences of their packages.
copy_libraries() {
  local library libraries
  libraries=$(needed "$@")
  while read -r library; do
    if [[ ${library##*/} =~ $glibc ]]; then continue; fi
    cp -L "$library" "$stage/lib/"
    strip --strip-unneeded "$stage/lib/${library##*/}"
    copy_licence "$library"
  done <<<"$libraries"
}

# copy_licence FILE: copies the licence of the package that the file comes from.
copy_licence() {
  local file package licence
  file=$(realpath "$1")
  case "$file" in
    */site-packages/*)
      package=${file#*/site-packages/} package=${package%%/*}
      licence=$(compgen -G "${file%%/site-packages/*}/site-packages/$package-*.dist-info/licenses/LICENSE*" | head -n 1)
      ;;
    *)
      # A package may list its files with or without /usr, since /lib is a link.
      package=$(dpkg-query -S "$file" "${file#/usr}" 2>/dev/null | head -n 1 | cut -d: -f1) || true
      licence=/usr/share/doc/$package/copyright
      ;;
  esac
  [[ -n $package && -e ${licence:-} ]] || fail "no licence found for $1, which is to be shipped"
  cp -L "$licence" "$stage/licenses/$package"
}

# -------------------------------------------------------------------------------------------------------- Open MPI

# where_mpi KEY: prints one of the folders that this Open MPI was built for.
where_mpi() {
  ompi_info --parsable --path all | sed -n "s/^path:$1://p" | sed -n 1p
}

copy_mpi() {
  local plugin libraries pmix
  cp -L "$bin/orterun" "$bin/orted" "$stage/libexec/"
  strip "$stage/libexec/orterun" "$stage/libexec/orted"
  cp -R "$(where_mpi pkgdatadir)/." "$stage/share/openmpi/"
  cp -L "$(where_mpi sysconfdir)/openmpi-mca-params.conf" "$stage/etc/"
  for plugin in "$plugins"/mca_*.so; do
    if [[ ! $(ldd "$plugin") =~ $fabric ]]; then cp -L "$plugin" "$stage/lib/openmpi/"; fi
  done
  strip --strip-unneeded "$stage"/lib/openmpi/*.so
  copy_licence "$bin/orterun"
  copy_licence "$plugins/mca_pml_ob1.so"
  copy_libraries "$bin/orterun" "$stage"/lib/openmpi/*.so
  # PMIx has its own plug-ins, in a folder beside the library.
  libraries=$(needed "$stage"/lib/openmpi/*.so)
  if [[ $libraries =~ [^$'\n']*/libpmix\.so[^$'\n']* ]]; then
    pmix=$(dirname "$(realpath "${BASH_REMATCH[0]}")")
    cp -L "$pmix"/pmix/*.so "$stage/lib/pmix/"
    copy_libraries "$stage"/lib/pmix/*.so
    cp -R "$pmix/../share/pmix/." "$stage/share/pmix/"
  fi
}

# ------------------------------------------------------------------------------------------------------------- all

# The newest version of glibc's functions that the packed files call. Scripts among the files are skipped.
glibc_wanted() {
  local symbols
  symbols=$(find "$stage"/{bin,lib,libexec} -type f -exec objdump -T {} + 2>/dev/null) || true
  grep -o 'GLIBC_2[0-9.]*' <<<"$symbols" | sort -uV | tail -n 1 | cut -d_ -f2
}

# Installs the programs of one component of the build, see install() in its CMake files.
install_programs() {
  cmake --install "$build" --prefix "$stage" --component "$1" --strip >"$work/install.log" 2>&1 || {
    cat "$work/install.log" >&2
    fail "not everything is built in $build: cmake --build --preset release"
  }
}

bin=$(where_mpi bindir) plugins=$(where_mpi pkglibdir)
[[ -x $bin/orterun && -d $plugins ]] || fail "no Open MPI 4 where ompi_info says it is: \"$bin\", \"$plugins\""
mkdir -p "$stage"/{bin,lib/openmpi,lib/pmix,libexec,share/openmpi,share/pmix,etc,licenses}
install_programs program
if ((checks)); then install_programs checks; fi
for program in "$stage"/bin/*; do copy_libraries "$build/bin/${program##*/}"; done
copy_mpi
cmake -P "$root/tools/bundle/remove_rpaths.cmake" "$stage"/lib/*.so* "$stage"/lib/*/*.so >"$work/rpaths.log"
cp "$root"/tools/bundle/{polyscene,mpirun} "$stage/"
wanted=$(glibc_wanted)
sed "s/@GLIBC@/$wanted/" "$root/tools/bundle/README.md" >"$stage/README.md"
cp "$root/tools/bundle/orted" "$stage/bin/"
cp "$root/tools/bundle/relocate.sh" "$stage/libexec/"
cp "$root/LICENSE" "$stage/"
# Licences of headers that are compiled into the programs.
for header in /usr/include/CLI/CLI.hpp /usr/include/nlohmann/json.hpp; do copy_licence "$header"; done
cp -R "$root/configs" "$stage/"
if ((checks)); then
  mkdir -p "$stage/tools/bench"
  cp -R "$root/tools/gpu_check.sh" "$root/tools/gpu_check" "$stage/tools/"
  cp "$root"/tools/bench/pytorch_peer*.py "$stage/tools/bench/"
  find "$stage/tools" -name __pycache__ -prune -exec rm -r {} +
  "$root/.venv/bin/python" "$root/tools/bench/pytorch_peer_data.py" --data "$root/configs/data/demo/kuairand/train" \
    --save "$stage/tools/bench/demo.npz"
fi
git -C "$root" rev-parse HEAD >"$stage/commit" 2>/dev/null || echo unknown >"$stage/commit"

mkdir -p "$(dirname "$output")"
pack() { tar -C "$work" --owner=0 --group=0 --sort=name -cf - "$name"; }
case "$output" in
  *.gz) pack | gzip -6 ;;
  *.zst) pack | zstd -q -T0 -10 ;;
esac >"$work/archive"
mv "$work/archive" "$output"
echo "$output: $(du -m "$output" | cut -f1) MiB, $(du -sm "$stage" | cut -f1) MiB unpacked, for glibc $wanted or later"
