// Finds equal keys of several senders with a hash set in scratch memory. A slot holds two positions: the key that came
// first in time, to compare with, and the lowest position, which does not depend on the schedule.
#include "embedding/device/table_kernels.h"
#include "embedding/device/tiles_gpu.h"

namespace polyscene::embedding {
namespace {

// Bytes per key: 8 of the key, 32 of the slot's sector, 8 of another key that wants the same slot, 4 of the slot's
// number.
struct EnterKeys {
  DeviceKeys keys;
  int32_t* links;
  uint32_t* slots;

  // Whether position `i` holds this key of this table.
  POLYSCENE_DEVICE bool equals(int64_t i, int64_t key, int32_t table) const {
    if (simt::Global<const int64_t>(keys.keys, keys.count).load(i) != key) return false;
    const int64_t span = last_span(keys, i, kSpanBegin);
    return simt::Global<const KeySpan>(keys.spans, keys.span_count).load(span).table == table;
  }

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const auto size = static_cast<uint64_t>(2 * keys.count);
    const simt::Global<int32_t> pairs(links, 4 * keys.count);
    for_each_tile(t, keys, [&](const Tile& tile) {
      if (!tile.has(t.lane())) return;
      const int64_t i = tile.begin + t.lane();
      const int64_t key = simt::Global<const int64_t>(keys.keys, keys.count).load(i);
      auto at = static_cast<int64_t>(home_bucket(index_hash(key, tile.table.salt), size));
      for (;; at = at + 1 == 2 * keys.count ? 0 : at + 1) {
        const int32_t seen = pairs.atomic_compare_exchange(2 * at, 0, static_cast<int32_t>(i + 1));
        if (seen == 0 || equals(seen - 1, key, tile.span.table)) break;
      }
      pairs.atomic_max(2 * at + 1, static_cast<int32_t>(keys.count - i));
      simt::Global<uint32_t>(slots, keys.count).store(i, static_cast<uint32_t>(at));
    });
  }
};

struct NameLeaders {
  const int32_t* links;
  const uint32_t* slots;
  int32_t* leaders;
  int32_t* owned;
  int64_t count;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    int32_t leads = 0;
    simt::for_each(t, count, [&](int64_t i) {
      const int64_t slot = simt::Global<const uint32_t>(slots, count).load(i);
      const auto leader =
          static_cast<int32_t>(count - simt::Global<const int32_t>(links, 4 * count).load(2 * slot + 1));
      simt::Global<int32_t>(leaders, count).store(i, leader);
      leads += leader == i ? 1 : 0;
    });
    leads = simt::warp_sum(t, leads);
    if (t.lane() == 0 && leads > 0) simt::Global<int32_t>(owned, 1).atomic_add(0, leads);
  }
};

}  // namespace

void link_keys(const Stream& stream, const DeviceKeys& keys, int32_t* links, uint32_t* slots, int32_t* leaders,
               int32_t* owned) {
  simt::launch(stream, "enter_keys", shape_for_tiles(keys), EnterKeys{keys, links, slots});
  simt::launch(stream, "name_leaders", simt::shape_for(keys.count),
               NameLeaders{links, slots, leaders, owned, keys.count});
}

}  // namespace polyscene::embedding
