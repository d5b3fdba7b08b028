// The structs in device memory through which kernels see tables and keys, and the geometry of the index.
#pragma once

#include <cstddef>
#include <cstdint>

#include "embedding/plan/bucket_plan.h"
#include "embedding/table/row_tag.h"

namespace polyscene::embedding {

// Rows lie in chunks that never move: tags [kChunkRows], values [kChunkRows, dim], state [kChunkRows, state_width].
inline constexpr int kChunkBits = 10;
inline constexpr int32_t kChunkRows = 1 << kChunkBits;

// A bucket of the index is 64 bytes, two sectors: one hash byte per slot (0: free), the number of slots taken, then the
// slots' row indices. Slots are taken in order, and a full bucket overflows into the next. Bounded tables have other
// buckets (bounded_gpu.h).
inline constexpr int kSlots = 12, kBucketWords = 16, kUsedWord = 3, kRowWord = 4;
inline constexpr int32_t kNoRow = -1;

// One table on one device.
struct alignas(128) TableView {
  uint32_t* index;      // [buckets, kBucketWords]; bounded: hash bytes [buckets, slots], then list heads [buckets]
  char* const* chunks;  // [chunk_count]
  uint64_t buckets;
  uint64_t salt, initial_key;  // salt of the hash; key of the generator of initial values
  int32_t chunk_count, dim, state_width;
  float init_stddev, initial_state;
  int32_t slots;         // rows per bucket of a bounded table, a multiple of 16; 0: unbounded
  uint64_t all_buckets;  // buckets of a bounded table over all ranks; this rank's buckets begin with first_bucket
  uint64_t first_bucket;
};
static_assert(sizeof(TableView) == 128);

// Contiguous keys of one table, [begin, begin + count), and their rows in the matrix of their group. They are cut into
// tiles of kTileKeys keys (the last may be shorter), numbered from `tile`.
struct alignas(32) KeySpan {
  float* matrix;
  int32_t row;  // row of the first key in the matrix
  int32_t begin, count, tile;
  int32_t table;  // position in wire order
};
static_assert(sizeof(KeySpan) == 32);
inline constexpr int kSpanWords = 8, kSpanBegin = offsetof(KeySpan, begin) / 4, kSpanTile = offsetof(KeySpan, tile) / 4;
inline constexpr int32_t kTileKeys = 32;  // handled by one warp

// Keys in device memory. Spans are not empty and are in the order of their keys.
struct DeviceKeys {
  const int64_t* keys;      // [count]
  const KeySpan* spans;     // [span_count]
  const TableView* tables;  // [table_count], in wire order
  int64_t count, span_count, tiles, table_count;
};

// All keys of a rank share the top bits of the routing hash; the multiplication mixes the other bits into the top ones.
[[nodiscard]] constexpr uint64_t index_hash(int64_t key, uint64_t salt) {
  return key_hash(key, salt) * 0x9E3779B97F4A7C15ull;
}
[[nodiscard]] constexpr uint64_t home_bucket(uint64_t hash, uint64_t buckets) {
  return static_cast<uint64_t>((static_cast<uint128>(hash) * buckets) >> 64);
}
[[nodiscard]] constexpr uint32_t digest(uint64_t hash) {
  const auto byte = static_cast<uint32_t>(hash & 0xFF);
  return byte == 0 ? 1 : byte;
}

}  // namespace polyscene::embedding
