// How kernels iterate over keys. A warp handles a tile of neighbouring keys of one table: one lane per key while it
// probes, all lanes on one row after the other while it moves rows. Neighbouring keys have neighbouring rows in the
// matrix, so that side of a copy is contiguous.
#pragma once

#include "embedding/device/table_view.h"
#include "ops/simt/simt.h"

namespace polyscene::embedding {

struct Tile {
  TableView table;
  KeySpan span;
  int32_t begin, count;  // positions in the key array
  int64_t row;           // row of the first key in the span's matrix

  [[nodiscard]] POLYSCENE_DEVICE bool has(int lane) const { return lane < count; }
  // The rows of its keys, [count, dim].
  [[nodiscard]] POLYSCENE_DEVICE simt::Global<float> matrix() const {
    return {span.matrix + row * table.dim, int64_t{count} * table.dim};
  }
};

// The last span whose member `start` (kSpanBegin or kSpanTile) is at most `at`.
[[nodiscard]] POLYSCENE_DEVICE int64_t last_span(const DeviceKeys& k, int64_t at, int start) {
  const simt::Global<const int32_t> words(reinterpret_cast<const int32_t*>(k.spans), k.span_count * kSpanWords);
  int64_t low = 0, high = k.span_count;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (words.load(middle * kSpanWords + start) <= at ? low : high) = middle;
  }
  return low;
}

// Calls body(tile) for all tiles, shared among the warps of the launch; all lanes of a warp get the same tile.
template <class Body>
POLYSCENE_DEVICE void for_each_tile(const simt::Thread& t, const DeviceKeys& k, const Body& body) {
  const simt::Global<const KeySpan> spans(k.spans, k.span_count);
  const simt::Global<const TableView> tables(k.tables, k.table_count);
  simt::for_each_by_warps(t, k.tiles, [&](int64_t number) {
    const KeySpan span = spans.load(last_span(k, number, kSpanTile));
    const auto before = static_cast<int32_t>(number - span.tile) * kTileKeys;
    body(Tile{tables.load(span.table), span, span.begin + before, simt::minimum(kTileKeys, span.count - before),
              int64_t{span.row} + before});
  });
}

[[nodiscard]] inline simt::LaunchShape shape_for_tiles(const DeviceKeys& keys) {
  return simt::shape_for_warps(keys.tiles);
}

// Whether a key is the first among its equals, according to `leaders` (see link_keys); always true for nullptr.
[[nodiscard]] POLYSCENE_DEVICE bool leads_its_equals(const DeviceKeys& k, const int32_t* leaders, int64_t i) {
  return leaders == nullptr || simt::Global<const int32_t>(leaders, k.count).load(i) == i;
}

// The chunk that holds row `row`, and below the addresses of its tag, values [dim] and state [state_width].
[[nodiscard]] POLYSCENE_DEVICE char* chunk_of(const TableView& table, int32_t row) {
  return simt::Global<char* const>(table.chunks, table.chunk_count).load(row >> kChunkBits);
}
// Key and access statistics can also be read alone: a lookup reads the keys of rows whose statistics other threads
// write.
[[nodiscard]] POLYSCENE_DEVICE RowTag load_tag(char* chunk, int32_t row) {
  return simt::Global<const RowTag>(reinterpret_cast<const RowTag*>(chunk), kChunkRows).load(row & (kChunkRows - 1));
}
POLYSCENE_DEVICE void store_tag(char* chunk, int32_t row, const RowTag& tag) {
  simt::Global<RowTag>(reinterpret_cast<RowTag*>(chunk), kChunkRows).store(row & (kChunkRows - 1), tag);
}
[[nodiscard]] POLYSCENE_DEVICE int64_t load_key(char* chunk, int32_t row) {
  return simt::Global<const int64_t>(reinterpret_cast<const int64_t*>(chunk), 2 * kChunkRows)
      .load(2 * (row & (kChunkRows - 1)));
}
[[nodiscard]] POLYSCENE_DEVICE AccessStatistics load_access(char* chunk, int32_t row) {
  return simt::Global<const AccessStatistics>(reinterpret_cast<const AccessStatistics*>(chunk), 2 * kChunkRows)
      .load(2 * (row & (kChunkRows - 1)) + 1);
}
POLYSCENE_DEVICE void store_access(char* chunk, int32_t row, const AccessStatistics& access) {
  simt::Global<AccessStatistics>(reinterpret_cast<AccessStatistics*>(chunk), 2 * kChunkRows)
      .store(2 * (row & (kChunkRows - 1)) + 1, access);
}
[[nodiscard]] POLYSCENE_DEVICE float* values_in(const TableView& table, char* chunk, int32_t row) {
  return reinterpret_cast<float*>(chunk + 16 * kChunkRows) + int64_t{row & (kChunkRows - 1)} * table.dim;
}
[[nodiscard]] POLYSCENE_DEVICE float* state_in(const TableView& table, char* chunk, int32_t row) {
  return reinterpret_cast<float*>(chunk + (16 + int64_t{4} * table.dim) * kChunkRows) +
         int64_t{row & (kChunkRows - 1)} * table.state_width;
}

// The address that another lane holds; shuffles themselves move numbers only.
template <class T>
[[nodiscard]] POLYSCENE_DEVICE T* shuffle_address(simt::Thread& t, T* address, int lane) {
  return reinterpret_cast<T*>(t.shuffle(reinterpret_cast<uintptr_t>(address), lane, simt::kAllLanes));
}

// Iterates over `count` rows of `width` floats, one pack per lane, in the order of a matrix [count, width]. All lanes
// of the warp call body(row, column, in) together; lanes past the end get the last row and in = false.
template <int kPack, class Body>
POLYSCENE_DEVICE void for_each_pack(const simt::Thread& t, int32_t count, int32_t width, const Body& body) {
  const int32_t packs = width / kPack, total = count * packs;
  for (int32_t first = 0; first < total; first += simt::kWarpSize) {
    const int32_t at = first + t.lane(), inside = simt::minimum(at, total - 1), row = inside / packs;
    body(row, (inside - row * packs) * kPack, at < total);
  }
}

// Calls f(integral_constant<int, N>) with the widest pack that divides rows of `dim` floats and keeps them aligned.
template <class F>
POLYSCENE_DEVICE void with_row_pack(int32_t dim, const F& f) {
  dim % 4 == 0 ? f(std::integral_constant<int, 4>{}) : f(std::integral_constant<int, 1>{});
}

}  // namespace polyscene::embedding
