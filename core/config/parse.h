// One configuration file: text to message, with errors in the user's words.
#pragma once

#include <string>

#include "core/config/source_tree.h"

namespace polyscene::config {
class Experiment;
}

namespace polyscene::config_text {

// Fills `message` from `text` and returns where its values stand; `file` is the name that errors carry. Throws
// InvalidArgument `[config] file:line:column: ...` on the first thing that is not valid text of the schema.
SourceTree parse_text(const std::string& file, const std::string& text, config::Experiment& message);

}  // namespace polyscene::config_text
