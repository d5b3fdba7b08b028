#include "core/features/value_faults.h"

#include <algorithm>
#include <limits>

#include "core/features/batch.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

constexpr std::string_view kNotNullable = ", but not nullable";

const char* name(Missing what) {
  switch (what) {
    case Missing::kNull:
      return "null";
    case Missing::kNan:
      return "NaN";
    case Missing::kNullOrNan:
      return "null or NaN";
    case Missing::kList:
      return "null list";
    case Missing::kInList:
      break;
  }
  return "null in list";
}

}  // namespace

std::string missing_fault(bool nullable, Missing what) { return nullable ? "" : str(name(what), kNotNullable); }

bool is_missing_fault(std::string_view fault) { return fault.ends_with(kNotNullable); }

KeyLimits key_limits(const config::Categorical& field) {
  constexpr int64_t kLowest = kMissingKey + 1, kHighest = std::numeric_limits<int64_t>::max();
  return {field.has_min_id() ? std::max(field.min_id(), kLowest) : kLowest,
          field.has_max_id() ? field.max_id() : kHighest};
}

std::string id_fault(const KeyLimits& limits, int64_t key) {
  return limits.hold(key) ? "" : str("id outside [", limits.min, ", ", limits.max, "]");
}

std::string number_fault(double x, bool nullable, Missing missing) {
  if (std::isnan(x)) return missing_fault(nullable, missing);
  return std::isinf(x) ? "infinite" : "";
}

std::string float_fault(float value) { return std::isfinite(value) ? "" : "too large for a 32-bit float"; }

std::string weight_fault(double weight) {
  if (is_weight(weight)) return "";
  return weight < 0 ? "negative weight" : "weight is null, NaN or infinite";
}

std::string length_fault(int64_t length, std::string_view other, int64_t other_length) {
  return length == other_length ? "" : str("list of length ", length, ", but \"", other, "\" has ", other_length);
}

}  // namespace polyscene::core
