// Places for new keys in tables with a bound.
#include "embedding/device/bounded_gpu.h"
#include "embedding/device/table_kernels.h"

namespace polyscene {
namespace {

// A warp per bucket that has new keys. Per bucket: its bytes of hash and tags read; per new key the link, byte, tag and
// row number written.
struct PlaceRows {
  DeviceKeys keys;
  int32_t* rows;
  TouchedKeys touched;
  TableCounts counts;

  static constexpr int kPlaces = BucketPlan::kMaxSlots / simt::kWarpSize;  // of a bucket, that a lane looks after

  // `head`: 1 + the position of the list's first key.
  POLYSCENE_DEVICE void fill(simt::Thread& t, const TableView& table, int32_t wire, int64_t bucket,
                             int32_t head) const {
    const int64_t first = bucket * table.slots;
    const simt::Global<uint8_t> digests(reinterpret_cast<uint8_t*>(table.index), bounded_rows(table));
    const simt::Global<const int64_t> all_keys(keys.keys, keys.count);
    const simt::Global<const int32_t> next(touched.next, keys.count);
    Place places[kPlaces];
    int32_t in_step = 0;
    for (int p = 0; p < kPlaces; ++p) {
      const int32_t slot = t.lane() + p * simt::kWarpSize;
      if (slot >= table.slots) continue;
      const auto row = static_cast<int32_t>(first + slot);
      if (digests.load(row) == 0) {
        places[p] = {-1, slot, slot};
        continue;
      }
      const RowTag tag = load_tag(chunk_of(table, row), row);
      if (tag.use.last_step == touched.step) {
        ++in_step;
      } else {
        places[p] = {tag.use.last_step, tag.key, slot};
      }
    }
    t.sync_warp(simt::kAllLanes);  // all have read what is written below
    int32_t wanted = simt::warp_sum(t, in_step), placed = 0, lost = 0;
    for (int32_t at = head; at != 0; at = next.load(at - 1)) {
      ++wanted;
      Place best;
      for (const Place& place : places)
        if (place.before(best)) best = place;
      best = first_place(t, best);
      if (best.slot < 0) continue;
      for (Place& place : places)
        if (place.slot == best.slot) place.slot = -1;
      ++placed;
      lost += best.last_step < 0 ? 0 : 1;
      if (t.lane() != 0) continue;
      const auto row = static_cast<int32_t>(first + best.slot);
      const int64_t key = all_keys.load(at - 1);
      digests.store(row, static_cast<uint8_t>(bounded_digest(table, key)));
      store_tag(chunk_of(table, row), row, {key, {touched.step, 1}});
      simt::Global<int32_t>(rows, keys.count).store(at - 1, -2 - row);
    }
    if (t.lane() != 0) return;
    heads_of(table).store(bucket, 0);
    simt::Global<int32_t>(counts.rows, keys.table_count).atomic_add(wire, placed - lost);
    if (lost > 0) simt::Global<int32_t>(counts.lost, 1).atomic_add(0, lost);
    if (wanted <= table.slots) return;
    simt::Global<int32_t>(counts.overfull, keys.table_count).atomic_max(wire, wanted);
    simt::Global<int32_t>(counts.stop, 1).atomic_max(0, kStopOverfull);
  }

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_each_tile(t, keys, [&](const Tile& tile) {
      if (tile.table.slots == 0) return;
      int64_t bucket = 0;
      int32_t head = 0;
      // The key that found its bucket's list empty speaks for all.
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

}  // namespace polyscene
