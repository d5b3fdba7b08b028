// For tests that read error messages.
#pragma once

#include <string>

#include "ops/base/error.h"

namespace polyscene::testing {

// What the error of type E that `action` throws says; "nothing thrown" when it throws none. Other errors pass through.
template <class E = InvalidArgument, class Action>
[[nodiscard]] std::string message_of(Action&& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing thrown";
}

}  // namespace polyscene::testing
