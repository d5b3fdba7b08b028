// Collects what is wrong with a configuration, each with its place, so that one start of the program shows all of it.
#pragma once

#include <string>
#include <vector>

#include "core/config/source_tree.h"
#include "ops/base/error.h"

namespace polyscene::config_text {

class Problems {
 public:
  // `places` is borrowed.
  explicit Problems(const SourceTree& places) : places_(places) {}

  // Notes "place: path ..." unless `ok`. `path` names the offending value; the message starts with it.
  template <class... Parts>
  void require(bool ok, const std::string& path, const Parts&... parts) {
    if (!ok) add(path, str(path, parts...));
  }
  // Notes a message of its own words at the place of `path`.
  void add(const std::string& path, const std::string& message);

  // Place of the value at `path` in words: "file:line:column", or the override that set it.
  [[nodiscard]] std::string where(const std::string& path) const;

  // Throws InvalidArgument with all notes, one a line, if there are any.
  void throw_if_any() const;

 private:
  const SourceTree& places_;
  std::vector<std::string> notes_;
};

}  // namespace polyscene::config_text
