#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dist/communicator.h"

namespace polyscene::core {

// Names of string scenarios. A model identifies such a scenario by its key, the XXH3 64 hash of the name; metrics and
// logs show the name. Saved with a model as scenarios.json.
class ScenarioNames {
 public:
  // Keeps at most `max_names` names, those with the smallest keys. So the order of add() does not matter, unless two
  // names have the same key: then the first one stays.
  explicit ScenarioNames(size_t max_names = 100'000) : max_names_(max_names) {}

  // Ignores a key that has a name. A name of more than 1000 bytes is cut there, at the end of a character, and gets
  // "...". If a name is not valid UTF-8, its bytes outside ASCII and every % are stored as %XX.
  void add(int64_t key, const std::string& name);
  // Null for a key without a name.
  [[nodiscard]] const std::string* find(int64_t key) const;
  [[nodiscard]] bool empty() const { return names_.empty(); }
  // Whether every name that was added is kept; false after one was dropped at the limit.
  [[nodiscard]] bool complete() const { return complete_; }

  // Collective. Afterwards every rank has the names of all ranks; only names added since the last call are sent. Rank 0
  // warns, once, if names were dropped. Throws CommunicationError.
  void share(dist::Communicator& communicator);

  [[nodiscard]] std::string to_json() const;
  // Throws DataError, which names `path`, if the text is damaged or has the format of another program version.
  [[nodiscard]] static ScenarioNames from_json(std::string_view text, const std::string& path);

  friend bool operator==(const ScenarioNames& a, const ScenarioNames& b) {
    return a.complete_ == b.complete_ && a.names_ == b.names_;
  }

 private:
  void keep(int64_t key, std::string name);

  size_t max_names_;
  bool complete_ = true;
  bool warned_ = false;  // that the names are not complete
  std::map<int64_t, std::string> names_;
  std::vector<int64_t> fresh_;  // keys added since the last share()
};

}  // namespace polyscene::core
