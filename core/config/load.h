// The one way in for configurations: files, what they include, and overrides become one checked message.
#pragma once

#include <string>
#include <vector>

namespace polyscene::config {
class Experiment;
}

namespace polyscene {

// Reads a text-protobuf file, lays it over the files it includes, applies overrides ("train.batch_size=4096", the value
// of --set) in order, resolves data.root to an absolute folder and checks the result. `include` of the result is empty,
// and so is every field that holds its declared default (config/plain_form.h). Throws InvalidArgument; every message
// names file:line:column or the override, and what to try.
[[nodiscard]] config::Experiment load_experiment(const std::string& path,
                                                 const std::vector<std::string>& overrides = {});

// Throws DataError where something else than a file is in the place of the configuration of a model, a checkpoint or an
// export, which `folder` holds, since a pipe there would be waited for.
void require_saved_config(const std::string& folder);

// That configuration. Throws like require_saved_config() and load_experiment().
[[nodiscard]] config::Experiment load_saved_experiment(const std::string& folder,
                                                       const std::vector<std::string>& overrides = {});

// The whole configuration as text that load_experiment reads back to an equal message.
[[nodiscard]] std::string to_text(const config::Experiment& experiment);

}  // namespace polyscene
