// Parses the text of one configuration file, with errors worded for users.
#pragma once

#include <string>

#include "core/config/source_tree.h"

namespace polyscene::config {
class Experiment;
}

namespace polyscene::core::config_text {

// Fills `message` from `text` and returns the places of its values. `file` is the name in errors. Throws
// InvalidArgument `[config] file:line:column: ...` at the first text that the schema does not allow.
SourceTree parse_text(const std::string& file, const std::string& text, config::Experiment& message);

}  // namespace polyscene::core::config_text
