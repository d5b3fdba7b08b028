#include "embedding/device/index_gpu.h"
#include "embedding/device/table_kernels.h"

namespace polyscene {
namespace {

// Bytes that move per key: 8 of the key, 64 of the bucket, 32 of the key beside the row, 4 of the result. A neighbour
// of the stored key or of the chunk's address is in a cache at best.
struct FindRows {
  DeviceKeys keys;
  int32_t* rows;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const simt::Global<const int64_t> wanted(keys.keys, keys.count);
    const simt::Global<int32_t> found(rows, keys.count);
    for_each_tile(t, keys, [&](const Tile& tile) {
      if (!tile.has(t.lane())) return;
      const int64_t i = tile.begin + t.lane();
      found.store(i, find_row(tile.table, wanted.load(i)));
    });
  }
};

// Per row: its key, and a bucket read and written.
struct IndexRows {
  TableView table;
  const int32_t* row_count;
  int64_t rows;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const int64_t present = simt::Global<const int32_t>(row_count, 1).load(0);
    simt::for_each(t, simt::minimum(rows, present), [&](int64_t r) {
      const auto row = static_cast<int32_t>(r);
      put_in_index(table, chunk_keys(chunk_of(table, row)).load(row & (kChunkRows - 1)), row);
    });
  }
};

}  // namespace

void index_rows(const Stream& stream, const TableView& table, const int32_t* row_count, int64_t rows) {
  simt::launch(stream, "index_rows", simt::shape_for(rows), IndexRows{table, row_count, rows});
}

void find_rows(const Stream& stream, const DeviceKeys& keys, int32_t* rows) {
  simt::launch(stream, "find_rows", shape_for_tiles(keys), FindRows{keys, rows});
}

}  // namespace polyscene
