// Lists of files with their sizes and hashes, as they were written. Checkpoints and models have such lists.
#pragma once

#include <optional>
#include <string>

#include "core/checkpoint/manifest.pb.h"
#include "core/checkpoint/model_parts.h"

namespace polyscene::checkpoint {

using Files = google::protobuf::RepeatedPtrField<File>;

[[nodiscard]] File described(const core::WrittenFile& file);

// Throws DataError naming `list` unless every file lies below the list's folder, is listed once, has a size that is not
// negative and, with `hashed`, has a hash.
void check_list(const std::string& list, const Files& files, bool hashed);

// A sentence that says how the file differs from `wanted`; no value when it does not.
[[nodiscard]] std::optional<std::string> damage_of_file(const std::string& folder, const File& wanted);

}  // namespace polyscene::checkpoint
