#include "core/metrics/radix_sort.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ops/base/philox.h"

namespace polyscene::core {
namespace {

using Row = std::pair<int64_t, int64_t>;  // (key, place before)

void expect_sorted_stably(std::vector<Row> rows) {
  std::vector<Row> wanted = rows, spare;
  std::stable_sort(wanted.begin(), wanted.end(), [](const Row& a, const Row& b) { return a.first < b.first; });
  stable_radix_sort(rows, spare, [](const Row& r) { return ordered_bits(r.first); });
  EXPECT_EQ(rows, wanted);
}

TEST(RadixSort, EqualsAStableSort) {
  PhiloxStream random(1);
  for (const int shift : {0, 20, 40, 60, 63}) {  // keys of 64, 44, 24, 4 and 1 bits, signed
    std::vector<Row> rows;
    for (int64_t i = 0; i < 1000; ++i) {
      const uint64_t bits = (uint64_t{random.next_u32()} << 32) | random.next_u32();
      rows.emplace_back(static_cast<int64_t>(bits) >> shift, i);
    }
    expect_sorted_stably(std::move(rows));
  }
}

TEST(RadixSort, FewRowsAndExtremes) {
  expect_sorted_stably({});
  expect_sorted_stably({{5, 0}});
  expect_sorted_stably({{INT64_MAX, 0}, {-1, 1}, {0, 2}, {INT64_MIN, 3}, {-1, 4}});
}

}  // namespace
}  // namespace polyscene::core
