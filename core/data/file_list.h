// Which files a split consists of.
#pragma once

#include <string>
#include <vector>

#include "core/data/batch_source.h"

namespace polyscene {

// "train", "valid" or "test".
[[nodiscard]] const char* split_name(Split split);

// The split's files: patterns in the order of the configuration, the matches of each in lexical (byte) order, relative
// patterns below data.root. Throws InvalidArgument without any pattern or when two patterns match one file, DataError
// when a pattern matches nothing, a folder, or what cannot be looked at.
[[nodiscard]] std::vector<std::string> list_files(const config::Data& data, Split split);

// Throws DataError, with what to write in the configuration, when `path` is a folder or cannot be looked at.
void require_file(const std::string& path);

}  // namespace polyscene
