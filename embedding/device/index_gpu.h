// Finding a key and inserting one. Each thread handles one key: a probe is bounded by the latency of three dependent
// accesses (bucket, chunk, key), and a warp then has 32 of them in flight instead of one.
#pragma once

#include "embedding/device/tiles_gpu.h"

namespace polyscene::embedding {

// The high bit of each byte of x that is zero; exact.
[[nodiscard]] POLYSCENE_HOST_DEVICE uint32_t zero_bytes(uint32_t x) {
  return ~(((x & 0x7F7F7F7Fu) + 0x7F7F7F7Fu) | x | 0x7F7F7F7Fu);
}

[[nodiscard]] POLYSCENE_DEVICE uint64_t next_bucket(const TableView& table, uint64_t b) {
  return b + 1 == table.buckets ? 0 : b + 1;
}

// The row index of the key in an unbounded table, or kNoRow. Bytes moved: 64 of the bucket, 32 of the sector with the
// key.
[[nodiscard]] POLYSCENE_DEVICE int32_t find_row(const TableView& table, int64_t key) {
  const uint64_t hash = index_hash(key, table.salt);
  const uint32_t wanted = digest(hash) * 0x01010101u;
  const simt::Global<const uint32_t> words(table.index, static_cast<int64_t>(table.buckets) * kBucketWords);
  uint64_t b = home_bucket(hash, table.buckets);
  for (uint64_t left = table.buckets; left > 0; --left, b = next_bucket(table, b)) {
    const auto at = static_cast<int64_t>(b) * kBucketWords;
    const auto head = words.load_pack<4>(at);
    for (int slot = 0; slot < kSlots; ++slot) {
      if ((zero_bytes(head[slot / 4] ^ wanted) >> (slot % 4 * 8 + 7) & 1) == 0) continue;
      const auto row = static_cast<int32_t>(words.load(at + kRowWord + slot));
      if (load_key(chunk_of(table, row), row) == key) return row;
    }
    if (head[kSlots / 4 - 1] >> 24 == 0) return kNoRow;  // its last slot is free
  }
  return kNoRow;
}

// Inserts a key that is absent and that no other thread inserts. The bucket's counter hands out slots, so nothing is
// retried; no thread reads slots in the same launch.
POLYSCENE_DEVICE void put_in_index(const TableView& table, int64_t key, int32_t row) {
  const uint64_t hash = index_hash(key, table.salt);
  const int64_t buckets = table.buckets;
  const simt::Global<uint32_t> words(table.index, buckets * kBucketWords);
  const simt::Global<uint8_t> bytes(reinterpret_cast<uint8_t*>(table.index), buckets * kBucketWords * 4);
  for (uint64_t b = home_bucket(hash, table.buckets);; b = next_bucket(table, b)) {
    const auto at = static_cast<int64_t>(b) * kBucketWords;
    const uint32_t slot = words.atomic_add(at + kUsedWord, 1);
    if (slot >= kSlots) continue;
    bytes.store(at * 4 + slot, static_cast<uint8_t>(digest(hash)));
    words.store(at + kRowWord + slot, static_cast<uint32_t>(row));
    return;
  }
}

}  // namespace polyscene::embedding
