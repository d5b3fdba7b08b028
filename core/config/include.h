// One file and, before it, everything it includes.
#pragma once

#include <string>

#include "core/config/source_tree.h"

namespace polyscene::config {
class Experiment;
}

namespace polyscene::config_text {

// Reads `path` and the files it includes into `message` (empty before), in order, and returns where values stand.
// Throws InvalidArgument on files that cannot be read, cycles, a file included twice, and what merging would garble.
SourceTree read_with_includes(const std::string& path, config::Experiment& message);

}  // namespace polyscene::config_text
