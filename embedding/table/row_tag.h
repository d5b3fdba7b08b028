// The tag of a row: its key and its access statistics. They lie together because a lookup has just read the key's
// memory when it records the access. Device kernels use the same struct.
#pragma once

#include <cstdint>

namespace polyscene::embedding {

struct AccessStatistics {
  int32_t last_step = 0;  // the last update (counted from 1) whose lookup touched the row; 0: none known
  int32_t visits = 0;     // training lookups that touched the row, at most one per step

  friend bool operator==(const AccessStatistics&, const AccessStatistics&) = default;
};

struct RowTag {
  int64_t key;
  AccessStatistics access;
};
static_assert(sizeof(RowTag) == 16);

}  // namespace polyscene::embedding
