// Rewords TextFormat's parse errors for users.
#pragma once

#include <string>

#include "core/config/first_error.h"
#include "core/config/scan.h"

namespace polyscene::core::config_text {

struct Explanation {
  Place place;  // place of the cause; TextFormat itself gives the token at which it stopped
  std::string message;
};

// Explains the first error that TextFormat reported on this text.
[[nodiscard]] Explanation explain(const ScannedText& source, const FirstError::Report& report);

}  // namespace polyscene::core::config_text
