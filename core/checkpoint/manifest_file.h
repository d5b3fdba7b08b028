// manifest.pbtxt of a checkpoint, and the names of checkpoints' folders.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/manifest.pb.h"

namespace polyscene::checkpoint {

inline constexpr int kWhole = 1, kAdding = 2;  // schemas

// "step-0000000042"; of a folder's name the step, or nothing where it is not a checkpoint's.
[[nodiscard]] std::string name_of(int64_t step);
[[nodiscard]] std::optional<int64_t> step_of(const std::filesystem::path& folder);
// Of the checkpoints in a folder, ascending.
[[nodiscard]] std::vector<int64_t> steps_in(const std::string& folder);

[[nodiscard]] std::string manifest_path(const std::string& checkpoint);
// Throws DataError on one that is damaged, of another schema, has fields that this program does not know or numbers
// that no run has, or names what does not lie below its folder.
[[nodiscard]] Manifest read_manifest(const std::string& checkpoint);
// Whether it carries a hash of itself, as those of an earlier program do not. Throws like read_manifest().
[[nodiscard]] bool manifest_is_hashed(const std::string& checkpoint);
// Writes it and syncs the folder: from then on it is a checkpoint.
void write_manifest(const std::string& checkpoint, const Manifest& manifest);

}  // namespace polyscene::checkpoint
