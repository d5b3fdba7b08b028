#include <bit>
#include <cmath>

#include "embedding/device/optimizer_gpu.h"
#include "embedding/device/table_kernels.h"
#include "embedding/device/tiles_gpu.h"

namespace polyscene::embedding {
namespace {

using Kind = SparseOptimizer::Kind;

// A row to update, as its lane sees it; pointers are nullptr if there is none.
struct UpdatedRow {
  float *values = nullptr, *state = nullptr;
};

template <int kPack>
POLYSCENE_DEVICE void update_packs(simt::Thread& t, const Tile& tile, const OptimizerStep& s, const UpdatedRow& mine) {
  const int32_t dim = tile.table.dim, width = tile.table.state_width;
  const simt::Global<float> gradients = tile.matrix();
  for_each_pack<kPack>(t, tile.count, dim, [&](int32_t row, int32_t col, bool in) {
    float* const row_values = shuffle_address(t, mine.values, row);
    float* const row_state = shuffle_address(t, mine.state, row);
    if (!in || row_values == nullptr) return;
    const simt::Global<float> values(row_values, dim), state(row_state, width);
    const auto g = gradients.template load_pack<kPack>(int64_t{row} * dim + col);
    auto w = values.template load_pack<kPack>(col);
    if (s.kind == Kind::kLazyAdam) {
      auto m = state.template load_pack<kPack>(col), v = state.template load_pack<kPack>(dim + col);
      lazy_adam(s, w, m, v, g);
      state.store_pack(col, m);
      state.store_pack(dim + col, v);
    } else if (s.kind == Kind::kAdagrad) {
      auto a = state.template load_pack<kPack>(col);
      adagrad(s, w, a, g);
      state.store_pack(col, a);
    } else {
      sgd(s, s.rate, w, g);
    }
    values.store_pack(col, w);
  });
}

// One warp per row: its accumulator needs the whole gradient before any value changes.
POLYSCENE_DEVICE void update_row_wise(simt::Thread& t, const Tile& tile, const OptimizerStep& s,
                                      const UpdatedRow& mine) {
  const int32_t dim = tile.table.dim;
  const simt::Global<float> gradients = tile.matrix();
  for (int32_t row = 0; row < tile.count; ++row) {
    float* const row_values = shuffle_address(t, mine.values, row);
    float* const row_state = shuffle_address(t, mine.state, row);
    if (row_values == nullptr) continue;
    const simt::Global<float> values(row_values, dim), state(row_state, 1);
    float squares = 0;
    for (int32_t i = t.lane(); i < dim; i += simt::kWarpSize) {
      const float g = gradients.load(int64_t{row} * dim + i) + s.weight_decay * values.load(i);
      squares += g * g;
    }
    squares = simt::warp_sum(t, squares);
    const float sum = state.load(0) + squares / static_cast<float>(dim);
    const float rate = s.rate / (std::sqrt(sum) + s.epsilon);
    for (int32_t i = t.lane(); i < dim; i += simt::kWarpSize) {
      simt::Pack<float, 1> w = values.load_pack<1>(i);
      sgd(s, rate, w, gradients.load_pack<1>(int64_t{row} * dim + i));
      values.store_pack(i, w);
    }
    t.sync_warp(simt::kAllLanes);  // all lanes have read the state
    if (t.lane() == 0) state.store(0, sum);
  }
}

// Bytes per key: 4 of the row index (and 4 of the leader), the gradient, values and state read and written.
struct UpdateTableRows {
  DeviceKeys keys;
  const int32_t* rows;
  const int32_t* leaders;
  const OptimizerStep* steps;
  UpdateFlags flags;
  const int32_t* stopped;

  // Runs in one thread, once: reports the first bad gradient of the first table, in wire order, that has one.
  POLYSCENE_DEVICE void describe() const {
    const simt::Global<int64_t> report(flags.report, 4);
    if (report.load(0) != 0) return;
    const simt::Global<const int32_t> bad(flags.flags, flags.tables + 1);
    int32_t table = 0;
    while (bad.load(table) == 0) ++table;
    const int64_t i = keys.count - bad.load(table);
    const KeySpan span = simt::Global<const KeySpan>(keys.spans, keys.span_count).load(last_span(keys, i, kSpanBegin));
    const int32_t dim = simt::Global<const TableView>(keys.tables, keys.table_count).load(table).dim;
    const simt::Global<const float> gradient(span.matrix + (span.row + i - span.begin) * dim, dim);
    int32_t element = 0;
    while (std::isfinite(gradient.load(element))) ++element;
    report.store(0, 1 + table);
    report.store(1, simt::Global<const int64_t>(keys.keys, keys.count).load(i));
    report.store(2, element);
    report.store(3, std::bit_cast<uint32_t>(gradient.load(element)));
  }

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    if (stopped != nullptr && simt::Global<const int32_t>(stopped, 1).load(0) != 0) return;
    if (const int32_t why = simt::Global<const int32_t>(flags.flags, flags.tables + 1).load(flags.tables); why != 0) {
      if (why == kStopNotFinite && t.block() == 0 && t.thread() == 0) describe();
      return;
    }
    for_each_tile(t, keys, [&](const Tile& tile) {
      UpdatedRow mine;
      if (const int64_t i = tile.begin + t.lane(); tile.has(t.lane()) && leads_its_equals(keys, leaders, i)) {
        const int32_t row = simt::Global<const int32_t>(rows, keys.count).load(i);
        char* const chunk = chunk_of(tile.table, row);
        mine = {values_in(tile.table, chunk, row), state_in(tile.table, chunk, row)};
      }
      const OptimizerStep step = simt::Global<const OptimizerStep>(steps, keys.table_count).load(tile.span.table);
      if (step.kind == Kind::kRowWiseAdagrad) return update_row_wise(t, tile, step, mine);
      with_row_pack(tile.table.dim, [&](auto pack) { update_packs<pack>(t, tile, step, mine); });
    });
  }
};

// Bytes per key: values, state and access statistics, read from one place and written to the other.
struct OverwriteRows {
  DeviceKeys keys;
  const int32_t* rows;
  const float *values, *state;
  const AccessStatistics* accesses;

  POLYSCENE_DEVICE static void copy(simt::Thread& t, const Tile& tile, float* mine, const float* from, int32_t width) {
    const simt::Global<const float> input(from + int64_t{tile.begin} * width, int64_t{tile.count} * width);
    for_each_pack<1>(t, tile.count, width, [&](int32_t row, int32_t col, bool in) {
      float* const to = shuffle_address(t, mine, row);
      if (in) simt::Global<float>(to, width).store(col, input.load(int64_t{row} * width + col));
    });
  }

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_each_tile(t, keys, [&](const Tile& tile) {
      UpdatedRow mine;
      if (tile.has(t.lane())) {
        const int64_t i = tile.begin + t.lane();
        const int32_t row = simt::Global<const int32_t>(rows, keys.count).load(i);
        char* const chunk = chunk_of(tile.table, row);
        mine = {values_in(tile.table, chunk, row), state_in(tile.table, chunk, row)};
        store_access(chunk, row,
                     accesses == nullptr ? AccessStatistics()
                                         : simt::Global<const AccessStatistics>(accesses, keys.count).load(i));
      }
      copy(t, tile, mine.values, values, tile.table.dim);
      if (state != nullptr) copy(t, tile, mine.state, state, tile.table.state_width);
    });
  }
};

}  // namespace

void update_table_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows, const int32_t* leaders,
                       const OptimizerStep* steps, const UpdateFlags& flags, const int32_t* stopped) {
  simt::launch(stream, "update_table_rows", shape_for_tiles(keys),
               UpdateTableRows{keys, rows, leaders, steps, flags, stopped});
}

void overwrite_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows, const float* values,
                    const float* state, const AccessStatistics* accesses) {
  simt::launch(stream, "overwrite_rows", shape_for_tiles(keys), OverwriteRows{keys, rows, values, state, accesses});
}

}  // namespace polyscene::embedding
