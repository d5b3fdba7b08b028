// The files of a split.
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

enum class Split { kTrain, kValid, kTest };

// "train", "valid" or "test".
[[nodiscard]] const char* split_name(Split split);

// Lists the split's files: patterns in the order of the configuration, the matches of each in lexical (byte) order;
// relative patterns start at data.root. Throws InvalidArgument without any pattern or when a file is matched twice
// (links are followed), DataError when a pattern matches nothing, matches something that is not a file, or passes
// through a folder that cannot be read.
[[nodiscard]] std::vector<std::string> list_files(const config::Data& data, Split split);

// Whether list_files() lists files of the split; false where it throws.
[[nodiscard]] bool has_files(const config::Data& data, Split split);

// Throws InvalidArgument when a file of the training split is also in the validation or test split. Splits without
// files, or whose files cannot be listed, pass.
void require_apart(const config::Data& data);

}  // namespace polyscene::core
