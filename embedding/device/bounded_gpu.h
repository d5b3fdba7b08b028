// The index of a table with a bound, as table/bounded_index.h has it: the row of slot s of bucket b is b * slots + s.
// New keys of a launch are strung on their buckets, a list each, and the next launch finds places for a whole list:
// places depend on what else is new in the bucket, and no thread has to wait for another.
#pragma once

#include "embedding/device/index_gpu.h"

namespace polyscene {

[[nodiscard]] POLYSCENE_DEVICE int64_t local_bucket(const TableView& table, int64_t key) {
  return static_cast<int64_t>(home_bucket(key_hash(key, table.salt), table.all_buckets) - table.first_bucket);
}
[[nodiscard]] POLYSCENE_DEVICE uint32_t bounded_digest(const TableView& table, int64_t key) {
  return digest(key_hash(key, table.salt));
}
[[nodiscard]] POLYSCENE_DEVICE int64_t bounded_rows(const TableView& table) {
  return static_cast<int64_t>(table.buckets) * table.slots;
}
// Per bucket, 1 + the position of the key that was strung on it last; 0 for none.
[[nodiscard]] POLYSCENE_DEVICE simt::Global<int32_t> heads_of(const TableView& table) {
  return {reinterpret_cast<int32_t*>(table.index) + bounded_rows(table) / 4, static_cast<int64_t>(table.buckets)};
}

// The number of the key's row, or kNoRow. Bytes that move: `slots` of the bucket, 32 of the sector with the key.
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

// A place in a bucket, and its turn: empty ones first, then by the step that used them last, then by key.
struct Place {
  int32_t last_step = 0;
  int64_t key = 0;
  int32_t slot = -1;  // -1: none

  [[nodiscard]] POLYSCENE_DEVICE bool before(const Place& other) const {
    if (slot < 0 || other.slot < 0) return other.slot < 0 && slot >= 0;
    return last_step != other.last_step ? last_step < other.last_step : key < other.key;
  }
};

// The one whose turn is first among all lanes', for each of them.
[[nodiscard]] POLYSCENE_DEVICE Place first_place(simt::Thread& t, Place mine) {
  for (int bits = simt::kWarpSize / 2; bits > 0; bits /= 2) {
    const Place other{t.shuffle_xor(mine.last_step, bits, simt::kAllLanes),
                      t.shuffle_xor(mine.key, bits, simt::kAllLanes), t.shuffle_xor(mine.slot, bits, simt::kAllLanes)};
    if (other.before(mine)) mine = other;
  }
  return mine;
}

}  // namespace polyscene
