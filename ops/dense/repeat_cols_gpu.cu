#include "ops/dense/repeat_cols.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

// y [count, times]: each x repeated `times` times.
template <int kPack>
struct RepeatCols {
  simt::Global<const float> x;
  simt::Global<float> y;
  int64_t count, times;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_pack<kPack>(t, count, times, [&](int64_t i, int64_t col) {
      simt::Pack<float, kPack> value;
      value[0] = x.load(i);
      for (int k = 1; k < kPack; ++k) value[k] = value[0];
      y.template store_pack<kPack>(i * times + col, value);
    });
  }
};

}  // namespace

void repeat_cols_gpu(const KernelContext& context) {
  const int64_t count = context.inputs[0].shape.elements();
  const int64_t times = context.attributes.as<RepeatColsAttributes>().times;
  simt::with_pack(times, [&](auto pack) {
    simt::launch(context.stream, "repeat_cols", simt::shape_for_packs(count, times, pack),
                 RepeatCols<pack>{simt::input<float>(context, 0), simt::output<float>(context, 0), count, times});
  });
}

}  // namespace polyscene::ops
