// Rows packed for sorting. Every metric is a function of the multiset of (group, scenario, logit, label). So rows
// sorted by these give the same order of sums for any number of ranks and any order of rows: rows that tie are equal.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <span>

namespace polyscene::core {

// The logit as order-preserving bits, above the label's bit. -0 and +0 are one value.
[[nodiscard]] inline uint64_t pack_score(float logit, bool positive) {
  const uint32_t bits = std::bit_cast<uint32_t>(logit + 0.0f);
  const uint32_t ordered = bits >> 31 ? ~bits : bits | 0x80000000u;
  return (uint64_t{ordered} << 1) | (positive ? 1 : 0);
}
[[nodiscard]] inline bool is_positive(uint64_t score) { return score & 1; }
[[nodiscard]] inline float logit_of(uint64_t score) {
  const uint32_t ordered = static_cast<uint32_t>(score >> 1);
  return std::bit_cast<float>(ordered >> 31 ? ordered & 0x7fffffffu : ~ordered);
}

struct ScoredRow {
  int64_t group = 0, scenario = 0;
  uint64_t score = 0;
  friend auto operator<=>(const ScoredRow&, const ScoredRow&) = default;
};

// Calls visit(rows) for each run of neighbours that are equal by `same`.
template <class Same, class Visit>
void for_each_run(std::span<const ScoredRow> rows, const Same& same, const Visit& visit) {
  for (size_t begin = 0; begin < rows.size();) {
    size_t end = begin + 1;
    while (end < rows.size() && same(rows[begin], rows[end])) ++end;
    visit(rows.subspan(begin, end - begin));
    begin = end;
  }
}

}  // namespace polyscene::core
