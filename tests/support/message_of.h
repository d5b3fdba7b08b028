// Helper for tests that compare error messages.
#pragma once

#include <string>

#include "ops/base/error.h"

namespace polyscene::testing {

// The message of the error of type E that `action` throws; "nothing thrown" if it throws nothing. Other errors pass.
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
