// Reads a file and everything that it includes.
#pragma once

#include <string>

#include "core/config/source_tree.h"

namespace polyscene::config {
class Experiment;
}

namespace polyscene::core::config_text {

// Merges the included files, in order, and then `path` itself into `message` (empty before). Returns the places of the
// values. Throws InvalidArgument on files that cannot be read, cycles, files included twice, and on settings that
// protobuf would merge wrongly.
SourceTree read_with_includes(const std::string& path, config::Experiment& message);

}  // namespace polyscene::core::config_text
