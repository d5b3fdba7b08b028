#include "embedding/device/bounded_gpu.h"
#include "embedding/device/table_kernels.h"

namespace polyscene::embedding {
namespace {

// Bytes per key: 8 of the key, 64 of the bucket (32 to 128 if bounded), 32 of the tag, read and in training written, 4
// of the result. Neighbours of the tag or of the chunk's address may be cached.
struct FindRows {
  DeviceKeys keys;
  int32_t* rows;
  TouchedKeys touched;

  POLYSCENE_DEVICE void touch(const TableView& table, int32_t row) const {
    char* const chunk = chunk_of(table, row);
    store_access(chunk, row, {touched.step, load_access(chunk, row).visits + 1});
  }

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const simt::Global<const int64_t> wanted(keys.keys, keys.count);
    const simt::Global<int32_t> found(rows, keys.count);
    for_each_tile(t, keys, [&](const Tile& tile) {
      if (!tile.has(t.lane())) return;
      const int64_t i = tile.begin + t.lane(), key = wanted.load(i);
      const bool bounded = tile.table.slots > 0;
      const int32_t row = bounded ? find_in_bucket(tile.table, key) : find_row(tile.table, key);
      found.store(i, row);
      if (touched.step == 0) return;
      const bool leads = leads_its_equals(keys, touched.leaders, i);
      if (leads && row != kNoRow) touch(tile.table, row);
      if (!bounded) return;
      const bool wants = leads && row == kNoRow;
      const simt::Global<int32_t> next(touched.next, keys.count);
      next.store(
          i, wants ? heads_of(tile.table).atomic_exchange(local_bucket(tile.table, key), static_cast<int32_t>(i + 1))
                   : -1);
    });
  }
};

// Bytes per row: its key, and a bucket read and written.
struct IndexRows {
  TableView table;
  const int32_t* row_count;
  int64_t rows;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const int64_t present = simt::Global<const int32_t>(row_count, 1).load(0);
    simt::for_each(t, simt::minimum(rows, present), [&](int64_t r) {
      const auto row = static_cast<int32_t>(r);
      put_in_index(table, load_key(chunk_of(table, row), row), row);
    });
  }
};

}  // namespace

void index_rows(const Stream& stream, const TableView& table, const int32_t* row_count, int64_t rows) {
  simt::launch(stream, "index_rows", simt::shape_for(rows), IndexRows{table, row_count, rows});
}

void find_rows(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched) {
  simt::launch(stream, "find_rows", shape_for_tiles(keys), FindRows{keys, rows, touched});
}

}  // namespace polyscene::embedding
