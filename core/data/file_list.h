// Which files a split consists of.
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene {

enum class Split { kTrain, kValid, kTest };

// "train", "valid" or "test".
[[nodiscard]] const char* split_name(Split split);

// The split's files: patterns in the order of the configuration, the matches of each in lexical (byte) order, relative
// patterns below data.root. Throws InvalidArgument without any pattern or when a file is matched twice, whatever links
// lead to it, DataError when a pattern matches nothing, or something that is no file, or passes through a folder that
// cannot be read.
[[nodiscard]] std::vector<std::string> list_files(const config::Data& data, Split split);

// Throws InvalidArgument when a file of the training split is in the validation or test split too. A split that has no
// files, or whose files cannot be listed, shares none.
void require_apart(const config::Data& data);

}  // namespace polyscene
