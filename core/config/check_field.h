// References to features that hold one id per row.
#pragma once

#include <string>

#include "core/config/problems.h"

namespace polyscene::config {
class Data;
}

namespace polyscene::core::config_text {

// Notes a problem at `path`, whose value `name` is, unless it names a categorical feature or a number with boundaries.
void check_field(const std::string& path, const std::string& name, const config::Data& data, Problems& problems);

}  // namespace polyscene::core::config_text
