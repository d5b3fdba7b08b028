#include "ops/base/thread.h"
#include "ops/dense/fixed_cols.h"
#include "ops/jagged/expand_rows.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kSegmentGrain = 64;

template <class T, class Cols>
void repeat_row(T* __restrict to, const T* __restrict x, int64_t times, T factor, Cols cols) {
  for (int64_t t = 0; t < times; ++t)
    for (int64_t c = 0; c < cols; ++c) to[t * cols + c] = factor * x[c];
}

}  // namespace

void expand_rows_cpu(const KernelContext& context) {
  const bool mean = context.attributes.as<ExpandRowsAttributes>().mean;
  const int64_t segments = context.inputs[0].shape[0], dim = context.inputs[0].shape[1];
  const int32_t* offsets = context.inputs[1].as<const int32_t>();
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* x = context.inputs[0].as<const T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(segments, kSegmentGrain, [=](int64_t begin, int64_t end) {
      with_fixed_cols(dim, [=](auto cols) {
        for (int64_t b = begin; b < end; ++b) {
          const int64_t length = offsets[b + 1] - offsets[b];
          const T factor = mean && length > 1 ? T{1} / static_cast<T>(length) : T{1};
          repeat_row(y + offsets[b] * int64_t{cols}, x + b * cols, length, factor, cols);
        }
      });
    });
  });
}

}  // namespace polyscene::ops
