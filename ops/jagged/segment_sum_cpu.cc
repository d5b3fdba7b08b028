#include "ops/base/thread.h"
#include "ops/dense/fixed_cols.h"
#include "ops/jagged/segment_sum.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kSegmentGrain = 64;

template <class T, class Cols>
void sum_segment(T* __restrict to, const T* __restrict values, int64_t length, T factor, Cols cols) {
  std::fill_n(to, static_cast<int64_t>(cols), T{0});
  for (int64_t t = 0; t < length; ++t)
    for (int64_t c = 0; c < cols; ++c) to[c] += values[t * cols + c];
  for (int64_t c = 0; c < cols; ++c) to[c] *= factor;
}

}  // namespace

void segment_sum_cpu(const KernelContext& context) {
  const bool mean = context.attributes.as<SegmentSumAttributes>().mean;
  const int64_t segments = context.outputs[0].shape[0], dim = context.outputs[0].shape[1];
  const int32_t* offsets = context.inputs[1].as<const int32_t>();
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* values = context.inputs[0].as<const T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(segments, kSegmentGrain, [=](int64_t begin, int64_t end) {
      with_fixed_cols(dim, [=](auto cols) {
        for (int64_t b = begin; b < end; ++b) {
          const int64_t length = offsets[b + 1] - offsets[b];
          const T factor = mean && length > 1 ? T{1} / static_cast<T>(length) : T{1};
          sum_segment(y + b * cols, values + offsets[b] * int64_t{cols}, length, factor, cols);
        }
      });
    });
  });
}

}  // namespace polyscene::ops
