// Sums in double, like the CPU: one warp per block of samples, then one warp over the blocks.
#include <cmath>

#include "ops/loss/bce_with_logits.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kBlock = 64;  // samples; few, because the arithmetic in double takes the time

struct BlockLosses {
  simt::Global<const float> logit, label;
  simt::Global<double> partial;
  int64_t batch, blocks;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_by_warps(t, blocks, [&](int64_t block) {
      double sum = 0;
      const int64_t end = simt::minimum(batch, (block + 1) * kBlock);
      for (int64_t i = block * kBlock + t.lane(); i < end; i += simt::kWarpSize) {
        const double z = static_cast<double>(logit.load(i)), y = static_cast<double>(label.load(i));
        if (y >= 0) sum += simt::maximum(z, 0.0) + std::log1p(std::exp(-std::abs(z))) - y * z;
      }
      sum = simt::warp_sum(t, sum);
      if (t.lane() == 0) partial.store(block, sum);
    });
  }
};

struct AddLosses {
  simt::Global<const double> partial;
  simt::Global<const float> weight;
  simt::Global<float> loss;
  int64_t blocks;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    double sum = 0;
    for (int64_t i = t.lane(); i < blocks; i += simt::kWarpSize) sum += partial.load(i);
    sum = simt::warp_sum(t, sum);
    if (t.lane() == 0) loss.store(0, static_cast<float>(static_cast<double>(weight.load(0)) * sum));
  }
};

}  // namespace

void bce_with_logits_gpu(const KernelContext& context) {
  const int64_t batch = context.inputs[0].shape[0], blocks = simt::ceil_div(batch, kBlock);
  double* partial = context.scratch.get<double>(blocks).data();
  simt::launch(
      context.stream, "bce_with_logits", simt::shape_for_warps(blocks),
      BlockLosses{simt::input<float>(context, 0), simt::input<float>(context, 1), {partial, blocks}, batch, blocks});
  simt::launch(context.stream, "bce_with_logits", {1, simt::kWarpSize},
               AddLosses{{partial, blocks}, simt::input<float>(context, 2), simt::output<float>(context, 0), blocks});
}

}  // namespace polyscene::ops
