// What kernels see of tables and of keys: plain structs in memory of the device, and the geometry of the index.
#pragma once

#include <cstddef>
#include <cstdint>

#include "embedding/plan/bucket_plan.h"
#include "embedding/table/row_tag.h"

namespace polyscene {

// Rows lie in chunks that never move: tags [kChunkRows], values [kChunkRows, dim], state [kChunkRows, state_width].
inline constexpr int kChunkBits = 10;
inline constexpr int32_t kChunkRows = 1 << kChunkBits;

// A bucket of the index is 64 bytes, two sectors: a byte of hash per slot (0: free) and the number of slots taken, then
// the slots' row numbers. Slots are taken in order, and a bucket that is full goes on in the next. Tables with a bound
// have other buckets (bounded_gpu.h).
inline constexpr int kSlots = 12, kBucketWords = 16, kUsedWord = 3, kRowWord = 4;
inline constexpr int32_t kNoRow = -1;

// One table on one device.
struct alignas(128) TableView {
  uint32_t* index;      // [buckets, kBucketWords]; with a bound bytes of hash [buckets, slots], then heads [buckets]
  char* const* chunks;  // [chunk_count]
  uint64_t buckets;
  uint64_t salt, initial_key;  // of the hash, of the generator of initial values
  int32_t chunk_count, dim, state_width;
  float init_stddev, initial_state;
  int32_t slots;         // rows of a bucket of a table with a bound, a multiple of 16; 0: it has none
  uint64_t all_buckets;  // of a table with a bound on all ranks, of which this one's begin with first_bucket
  uint64_t first_bucket;
};
static_assert(sizeof(TableView) == 128);

// Keys of one table that lie side by side, and their rows in the matrix of their group. [begin, begin + count) of the
// keys; its tiles of kTileKeys keys, the last of which may be shorter, are numbered from `tile`.
struct alignas(32) KeySpan {
  float* matrix;
  int32_t row;  // of the matrix, of the first key
  int32_t begin, count, tile;
  int32_t table;  // its position in wire order
};
static_assert(sizeof(KeySpan) == 32);
inline constexpr int kSpanWords = 8, kSpanBegin = offsetof(KeySpan, begin) / 4, kSpanTile = offsetof(KeySpan, tile) / 4;
inline constexpr int32_t kTileKeys = 32;  // a warp's

// Keys on the device; spans are not empty and lie in the order of their keys.
struct DeviceKeys {
  const int64_t* keys;      // [count]
  const KeySpan* spans;     // [span_count]
  const TableView* tables;  // [table_count], in wire order
  int64_t count, span_count, tiles, table_count;
};

// All keys of a rank share the top bits of the routing hash; a multiplication spreads the rest over the whole word.
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

}  // namespace polyscene
