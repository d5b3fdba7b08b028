#include "core/data/nullable_hint.h"

#include <algorithm>

#include "core/features/column_request.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using config::Feature;
using Columns = std::set<std::string>;

// The kind of the feature if it refuses nulls and reads one of the columns, else null.
const char* refusing_kind(const Feature& feature, const Columns& columns) {
  const auto reads = [&](const std::string& column) { return columns.contains(column); };
  switch (feature.kind_case()) {
    case Feature::kCategorical: {
      const auto& field = feature.categorical();
      return !field.nullable() && reads(column_of(field, feature.name())) ? "categorical" : nullptr;
    }
    case Feature::kNumber: {
      const auto& field = feature.number();
      return !field.nullable() && reads(column_of(field, feature.name())) ? "number" : nullptr;
    }
    case Feature::kBag: {
      const auto& field = feature.bag();
      return !field.nullable() && reads(column_of(field, feature.name())) ? "bag" : nullptr;
    }
    case Feature::kSequence: {
      const auto& field = feature.sequence();
      const bool any = std::ranges::any_of(field.side(), [&](const auto& side) { return reads(side.column()); });
      return !field.nullable() && any ? "sequence" : nullptr;
    }
    case Feature::KIND_NOT_SET:
      break;
  }
  return nullptr;
}

}  // namespace

std::string nullable_hint(const config::Data& data, const Columns& columns) {
  std::string places;
  for (const Feature& feature : data.feature())
    if (const char* kind = refusing_kind(feature, columns); kind != nullptr)
      places += str(places.empty() ? "" : ", ", "data.feature[", feature.name(), "].", kind);
  return places.empty() ? "" : str("Nulls are a value of their own with nullable: true in ", places, ".");
}

}  // namespace polyscene::core
