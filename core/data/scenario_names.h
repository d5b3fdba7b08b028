// What files call their scenarios, for people: a model knows strings by their hashes alone. Kept with a model as
// scenarios.json.
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
  // Of more than `most` names those of the smallest keys stay, whatever the order in which they come.
  explicit ScenarioNames(size_t most = 100'000) : most_(most) {}

  // Bytes that are no UTF-8 are written as %XX; of more than 1000 bytes the first are kept.
  void add(int64_t key, const std::string& name);
  // Null for a key that has no name.
  [[nodiscard]] const std::string* find(int64_t key) const;
  [[nodiscard]] bool empty() const { return names_.empty(); }
  // False once there were more names than are kept.
  [[nodiscard]] bool complete() const { return complete_; }

  // Collective: afterwards every rank knows what any of them knows, those alone being sent that were added since the
  // last time. Says once where there are too many.
  void share(Communicator& communicator);

  [[nodiscard]] std::string to_json() const;
  // Throws DataError naming `path` where the text is not what to_json() made.
  [[nodiscard]] static ScenarioNames from_json(std::string_view text, const std::string& path);

  friend bool operator==(const ScenarioNames& a, const ScenarioNames& b) {
    return a.complete_ == b.complete_ && a.names_ == b.names_;
  }

 private:
  void keep(int64_t key, std::string name);

  size_t most_;
  bool complete_ = true;
  bool warned_ = false;  // that it is not complete
  std::map<int64_t, std::string> names_;
  std::vector<int64_t> fresh_;  // added since share()
};

// The text with its control characters and those of `signs` as %XX.
[[nodiscard]] std::string percent_encoded(const std::string& text, std::string_view signs);

}  // namespace polyscene
