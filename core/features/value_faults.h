// What a value of a feature must not be. The reader leaves out the rows that hold such values, and a request for scores
// is refused, for the same reason in the same words. Each function of a fault gives "" for a value that is right.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

// What stands where a value is missing. A caller in C writes NaN for a number that is null.
enum class Missing { kNull, kNan, kNullOrNan, kList, kInList };

// `null, but not nullable`
[[nodiscard]] std::string missing_fault(bool nullable, Missing what);
// Whether a fault is one that `nullable` would have allowed.
[[nodiscard]] bool is_missing_fault(std::string_view fault);

// The range of ids that a categorical feature accepts. It never contains kMissingKey.
struct KeyLimits {
  int64_t min, max;
  [[nodiscard]] bool hold(int64_t key) const { return key >= min && key <= max; }
};
[[nodiscard]] KeyLimits key_limits(const config::Categorical& field);
// `id outside [0, 99]`
[[nodiscard]] std::string id_fault(const KeyLimits& limits, int64_t key);

// A number before its transformation; `missing`: what a NaN is.
[[nodiscard]] std::string number_fault(double x, bool nullable, Missing missing);
// A number after it.
[[nodiscard]] std::string float_fault(float value);

// A weight of a bag; a null is a NaN.
[[nodiscard]] inline bool is_weight(double weight) { return weight >= 0 && std::isfinite(static_cast<float>(weight)); }
[[nodiscard]] std::string weight_fault(double weight);

// A list beside another one, which wants the same length: `list of length 1, but "tags" has 2`.
[[nodiscard]] std::string length_fault(int64_t length, std::string_view other, int64_t other_length);

}  // namespace polyscene::core
