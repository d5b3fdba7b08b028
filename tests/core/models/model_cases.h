// Every model and every switch of SFPNet, as changes of tiny_experiment's model.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene::testing {

struct ModelCase {
  std::string name;
  std::function<void(config::Model&)> change;
  friend std::ostream& operator<<(std::ostream& out, const ModelCase& c) { return out << c.name; }
};
[[nodiscard]] std::vector<ModelCase> model_cases();

}  // namespace polyscene::testing
