#!/usr/bin/env bash
# Prints, as Markdown and without a device, the compiler's report on every device kernel (registers, spills, shared
# memory), the widths of accesses to global memory in the machine code, and the bytes that kernels must move at SFPNet's
# sizes.
#
#   tools/bench/gpu/registers.sh [sm_90] > tools/bench/results/kernels_sm90_static.md
#
# Needs nvcc and nvdisasm in PATH (packages cuda-nvdisasm for apt, nvidia-cuda-nvdisasm for pip), and a build folder
# with kernels_bench: build/release, or the one in BUILD.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

readonly arch=${1:-sm_90} build=${BUILD:-build/release}
for tool in nvcc nvdisasm c++filt; do
  command -v "$tool" >/dev/null || { echo "registers: $tool is not on the PATH" >&2; exit 1; }
done
[[ -x $build/bin/kernels_bench ]] || {
  echo "registers: no $build/bin/kernels_bench; run: cmake --build --preset release --target kernels_bench" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for unit in "$build"/{ops,embedding}/*_kernels.cu dist/*/*_gpu.cu; do
  cubin=$work/$(basename "$unit" .cu)
  nvcc -std=c++20 --expt-relaxed-constexpr -O3 -cubin "-arch=$arch" -Xptxas -v -I. -Iops/simt/cuda -o "$cubin" "$unit" \
    2>"$cubin.report" || {
    cat "$cubin.report" >&2
    exit 1
  }
  nvdisasm -c "$cubin" >"$cubin.listing"
done
python3 tools/bench/gpu/kernel_table.py "$arch" "$(nvcc --version | sed -n 's/.*, \(V[0-9.]*\)$/\1/p')" \
  "$work"/*.report "$work"/*.listing
printf '\n## What must move\n\nInputs read once, outputs written once, as `kernels_bench --limits` counts them.\n\n'
"$build/bin/kernels_bench" --limits
