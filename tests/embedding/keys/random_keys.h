// Keys for tables that forget.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "ops/base/philox.h"

namespace polyscene::testing {

// Different keys below `keys`, `count` of them; half of them among the first tenth, so that they come again.
[[nodiscard]] inline std::vector<int64_t> distinct_keys(int64_t step, int64_t count, uint64_t keys) {
  PhiloxStream random(static_cast<uint64_t>(step));
  std::set<int64_t> distinct;
  while (static_cast<int64_t>(distinct.size()) < count)
    distinct.insert(static_cast<int64_t>(random.next_below(distinct.size() % 2 == 0 ? keys : keys / 10)));
  return {distinct.begin(), distinct.end()};
}

}  // namespace polyscene::testing
