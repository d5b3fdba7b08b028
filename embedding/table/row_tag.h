// What a row carries beside its values: its key, and how it was used. Together, because who looks for a key has just
// read this memory when it notes the use. Kernels of devices see the same struct.
#pragma once

#include <cstdint>

namespace polyscene {

struct RowUse {
  int32_t last_step = 0;  // the update, counted from 1, whose lookup touched the row last; 0: none that is known of
  int32_t visits = 0;     // lookups in training that touched it, one per step

  friend bool operator==(const RowUse&, const RowUse&) = default;
};

struct RowTag {
  int64_t key;
  RowUse use;
};
static_assert(sizeof(RowTag) == 16);

}  // namespace polyscene
