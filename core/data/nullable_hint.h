// Advice for rows that are bad because of a null.
#pragma once

#include <set>
#include <string>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

// `Nulls are a value of their own with nullable: true in data.feature[age].number.`, for the features that read one of
// the columns and are not nullable; "" if there are none.
[[nodiscard]] std::string nullable_hint(const config::Data& data, const std::set<std::string>& columns);

}  // namespace polyscene::core
