// Nothing that a command reads, and nothing that belongs to a run, a model, a checkpoint or an exported version, is
// where another command writes what its user named.
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene {

// What a command reads.
struct InputPaths {
  std::vector<std::string> files;    // each is meant by all of its names: links and hard links too
  std::vector<std::string> folders;  // with all that is in them
};

// The files of all splits that are there: of each, a command may be told to read it next.
[[nodiscard]] std::vector<std::string> files_of_all_splits(const config::Data& data);

// Both throw InvalidArgument where `path`, which the user gave as `option` ("--output"), is not to be written; nothing
// is made or opened. A file that is written aside must not be one that is read either.
void require_output_file(const std::string& option, const std::string& path, const InputPaths& inputs);
// A folder may not hold a file that is read, nor lie in a folder that is.
void require_output_folder(const std::string& option, const std::string& path, const InputPaths& inputs);
// Throws InvalidArgument where the folder holds a run.
void require_no_run(const std::string& option, const std::string& path);

}  // namespace polyscene
