// The reason of an Arrow failure, with the operating system's message.
#pragma once

#include <arrow/status.h>

#include <string>

namespace polyscene::core {

// "Error writing bytes to file: [errno 28] No space left on device".
[[nodiscard]] inline std::string arrow_reason(const arrow::Status& status) {
  return status.message() + (status.detail() ? ": " + status.detail()->ToString() : "");
}

}  // namespace polyscene::core
