// What to try when rows are bad for want of a value.
#pragma once

#include <set>
#include <string>

#include "core/config/experiment.pb.h"

namespace polyscene {

// Whether a reason that a row is bad for is a null, or NaN, that its feature does not take.
[[nodiscard]] bool is_for_null(const std::string& reason);

// `Nulls are a value of their own with nullable: true in data.feature[age].number.` for the features that read one of
// the columns and are not nullable, "" where there are none.
[[nodiscard]] std::string nullable_hint(const config::Data& data, const std::set<std::string>& columns);

}  // namespace polyscene
