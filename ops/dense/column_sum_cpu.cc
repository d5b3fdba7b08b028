#include "ops/dense/column_sum.h"
#include "ops/dense/elementwise.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kBlockRows = 256;  // rows summed in the element type; the block sums are added in double
constexpr int64_t kColumnGrain = 64;

}  // namespace

void column_sum_cpu(const KernelContext& context) {
  const int64_t rows = context.inputs[0].shape[0], cols = context.inputs[0].shape[1];
  const int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* x = context.inputs[0].as<const T>();
    T* y = context.outputs[0].as<T>();
    T* partial = context.scratch.get<T>(blocks * cols).data();  // [blocks, cols]
    parallel_for(rows, kBlockRows, [=](int64_t begin, int64_t end) {
      T* __restrict sum = partial + begin / kBlockRows * cols;
      std::fill_n(sum, cols, T{0});
      for (int64_t r = begin; r < end; ++r)
        for (int64_t c = 0; c < cols; ++c) sum[c] += x[r * cols + c];
    });
    parallel_for(cols, kColumnGrain, [=](int64_t begin, int64_t end) {
      double sum[kColumnGrain] = {};
      for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = begin; c < end; ++c) sum[c - begin] += double{partial[b * cols + c]};
      for (int64_t c = begin; c < end; ++c) y[c] = static_cast<T>(sum[c - begin]);
    });
  });
}

}  // namespace polyscene::ops
