// Collects the problems of a configuration with their places, so that one start of the program reports all of them.
#pragma once

#include <string>
#include <vector>

#include "core/config/source_tree.h"
#include "ops/base/error.h"

namespace polyscene::core::config_text {

class Problems {
 public:
  // `places` is borrowed.
  explicit Problems(const SourceTree& places) : places_(&places) {}
  // Of a configuration that was built in code, whose values have no place.
  Problems() = default;

  // Unless `ok`, adds "place: path ...": `path` names the offending value, and the message starts with it.
  template <class... Parts>
  void require(bool ok, const std::string& path, const Parts&... parts) {
    if (!ok) add(path, str(path, parts...));
  }
  // Adds any message at the place of `path`.
  void add(const std::string& path, const std::string& message);

  // Place of the value at `path` in words: "file:line:column", or the override that set it; `path` if it has no place.
  [[nodiscard]] std::string where(const std::string& path) const;

  // Throws InvalidArgument with all problems, one per line, if there are any.
  void throw_if_any() const;

 private:
  const SourceTree* places_ = nullptr;
  std::vector<std::string> notes_;
};

}  // namespace polyscene::core::config_text
