// Parse errors in the user's words.
#pragma once

#include <string>

#include "core/config/first_error.h"
#include "core/config/scan.h"

namespace polyscene::config_text {

struct Explanation {
  Place place;  // of the cause, where TextFormat names the token it had read up to
  std::string message;
};

// What the first error that TextFormat reported on this text means.
[[nodiscard]] Explanation explain(const ScannedText& source, const FirstError::Report& report);

}  // namespace polyscene::config_text
