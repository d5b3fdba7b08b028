// The battery's one table of tolerances. Absolute ones are in units of the largest magnitude in the tensor (at least
// 1).
#pragma once

#include <string_view>

#include "tests/support/compare.h"

namespace polyscene::testing {

struct OpTolerance {
  std::string_view op;
  Tolerance gradient;   // rule against central differences, both in double
  Tolerance precision;  // float32 against double, outputs and gradients
};

inline constexpr OpTolerance kTolerances[] = {
    {"", {.relative = 1e-6, .absolute = 1e-8}, {.relative = 2e-6, .absolute = 1e-6}},  // every op not named below
};

[[nodiscard]] inline const OpTolerance& tolerance_of(std::string_view op) {
  for (const OpTolerance& row : kTolerances)
    if (row.op == op) return row;
  return kTolerances[0];
}

}  // namespace polyscene::testing
