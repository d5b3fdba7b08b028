#include "core/config/check.h"

#include "core/config/experiment.pb.h"

namespace polyscene::core::config_text {
namespace {

// The longest folder name that file systems allow, in bytes.
constexpr size_t kLongestName = 255;

// The name becomes the name of a folder in Triton's model repository.
void check_name(const std::string& name, Problems& problems) {
  problems.require(!name.empty() && name.front() != '.' && name.find('/') == std::string::npos, "name",
                   " wants a name fit for a folder (no slash, no leading dot), got \"", name, "\"");
  problems.require(name.size() <= kLongestName, "name", " wants a name fit for a folder, of at most ", kLongestName,
                   " bytes, got ", name.size());
}

}  // namespace

// An absent block holds its defaults, which are checked like any other value.
void check_all(const config::Experiment& experiment, Problems& problems) {
  check_name(experiment.name(), problems);
  check_data(experiment.data(), problems);
  check_embedding(experiment.embedding(), experiment.data(), problems);
  check_model(experiment.model(), experiment.data(), problems);
  check_train(experiment.train(), experiment.data(), problems);
}

}  // namespace polyscene::core::config_text
