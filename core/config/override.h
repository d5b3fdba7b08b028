// `--set path=value`: replaces one value of the merged configuration, by reflection.
#pragma once

#include <string>

#include "core/config/source_tree.h"

namespace polyscene::config {
class Experiment;
}

namespace polyscene::core::config_text {

// Applies "path=value" to `message` and records the place in `places`. README.md lists the forms of paths and values.
// Throws InvalidArgument `[config] --set path=value: ...`.
void apply_override(const std::string& text, config::Experiment& message, SourceTree& places);

}  // namespace polyscene::core::config_text
