// Errors that a user can meet are exceptions of the types below; only the launcher's main turns them into exit codes.
// A message tells what was wanted, what came, where, and what to try:  [area] wanted ..., got ...; try ...
// A problem that does not stop the program is a warning (ops/base/warning.h).
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace polyscene {

// The value is the exit code of the process.
enum class ErrorKind : int { kOther = 1, kInvalidArgument = 2, kData = 3, kDevice = 4, kCommunication = 5 };

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// Usage or configuration: the user can correct the command line, the configuration or the calling code.
struct InvalidArgument : Error {
  explicit InvalidArgument(const std::string& m) : Error(ErrorKind::kInvalidArgument, m) {}
};
// Files and records: missing, truncated, of the wrong type, out of range.
struct DataError : Error {
  explicit DataError(const std::string& m) : Error(ErrorKind::kData, m) {}
};
// A data error that disappears once there is space: a full disk or a quota.
struct NoSpace : DataError {
  using DataError::DataError;
};
// Memory and accelerators.
struct DeviceError : Error {
  explicit DeviceError(const std::string& m) : Error(ErrorKind::kDevice, m) {}
};
// Communication: a peer died or a deadline passed.
struct CommunicationError : Error {
  explicit CommunicationError(const std::string& m) : Error(ErrorKind::kCommunication, m) {}
};

// Concatenates its arguments as operator<< prints them.
template <class... Parts>
[[nodiscard]] std::string str(Parts&&... parts) {
  std::ostringstream out;
  (out << ... << std::forward<Parts>(parts));
  return std::move(out).str();
}

// Throws E with the concatenated message unless `ok`. The parts are only formatted on failure.
template <class E = InvalidArgument, class... Parts>
void require(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    throw E(str(parts...));
}

}  // namespace polyscene
