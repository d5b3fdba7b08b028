// Sums the sources of each row, in an order that depends on the index alone. The sorted sources are cut at multiples of
// a fixed length, so that a row with very many sources neither waits for one thread nor loses precision. Each cut
// touches at most two long lists: the one that continues into it and the one that continues after it.
#pragma once

#include "ops/jagged/device_source_lists.h"
#include "ops/jagged/segments_gpu.h"

namespace polyscene::ops {

inline constexpr int64_t kCutSources = 256;  // longer lists are summed cut by cut

[[nodiscard]] POLYSCENE_DEVICE bool is_long(const DeviceSourceLists& s, int64_t row) {
  return s.begin.load(row + 1) - s.begin.load(row) > kCutSources;
}

// The row of the partial sums that holds the sum of one cut's part of a long list; the list begins at `begin`.
[[nodiscard]] POLYSCENE_DEVICE int64_t slot_of(int64_t cut, int64_t begin) {
  return 2 * cut + (begin > cut * kCutSources ? 1 : 0);
}

// partial [2 cuts, dim]: for each cut, the sum over the sources of the long list that covers its first position, and of
// the long list that begins inside it and covers its last position. Rows without such a list are not written.
template <int kPack, class Terms>
struct SumCuts {
  Terms terms;
  DeviceSourceLists sources;
  simt::Global<float> partial;
  int64_t cuts, dim;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_pack<kPack>(t, 2 * cuts, dim, [&](int64_t slot, int64_t col) {
      const int64_t first = slot / 2 * kCutSources, last = simt::minimum(sources.count, first + kCutSources) - 1;
      const int64_t row = sources.row.load(slot % 2 == 0 ? first : last);
      if (row < 0 || !is_long(sources, row)) return;
      const int64_t begin = sources.begin.load(row), end = sources.begin.load(row + 1);
      if (slot_of(slot / 2, begin) != slot) return;
      partial.template store_pack<kPack>(
          slot * dim + col,
          terms.template sum<kPack>(sources, row, simt::maximum(begin, first), simt::minimum(end, last + 1), col));
    });
  }
};

// y [rows, dim], from the sources of short lists and the partial sums of long ones.
template <int kPack, class Terms>
struct SumSources {
  Terms terms;
  DeviceSourceLists sources;
  simt::Global<const float> partial;
  simt::Global<float> y;
  int64_t dim;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_pack<kPack>(t, sources.rows, dim, [&](int64_t row, int64_t col) {
      const int64_t begin = sources.begin.load(row), end = sources.begin.load(row + 1);
      simt::Pack<float, kPack> sum{};
      if (is_long(sources, row)) {
        for (int64_t cut = begin / kCutSources; cut * kCutSources < end; ++cut) {
          const auto x = partial.template load_pack<kPack>(slot_of(cut, begin) * dim + col);
          for (int k = 0; k < kPack; ++k) sum[k] += x[k];
        }
      } else {
        sum = terms.template sum<kPack>(sources, row, begin, end, col);
      }
      y.template store_pack<kPack>(row * dim + col, sum);
    });
  }
};

// y [rows, dim] = the sum of each list. terms.sum<kPack>(sources, row, begin, end, col) returns the sum that the
// sources order[begin] .. order[end - 1] add to the columns of `row` from col on.
template <class Terms>
void sum_sources(const KernelContext& c, const char* name, const DeviceSourceLists& sources, const Terms& terms,
                 const simt::Global<float>& y, int64_t dim) {
  // If there are too few sources for a long list, there is nothing to cut.
  const int64_t cuts = sources.count > kCutSources ? simt::ceil_div(sources.count, kCutSources) : 0;
  float* partial = c.scratch.get<float>(2 * cuts * dim).data();
  simt::with_pack(dim, [&](auto pack) {
    if (cuts > 0)
      simt::launch(c.stream, name, simt::shape_for_packs(2 * cuts, dim, pack),
                   SumCuts<pack, Terms>{terms, sources, {partial, 2 * cuts * dim}, cuts, dim});
    simt::launch(c.stream, name, simt::shape_for_packs(sources.rows, dim, pack),
                 SumSources<pack, Terms>{terms, sources, {partial, 2 * cuts * dim}, y, dim});
  });
}

// Sources that are pieces of `dim` elements of g.
struct SourceRows {
  simt::Global<const float> g;
  int64_t dim;

  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, kPack> sum(const DeviceSourceLists& sources, int64_t /*row*/,
                                                              int64_t begin, int64_t end, int64_t col) const {
    simt::Pack<float, kPack> sum{};
    for_rows<8>(
        begin, end - begin, [&](int64_t i) { return g.template load_pack<kPack>(sources.order.load(i) * dim + col); },
        [&](int64_t, const simt::Pack<float, kPack>& x) {
          for (int k = 0; k < kPack; ++k) sum[k] += x[k];
        });
    return sum;
  }
};

}  // namespace polyscene::ops
