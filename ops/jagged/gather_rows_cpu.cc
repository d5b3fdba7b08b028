#include "ops/dense/elementwise.h"
#include "ops/dense/fixed_cols.h"
#include "ops/jagged/gather_rows.h"

namespace polyscene::ops {

void gather_rows_cpu(const KernelContext& context) {
  const int64_t reads = context.inputs[1].shape.elements(), dim = context.inputs[0].shape[1];
  const int32_t* index = context.inputs[1].as<const int32_t>();
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* rows = context.inputs[0].as<const T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(reads, row_grain(dim), [=](int64_t begin, int64_t end) {
      with_fixed_cols(dim, [=](auto width) {
        for (int64_t i = begin; i < end; ++i) {
          if (index[i] >= 0)
            copy_row(y + i * width, rows + index[i] * width, width);
          else
            std::fill_n(y + i * width, static_cast<int64_t>(width), T{0});
        }
      });
    });
  });
}

}  // namespace polyscene::ops
