#include <cmath>

#include "embedding/device/table_kernels.h"
#include "embedding/device/tiles_gpu.h"
#include "ops/jagged/device_source_lists.h"

namespace polyscene::embedding {
namespace {

POLYSCENE_DEVICE void flag_not_finite(const UpdateFlags& f, int32_t table, int64_t from_end) {
  const simt::Global<int32_t> flags(f.flags, f.tables + 1);
  flags.atomic_max(table, static_cast<int32_t>(from_end));
  flags.atomic_max(f.tables, kStopNotFinite);
}

[[nodiscard]] POLYSCENE_DEVICE bool has_failed(const UpdateFlags& f) {
  return simt::Global<const int64_t>(f.report, 4).load(0) != 0;
}

// Bytes per key: its gradient.
struct CheckGradients {
  DeviceKeys keys;
  UpdateFlags flags;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    if (has_failed(flags)) return;
    for_each_tile(t, keys, [&](const Tile& tile) {
      with_row_pack(tile.table.dim, [&](auto pack) {
        const simt::Global<float> g = tile.matrix();
        for_each_pack<pack>(t, tile.count, tile.table.dim, [&](int32_t row, int32_t col, bool) {
          const auto x = g.template load_pack<pack>(int64_t{row} * tile.table.dim + col);
          bool finite = true;
          for (int k = 0; k < pack; ++k) finite = finite && std::isfinite(x[k]);
          if (!finite) flag_not_finite(flags, tile.span.table, keys.count - tile.begin - row);
        });
      });
    });
  }
};

// Bytes per key: 4 for its place in the order, its gradient, and for each leader with several keys the sum written. All
// occurrences of a key lie in one matrix, even in different spans.
struct SumAndCheck {
  DeviceKeys keys;
  ops::DeviceSourceLists sources;
  UpdateFlags flags;

  template <int kPack>
  POLYSCENE_DEVICE simt::Pack<float, kPack> load(const Tile& tile, int64_t i, int32_t col) const {
    const KeySpan span = simt::Global<const KeySpan>(keys.spans, keys.span_count).load(last_span(keys, i, kSpanBegin));
    const simt::Global<const float> row(span.matrix + (span.row + i - span.begin) * tile.table.dim, tile.table.dim);
    return row.template load_pack<kPack>(col);
  }

  template <int kPack>
  POLYSCENE_DEVICE void sum(const Tile& tile, int32_t row, int32_t col) const {
    const int64_t i = tile.begin + row, first = sources.begin.load(i), count = sources.begin.load(i + 1) - first;
    if (count == 0) return;
    simt::Pack<float, kPack> sum{};
    for (int64_t s = first; s < first + count; ++s) {
      const auto x = load<kPack>(tile, sources.order.load(s), col);
      for (int k = 0; k < kPack; ++k) sum[k] += x[k];
    }
    bool finite = true;
    for (int k = 0; k < kPack; ++k) finite = finite && std::isfinite(sum[k]);
    if (!finite) flag_not_finite(flags, tile.span.table, keys.count - i);
    tile.matrix().template store_pack<kPack>(int64_t{row} * tile.table.dim + col, sum);
  }

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    if (has_failed(flags)) return;
    for_each_tile(t, keys, [&](const Tile& tile) {
      with_row_pack(tile.table.dim, [&](auto pack) {
        for_each_pack<pack>(t, tile.count, tile.table.dim, [&](int32_t row, int32_t col, bool in) {
          if (in) sum<pack>(tile, row, col);
        });
      });
    });
  }
};

}  // namespace

void check_gradients(const KernelContext& c, const DeviceKeys& keys, const int32_t* leaders, const UpdateFlags& flags) {
  if (leaders == nullptr) {
    simt::launch(c.stream, "check_gradients", shape_for_tiles(keys), CheckGradients{keys, flags});
    return;
  }
  const TensorView index{const_cast<int32_t*>(leaders), DType::kInt32, {keys.count}};
  const KernelContext context{
      .attributes = c.attributes, .inputs = {&index, 1}, .outputs = {}, .scratch = c.scratch, .stream = c.stream};
  const ops::DeviceSourceLists sources = ops::invert_index(context, 0, keys.count);
  simt::launch(c.stream, "sum_and_check", shape_for_tiles(keys), SumAndCheck{keys, sources, flags});
}

}  // namespace polyscene::embedding
