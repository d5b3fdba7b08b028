// Checks of outputs that a user names: a command must not write onto what it reads, nor into a run, a model, a
// checkpoint or an exported version.
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

// Files and folders that a command reads.
struct InputPaths {
  std::vector<std::string> files;    // identified by inode: other names, links and hard links count too
  std::vector<std::string> folders;  // with all their contents
};

// The existing files of all splits: a later command may read any of them.
[[nodiscard]] std::vector<std::string> files_of_all_splits(const config::Data& data);

// Throws InvalidArgument when the file `path`, which the user gave as `option` ("--output"), or the temporary file that
// is written first, must not be written. Creates and opens nothing.
void require_output_file(const std::string& option, const std::string& path, const InputPaths& inputs);
// Like require_output_file() for a folder: it may not hold a file that is read, nor lie in a folder that is read.
void require_output_folder(const std::string& option, const std::string& path, const InputPaths& inputs);
// Throws InvalidArgument when the folder holds a run.
void require_no_run(const std::string& option, const std::string& path);

}  // namespace polyscene::core
