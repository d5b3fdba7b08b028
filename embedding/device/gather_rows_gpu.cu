// Gathers rows of the tables into the groups' matrices, and creates new rows on the way.
#include "embedding/device/index_gpu.h"
#include "embedding/device/initial_value_gpu.h"
#include "embedding/device/table_kernels.h"

namespace polyscene::embedding {
namespace {

// The state of a lane's key.
struct GatheredKey {
  int64_t key = 0;
  float* values = nullptr;  // in the table; nullptr: reads as zeros, or as initial values if fresh
  float* state = nullptr;
  bool fresh = false;  // the key had no row before
};

// Several packs per lane are read before the first is written, so that enough accesses are in flight to fill the memory
// pipeline.
template <int kPack>
POLYSCENE_DEVICE void copy_rows(simt::Thread& t, const Tile& tile, const GatheredKey& mine, uint32_t fresh) {
  constexpr int kBatch = 4;
  const simt::Global<float> out = tile.matrix();
  const int32_t packs = tile.table.dim / kPack, total = tile.count * packs;
  for (int32_t first = 0; first < total; first += kBatch * simt::kWarpSize) {
    simt::Pack<float, kPack> read[kBatch];
    for (int b = 0; b < kBatch; ++b) {
      const int32_t at = simt::minimum(first + b * simt::kWarpSize + t.lane(), total - 1), row = at / packs;
      float* const values = shuffle_address(t, mine.values, row);
      read[b] = {};
      if (values != nullptr && (fresh >> row & 1) == 0)
        read[b] =
            simt::Global<const float>(values, tile.table.dim).template load_pack<kPack>((at - row * packs) * kPack);
    }
    for (int b = 0; b < kBatch; ++b) {
      const int32_t at = first + b * simt::kWarpSize + t.lane();
      if (at < total && (fresh >> (at / packs) & 1) == 0) out.store_pack(int64_t{at} * kPack, read[b]);
    }
  }
}

POLYSCENE_DEVICE void copy_rows(simt::Thread& t, const Tile& tile, const GatheredKey& mine, uint32_t fresh) {
  with_row_pack(tile.table.dim, [&](auto pack) { copy_rows<pack>(t, tile, mine, fresh); });
}

// For the keys of the lanes `fresh`: writes initial values to their rows of the matrix and, with the initial state, to
// their rows of the table, if they have any. The lanes share the keys' blocks of four values, so that no lane idles
// while others compute.
template <int kPack>
POLYSCENE_DEVICE void write_fresh(simt::Thread& t, const Tile& tile, const GatheredKey& mine, uint32_t fresh) {
  const int32_t dim = tile.table.dim, blocks = (dim + 3) / 4, keys = simt::bit_count(fresh);
  const simt::Global<float> out = tile.matrix();
  for (int32_t first = 0; first < keys * blocks; first += simt::kWarpSize) {
    const int32_t at = simt::minimum(first + t.lane(), keys * blocks - 1), number = at / blocks;
    const int32_t col = (at - number * blocks) * 4;
    const int lane = simt::bit_position(fresh, number);
    const int64_t key = t.shuffle(mine.key, lane, simt::kAllLanes);
    float* const row = shuffle_address(t, mine.values, lane);
    if (first + t.lane() >= keys * blocks) continue;
    const auto initial = initial_values(tile.table.initial_key, key, tile.table.init_stddev, col / 4);
    const simt::Global<float> values(row, dim);
    if constexpr (kPack == 4) {
      out.store_pack(int64_t{lane} * dim + col, initial);
      if (row != nullptr) values.store_pack(col, initial);
    } else {
      for (int32_t k = 0; k < simt::minimum(4, dim - col); ++k) {
        out.store(int64_t{lane} * dim + col + k, initial[k]);
        if (row != nullptr) values.store(col + k, initial[k]);
      }
    }
  }
  const int32_t width = tile.table.state_width;
  for (int32_t first = 0; first < keys * width; first += simt::kWarpSize) {
    const int32_t at = simt::minimum(first + t.lane(), keys * width - 1), number = at / width;
    float* const state = shuffle_address(t, mine.state, simt::bit_position(fresh, number));
    if (first + t.lane() < keys * width && state != nullptr)
      simt::Global<float>(state, width).store(at - number * width, tile.table.initial_state);
  }
}

// Bytes per key: 4 of the row index, 8 of the chunk's address (few, cached), the row read and written.
struct GatherTableRows {
  DeviceKeys keys;
  const int32_t* rows;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_each_tile(t, keys, [&](const Tile& tile) {
      GatheredKey mine;
      if (tile.has(t.lane())) {
        const int32_t row = simt::Global<const int32_t>(rows, keys.count).load(tile.begin + t.lane());
        if (row != kNoRow) mine.values = values_in(tile.table, chunk_of(tile.table, row), row);
      }
      copy_rows(t, tile, mine, 0);
    });
  }
};

// Bytes per key: the same; for each new row also values and state and, if unbounded, tag and bucket. Equal keys of a
// new row all compute its values, because no thread sees what another has written.
struct InsertAndGather {
  DeviceKeys keys;
  int32_t* rows;
  TouchedKeys touched;
  int32_t* row_counts;

  // Hands out row indices to the lanes that ask, in the order of the lanes.
  POLYSCENE_DEVICE int32_t take_number(simt::Thread& t, int32_t table, bool asks) const {
    const uint32_t asking = t.ballot(asks, simt::kAllLanes);
    const uint32_t before = asking & ((1u << t.lane()) - 1);
    if (asking == 0) return kNoRow;
    int32_t first = 0;
    if (asks && before == 0)
      first = simt::Global<int32_t>(row_counts, keys.table_count).atomic_add(table, simt::bit_count(asking));
    return t.shuffle(first, simt::bit_count((asking & (0u - asking)) - 1), simt::kAllLanes) + simt::bit_count(before);
  }

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const simt::Global<int32_t> numbers(rows, keys.count);
    for_each_tile(t, keys, [&](const Tile& tile) {
      const int64_t i = tile.begin + t.lane();
      const bool has = tile.has(t.lane());
      int32_t row = has ? numbers.load(i) : kNoRow;
      GatheredKey mine;
      mine.fresh = has && row < 0;
      const bool enters = mine.fresh && tile.table.slots == 0 && leads_its_equals(keys, touched.leaders, i);
      if (row < kNoRow) numbers.store(i, row = -2 - row);  // set by place_rows
      const int32_t number = take_number(t, tile.span.table, enters);
      if (mine.fresh) mine.key = simt::Global<const int64_t>(keys.keys, keys.count).load(i);
      if (enters) row = number;
      if (row != kNoRow) {
        char* const chunk = chunk_of(tile.table, row);
        mine.values = values_in(tile.table, chunk, row);
        mine.state = state_in(tile.table, chunk, row);
        if (enters) {
          numbers.store(i, row);
          store_tag(chunk, row, {mine.key, {touched.step, 1}});
          put_in_index(tile.table, mine.key, row);
        }
      }
      const uint32_t fresh = t.ballot(mine.fresh, simt::kAllLanes);
      copy_rows(t, tile, mine, fresh);
      if (fresh != 0) with_row_pack(tile.table.dim, [&](auto pack) { write_fresh<pack>(t, tile, mine, fresh); });
    });
  }
};

}  // namespace

void gather_table_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows) {
  simt::launch(stream, "gather_table_rows", shape_for_tiles(keys), GatherTableRows{keys, rows});
}

void insert_and_gather(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched,
                       const TableCounts& counts) {
  if (touched.next != nullptr) place_rows(stream, keys, rows, touched, counts);
  simt::launch(stream, "insert_and_gather", shape_for_tiles(keys), InsertAndGather{keys, rows, touched, counts.rows});
}

}  // namespace polyscene::embedding
