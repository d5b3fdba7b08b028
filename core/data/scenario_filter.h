// data.only_scenarios: decides which rows are used.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/data/split_files.h"
#include "core/features/batch.h"

namespace polyscene::core {

class ScenarioFilter {
 public:
  // `forms`: the forms in which the files write their scenarios.
  ScenarioFilter(const config::Data& data, const IdForms& forms);

  // Whether rows with this key in the scenario column are used. True for kMissingKey: a null scenario is a bad record,
  // which is counted elsewhere.
  [[nodiscard]] bool keeps(int64_t scenario) const {
    return all_ || scenario == kMissingKey || keys_.contains(scenario);
  }
  // The key of a value of data.only_scenarios; kMissingKey if the files cannot hold such a value.
  [[nodiscard]] int64_t key_of(const std::string& value) const;

 private:
  IdForms forms_;
  bool all_;
  std::unordered_set<int64_t> keys_;
};

// The values of data.only_scenarios that no row has. Reads the scenario column until all values were seen. Throws
// DataError.
[[nodiscard]] std::vector<std::string> absent_scenarios(const config::Data& data, const ScenarioFilter& filter,
                                                        const SplitFiles& split);

}  // namespace polyscene::core
