// All operators, listed explicitly: static registrars vanish from static libraries and cannot be searched for.
#pragma once

#include <span>

#include "ops/graph/op.h"

namespace polyscene {

[[nodiscard]] std::span<const OpDefinition* const> all_ops();

}  // namespace polyscene
