// Readers of files that come from elsewhere, and the serving library, each given bytes that may be anything: by
// fuzz_test, which runs with the other tests, and by libFuzzer (tools/fuzz.sh).
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace polyscene::testing {

class FuzzTarget {
 public:
  virtual ~FuzzTarget() = default;
  // Files as our own writers make them.
  [[nodiscard]] virtual std::vector<std::string> seeds() const = 0;
  // Reads the bytes as such a file, and all that it gives access to. Throws polyscene::Error where they are refused,
  // std::logic_error where something was read that must not be.
  virtual void read(const std::string& bytes) = 0;
  // Makes lengths and checksums those of the bytes again, so that what stands behind their checks is reached.
  virtual void repair(std::string& bytes) const { static_cast<void>(bytes); }
  // Bytes that may be asked for at once, whatever the input is; more is a small multiple of the input's.
  [[nodiscard]] virtual size_t fixed_bytes() const { return size_t{1} << 20; }
};

// `folder` is the target's own. Make what the target reads beside the bytes.
using MakeFuzzTarget = std::unique_ptr<FuzzTarget>(const std::string& folder);
MakeFuzzTarget make_safetensors_target, make_rows_target, make_manifest_target, make_export_target, make_calls_target;

}  // namespace polyscene::testing
