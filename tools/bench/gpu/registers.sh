#!/usr/bin/env bash
# What the compiler says of every device kernel, without a device: registers, spills, shared memory, and the widths of
# the accesses to global memory in the machine code; and what the kernels must move at SFPNet's sizes. Prints Markdown.
#
#   tools/bench/gpu/registers.sh [sm_90] > tools/bench/results/kernels_sm90_static.md
#
# Wants nvcc and nvdisasm (cuda-nvdisasm in NVIDIA's packages for apt, nvidia-cuda-nvdisasm in those for pip) on the PATH,
# and a build folder with kernels_bench: build/release, or another in BUILD.
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
