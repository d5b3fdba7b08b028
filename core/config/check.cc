#include "core/config/check.h"

#include "core/config/experiment.pb.h"

namespace polyscene::config_text {
namespace {

// Of a folder, by file systems.
constexpr size_t kLongestName = 255;

// A folder of Triton's is called after it.
void check_name(const std::string& name, Problems& problems) {
  problems.require(!name.empty() && name.front() != '.' && name.find('/') == std::string::npos, "name",
                   " wants a name fit for a folder (no slash, no leading dot), got \"", name, "\"");
  problems.require(name.size() <= kLongestName, "name", " wants a name fit for a folder, of at most ", kLongestName,
                   " bytes, got ", name.size());
}

}  // namespace

// A block that is absent altogether holds the defaults, and those are checked like any other value.
void check_all(const config::Experiment& experiment, Problems& problems) {
  check_name(experiment.name(), problems);
  check_data(experiment.data(), problems);
  check_embedding(experiment.embedding(), experiment.data(), problems);
  check_model(experiment.model(), experiment.data(), problems);
  check_train(experiment.train(), experiment.data(), problems);
}

}  // namespace polyscene::config_text
