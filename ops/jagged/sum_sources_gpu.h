// For each row the sum of its sources, in their order.
#pragma once

#include "ops/jagged/device_source_lists.h"
#include "ops/jagged/segments_gpu.h"

namespace polyscene::ops {

// The lists are the segments; their rows lie anywhere.
template <int kPack>
struct SumSources {
  DeviceSourceLists sources;
  simt::Global<const float> g;
  simt::Global<float> y;
  int64_t rows, dim;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_segments<kPack>(t, sources.begin, rows, dim, [&](int64_t row, int64_t first, int64_t count, int64_t col) {
      simt::Pack<float, kPack> sum{};
      for (int64_t i = first; i < first + count; ++i) {
        const auto x = g.template load_pack<kPack>(sources.order.load(i) * dim + col);
        for (int k = 0; k < kPack; ++k) sum[k] += x[k];
      }
      y.template store_pack<kPack>(row * dim + col, sum);
    });
  }
};

// y [rows, dim]; sources are pieces of dim elements of g.
inline void sum_sources(const KernelContext& context, const char* name, const DeviceSourceLists& sources,
                        const simt::Global<const float>& g, const simt::Global<float>& y, int64_t rows, int64_t dim) {
  simt::with_pack(dim, [&](auto pack) {
    simt::launch(context.stream, name, segments_shape(rows, dim, pack), SumSources<pack>{sources, g, y, rows, dim});
  });
}

}  // namespace polyscene::ops
