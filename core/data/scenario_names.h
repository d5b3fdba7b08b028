// The scenarios' names in the files, for people: a model knows string scenarios by their hashes only. Saved with a
// model as scenarios.json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dist/communicator.h"

namespace polyscene {

class ScenarioNames {
 public:
  // Keeps at most `most` names: those with the smallest keys, so the order of add() does not matter.
  explicit ScenarioNames(size_t most = 100'000) : most_(most) {}

  // Bytes that are not UTF-8 are stored as %XX; a name is cut to its first 1000 bytes.
  void add(int64_t key, const std::string& name);
  // Null for a key without a name.
  [[nodiscard]] const std::string* find(int64_t key) const;
  [[nodiscard]] bool empty() const { return names_.empty(); }
  // False once names were dropped because there were too many.
  [[nodiscard]] bool complete() const { return complete_; }

  // Collective. Afterwards every rank has the names of all ranks; only names added since the last call are sent. Warns
  // once when there are too many names.
  void share(Communicator& communicator);

  [[nodiscard]] std::string to_json() const;
  // Throws DataError naming `path` when the text was not made by to_json().
  [[nodiscard]] static ScenarioNames from_json(std::string_view text, const std::string& path);

  friend bool operator==(const ScenarioNames& a, const ScenarioNames& b) {
    return a.complete_ == b.complete_ && a.names_ == b.names_;
  }

 private:
  void keep(int64_t key, std::string name);

  size_t most_;
  bool complete_ = true;
  bool warned_ = false;  // that the names are not complete
  std::map<int64_t, std::string> names_;
  std::vector<int64_t> fresh_;  // keys added since the last share()
};

// The text with control characters, and the characters in `signs`, as %XX.
[[nodiscard]] std::string percent_encoded(const std::string& text, std::string_view signs);

}  // namespace polyscene
