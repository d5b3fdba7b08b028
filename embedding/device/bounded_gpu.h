// The index of a bounded table, laid out like table/bounded_index.h: slot s of bucket b holds row b * slots + s. One
// launch links the new keys of a bucket into a list, and the next launch finds places for a whole list: places depend
// on the other new keys of the bucket, and no thread has to wait for another.
#pragma once

#include "embedding/device/index_gpu.h"

namespace polyscene::embedding {

[[nodiscard]] POLYSCENE_DEVICE int64_t local_bucket(const TableView& table, int64_t key) {
  return home_bucket(key_hash(key, table.salt), table.all_buckets) - table.first_bucket;
}
[[nodiscard]] POLYSCENE_DEVICE uint32_t bounded_digest(const TableView& table, int64_t key) {
  return digest(key_hash(key, table.salt));
}
[[nodiscard]] POLYSCENE_DEVICE int64_t bounded_rows(const TableView& table) {
  return static_cast<int64_t>(table.buckets) * table.slots;
}
// For each bucket, 1 + the position of the key that was linked into its list last; 0 if the list is empty.
[[nodiscard]] POLYSCENE_DEVICE simt::Global<int32_t> heads_of(const TableView& table) {
  return {reinterpret_cast<int32_t*>(table.index) + bounded_rows(table) / 4, static_cast<int64_t>(table.buckets)};
}

// The row index of the key, or kNoRow. Bytes moved: `slots` of the bucket, 32 of the sector with the key.
[[nodiscard]] POLYSCENE_DEVICE int32_t find_in_bucket(const TableView& table, int64_t key) {
  const uint32_t wanted = bounded_digest(table, key) * 0x01010101u;
  const simt::Global<const uint32_t> words(table.index, bounded_rows(table) / 4);
  const int64_t first = local_bucket(table, key) * table.slots;
  for (int32_t slot = 0; slot < table.slots; slot += 16) {
    const auto pack = words.load_pack<4>((first + slot) / 4);
    for (int k = 0; k < 16; ++k) {
      if ((zero_bytes(pack[k / 4] ^ wanted) >> (k % 4 * 8 + 7) & 1) == 0) continue;
      const auto row = static_cast<int32_t>(first + slot + k);
      if (load_key(chunk_of(table, row), row) == key) return row;
    }
  }
  return kNoRow;
}

// A place in a bucket and its rank in the order of use: empty places first, by slot, then rows by last step, then by
// key.
struct Place {
  uint32_t step = kNone;  // 0: empty; else 1 + the last step of its row; kNone: may not be used
  uint64_t key = 0;       // ordered like signed keys

  static constexpr uint32_t kNone = ~0u;
  [[nodiscard]] POLYSCENE_DEVICE static Place empty(int32_t slot) { return {0, static_cast<uint64_t>(slot)}; }
  [[nodiscard]] POLYSCENE_DEVICE static Place used(int32_t last_step, int64_t key) {
    return {static_cast<uint32_t>(last_step) + 1, static_cast<uint64_t>(key) ^ uint64_t{1} << 63};
  }
  [[nodiscard]] POLYSCENE_DEVICE bool before(const Place& other) const {
    return step != other.step ? step < other.step : key < other.key;
  }
};

// The lane whose place comes first; all lanes must call it. No two places of a bucket are equal. -1: no place may be
// used.
[[nodiscard]] POLYSCENE_DEVICE int first_place(simt::Thread& t, const Place& mine) {
  const uint32_t step = t.smallest(mine.step, simt::kAllLanes);
  if (step == Place::kNone) return -1;
  bool first = mine.step == step;
  for (int half = 1; half >= 0; --half) {
    const auto key = static_cast<uint32_t>(mine.key >> (32 * half));
    const uint32_t smallest = t.smallest(first ? key : ~0u, simt::kAllLanes);
    first = first && key == smallest;
  }
  return simt::bit_position(t.ballot(first, simt::kAllLanes), 0);
}

}  // namespace polyscene::embedding
