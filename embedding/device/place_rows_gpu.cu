// Places for new keys in bounded tables.
#include "embedding/device/bounded_gpu.h"
#include "embedding/device/table_kernels.h"

namespace polyscene::embedding {
namespace {

// Each bucket with new keys is handled by one warp. Bytes per bucket: its hash bytes and tags read; per new key: the
// link, hash byte, tag and row index written.
struct PlaceRows {
  DeviceKeys keys;
  int32_t* rows;
  TouchedKeys touched;
  TableCounts counts;

  static constexpr int kPlaces = BucketPlan::kMaxSlots / simt::kWarpSize;  // places of a bucket per lane

  // The contents of a bucket before a key is placed there. All loads are issued together.
  struct Bucket {
    Place places[kPlaces];  // slots lane + p * kWarpSize
    int32_t in_step = 0;    // rows among these places that this step uses
  };
  POLYSCENE_DEVICE Bucket look(const simt::Thread& t, const TableView& table, int64_t first) const {
    const simt::Global<const uint8_t> digests(reinterpret_cast<const uint8_t*>(table.index), bounded_rows(table));
    Bucket bucket;
    uint8_t taken[kPlaces] = {};
    RowTag tags[kPlaces];
    for (int p = 0; p < kPlaces; ++p)
      if (const int32_t slot = t.lane() + p * simt::kWarpSize; slot < table.slots)
        taken[p] = digests.load(first + slot);
    for (int p = 0; p < kPlaces; ++p)
      if (const auto row = static_cast<int32_t>(first + t.lane() + p * simt::kWarpSize); taken[p] != 0)
        tags[p] = load_tag(chunk_of(table, row), row);
    for (int p = 0; p < kPlaces; ++p) {
      const int32_t slot = t.lane() + p * simt::kWarpSize;
      if (slot >= table.slots) continue;
      if (taken[p] == 0) {
        bucket.places[p] = Place::empty(slot);
      } else if (tags[p].access.last_step == touched.step) {
        ++bucket.in_step;
      } else {
        bucket.places[p] = Place::used(tags[p].access.last_step, tags[p].key);
      }
    }
    return bucket;
  }

  // Takes up to one key per lane from the list that starts at `at` (1 + the position of its first key), and moves `at`
  // to the rest.
  [[nodiscard]] POLYSCENE_DEVICE int32_t take_keys(const simt::Thread& t, int32_t& at, int32_t& mine) const {
    const simt::Global<const int32_t> next(touched.next, keys.count);
    int32_t count = 0;
    for (; count < simt::kWarpSize && at != 0; ++count) {
      if (t.lane() == count) mine = at;
      at = next.load(at - 1);
    }
    return count;
  }

  // Assigns a slot to each of the first `count` lanes, -1 if there is none. Adds the number of evicted rows to
  // `evicted`.
  POLYSCENE_DEVICE int32_t give_slots(simt::Thread& t, Bucket& bucket, int32_t count, int32_t& evicted) const {
    int32_t mine = -1;
    for (int32_t n = 0; n < count; ++n) {
      int best = 0;
      for (int p = 1; p < kPlaces; ++p)
        if (bucket.places[p].before(bucket.places[best])) best = p;
      Place place;
      for (int p = 0; p < kPlaces; ++p)
        if (p == best) place = bucket.places[p];
      const int winner = first_place(t, place);
      if (winner < 0) break;
      if (t.lane() == winner)
        for (int p = 0; p < kPlaces; ++p)
          if (p == best) bucket.places[p].step = Place::kNone;
      const int32_t slot = winner + t.shuffle(best, winner, simt::kAllLanes) * simt::kWarpSize;
      evicted += t.shuffle(place.step, winner, simt::kAllLanes) == 0 ? 0 : 1;
      if (t.lane() == n) mine = slot;
    }
    return mine;
  }

  // head: 1 + the position of the list's first key.
  POLYSCENE_DEVICE void fill(simt::Thread& t, const TableView& table, int32_t wire, int64_t bucket_number,
                             int32_t head) const {
    const int64_t first = bucket_number * table.slots;
    const simt::Global<uint8_t> digests(reinterpret_cast<uint8_t*>(table.index), bounded_rows(table));
    Bucket bucket = look(t, table, first);
    t.sync_warp(simt::kAllLanes);  // all lanes have read what is written below
    int32_t wanted = simt::warp_sum(t, bucket.in_step), placed = 0, evicted = 0;
    for (int32_t at = head; at != 0;) {
      int32_t mine = 0;
      const int32_t count = take_keys(t, at, mine);
      const int64_t key = mine == 0 ? 0 : simt::Global<const int64_t>(keys.keys, keys.count).load(mine - 1);
      const int32_t slot = give_slots(t, bucket, count, evicted);
      wanted += count;
      placed += simt::bit_count(t.ballot(slot >= 0, simt::kAllLanes));
      if (slot < 0) continue;
      const auto row = static_cast<int32_t>(first + slot);
      digests.store(row, static_cast<uint8_t>(bounded_digest(table, key)));
      store_tag(chunk_of(table, row), row, {key, {touched.step, 1}});
      simt::Global<int32_t>(rows, keys.count).store(mine - 1, -2 - row);
    }
    if (t.lane() != 0) return;
    heads_of(table).store(bucket_number, 0);
    simt::Global<int32_t>(counts.rows, keys.table_count).atomic_add(wire, placed - evicted);
    if (evicted > 0) simt::Global<int32_t>(counts.evicted, 1).atomic_add(0, evicted);
    if (wanted <= table.slots) return;
    simt::Global<int32_t>(counts.overfull, keys.table_count).atomic_max(wire, wanted);
    simt::Global<int32_t>(counts.stop, 1).atomic_max(0, kStopOverfull);
  }

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_each_tile(t, keys, [&](const Tile& tile) {
      if (tile.table.slots == 0) return;
      int64_t bucket = 0;
      int32_t head = 0;
      // The key that found its bucket's list empty represents the whole list.
      if (const int64_t i = tile.begin + t.lane();
          tile.has(t.lane()) && simt::Global<const int32_t>(touched.next, keys.count).load(i) == 0) {
        bucket = local_bucket(tile.table, simt::Global<const int64_t>(keys.keys, keys.count).load(i));
        head = heads_of(tile.table).load(bucket);
      }
      const uint32_t speakers = t.ballot(head != 0, simt::kAllLanes);
      for (int lane = 0; lane < kTileKeys; ++lane) {
        if ((speakers >> lane & 1) == 0) continue;
        fill(t, tile.table, tile.span.table, t.shuffle(bucket, lane, simt::kAllLanes),
             t.shuffle(head, lane, simt::kAllLanes));
      }
    });
  }
};

}  // namespace

void place_rows(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched,
                const TableCounts& counts) {
  simt::launch(stream, "place_rows", shape_for_tiles(keys), PlaceRows{keys, rows, touched, counts});
}

}  // namespace polyscene::embedding
