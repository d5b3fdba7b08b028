#include "ops/dense/scale_rows.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

template <int kPack>
struct ScaleRows {
  simt::Global<const float> x, s;
  simt::Global<float> y;
  int64_t rows, cols;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_pack<kPack>(t, rows, cols, [&](int64_t row, int64_t col) {
      auto value = x.template load_pack<kPack>(row * cols + col);
      const float factor = s.load(row);
      for (int k = 0; k < kPack; ++k) value[k] *= factor;
      y.template store_pack<kPack>(row * cols + col, value);
    });
  }
};

}  // namespace

void scale_rows_gpu(const KernelContext& context) {
  const Shape& y = context.outputs[0].shape;
  simt::with_pack(y[1], [&](auto pack) {
    simt::launch(context.stream, "scale_rows", simt::shape_for_packs(y[0], y[1], pack),
                 ScaleRows<pack>{simt::input<float>(context, 0), simt::input<float>(context, 1),
                                 simt::output<float>(context, 0), y[0], y[1]});
  });
}

}  // namespace polyscene::ops
