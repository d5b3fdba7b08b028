// Files with the sizes and hashes that they were written with, as a checkpoint and a model list them.
#pragma once

#include <optional>
#include <string>

#include "core/checkpoint/manifest.pb.h"
#include "core/checkpoint/model_parts.h"

namespace polyscene::checkpoint {

using Files = google::protobuf::RepeatedPtrField<File>;

[[nodiscard]] File described(const WrittenFile& file);

// Throws DataError naming `list` unless every file lies below its folder, is there once, and has a size that a file can
// have and, where they are `hashed`, a hash.
void check_list(const std::string& list, const Files& files, bool hashed);

// What is wrong with a file, as a sentence, or nothing.
[[nodiscard]] std::optional<std::string> damage_of_file(const std::string& folder, const File& wanted);

}  // namespace polyscene::checkpoint
