#include "ops/jagged/expand_rows.h"
#include "ops/jagged/segments_gpu.h"

namespace polyscene::ops {
namespace {

template <int kPack>
struct ExpandRows {
  simt::Global<const float> x;
  simt::Global<const int32_t> offsets;
  simt::Global<float> y;
  int64_t segments, cols;
  bool mean;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_segments<kPack>(t, offsets, segments, cols, [&](int64_t segment, int64_t first, int64_t rows, int64_t col) {
      auto value = x.template load_pack<kPack>(segment * cols + col);
      const float factor = mean && rows > 1 ? 1.0f / static_cast<float>(rows) : 1.0f;
      for (int k = 0; k < kPack; ++k) value[k] *= factor;
      for (int64_t row = first; row < first + rows; ++row) y.template store_pack<kPack>(row * cols + col, value);
    });
  }
};

}  // namespace

void expand_rows_gpu(const KernelContext& context) {
  const Shape& x = context.inputs[0].shape;
  simt::with_pack(x[1], [&](auto pack) {
    simt::launch(context.stream, "expand_rows", simt::shape_for_packs(x[0], x[1], pack),
                 ExpandRows<pack>{simt::input<float>(context, 0), simt::input<int32_t>(context, 1),
                                  simt::output<float>(context, 0), x[0], x[1],
                                  context.attributes.as<ExpandRowsAttributes>().mean});
  });
}

}  // namespace polyscene::ops
