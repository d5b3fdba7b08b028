// Errors whose cause a setting of the layers above can remove. Their messages advise in plain words; core adds the
// names of the settings (core/config/advice.h).
#pragma once

#include "ops/base/error.h"

namespace polyscene {

// The system gives no more threads.
struct ThreadShortage : DeviceError {
  using DeviceError::DeviceError;
};
// A device has no more memory.
struct DeviceMemoryShortage : DeviceError {
  using DeviceError::DeviceError;
};
// An operator's output is not finite.
struct OutputNotFinite : Error {
  explicit OutputNotFinite(const std::string& m) : Error(ErrorKind::kOther, m) {}
};
// The gradient of a table's row is not finite.
struct RowGradientNotFinite : Error {
  explicit RowGradientNotFinite(const std::string& m) : Error(ErrorKind::kOther, m) {}
};

}  // namespace polyscene
