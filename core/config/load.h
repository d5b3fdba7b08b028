// The only entry point for configurations: turns files, their includes and overrides into one checked message.
#pragma once

#include <string>
#include <vector>

namespace polyscene::config {
class Experiment;
}

namespace polyscene::core {

// Reads a text-protobuf file, merges it over the files it includes, applies overrides ("train.batch_size=4096", the
// value of --set) in order, makes data.root absolute and checks the result. In the result `include` is empty, and
// fields that hold their declared default are not set (config/plain_form.h). Throws InvalidArgument; every message
// names file:line:column or the override, and what to try.
[[nodiscard]] config::Experiment load_experiment(const std::string& path,
                                                 const std::vector<std::string>& overrides = {});

// Throws DataError unless the configuration in `folder`, the folder of a model, checkpoint or export, is a regular
// file: opening a pipe would wait for a writer.
void require_saved_config(const std::string& folder);

// Loads the configuration in `folder`. Throws like require_saved_config() and load_experiment().
[[nodiscard]] config::Experiment load_saved_experiment(const std::string& folder,
                                                       const std::vector<std::string>& overrides = {});

// The whole configuration as text, which load_experiment() reads back to an equal message.
[[nodiscard]] std::string to_text(const config::Experiment& experiment);

}  // namespace polyscene::core
