#include "ops/jagged/segment_sum.h"
#include "ops/jagged/segments_gpu.h"

namespace polyscene::ops {
namespace {

template <int kPack>
struct SegmentSum {
  simt::Global<const float> values;
  simt::Global<const int32_t> offsets;
  simt::Global<float> y;
  int64_t segments, cols;
  bool mean;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_segments<kPack>(t, offsets, segments, cols, [&](int64_t segment, int64_t first, int64_t rows, int64_t col) {
      simt::Pack<float, kPack> sum{};
      for (int64_t row = first; row < first + rows; ++row) {
        const auto x = values.template load_pack<kPack>(row * cols + col);
        for (int k = 0; k < kPack; ++k) sum[k] += x[k];
      }
      const float factor = mean && rows > 1 ? 1.0f / static_cast<float>(rows) : 1.0f;
      for (int k = 0; k < kPack; ++k) sum[k] *= factor;
      y.template store_pack<kPack>(segment * cols + col, sum);
    });
  }
};

}  // namespace

void segment_sum_gpu(const KernelContext& context) {
  const Shape& out = context.outputs[0].shape;
  simt::with_pack(out[1], [&](auto pack) {
    simt::launch(context.stream, "segment_sum", simt::shape_for_packs(out[0], out[1], pack),
                 SegmentSum<pack>{simt::input<float>(context, 0), simt::input<int32_t>(context, 1),
                                  simt::output<float>(context, 0), out[0], out[1],
                                  context.attributes.as<SegmentSumAttributes>().mean});
  });
}

}  // namespace polyscene::ops
