// The manifest.pbtxt of a checkpoint, and the names of checkpoint folders.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/manifest.pb.h"

namespace polyscene::checkpoint {

inline constexpr int kWhole = 1, kAdding = 2;  // schemas of full and incremental checkpoints

// The folder name of a step, such as "step-0000000042", and the step of a folder; no value when the folder's name is
// not a checkpoint's.
[[nodiscard]] std::string name_of(int64_t step);
[[nodiscard]] std::optional<int64_t> step_of(const std::filesystem::path& folder);
// Steps of the checkpoints in a folder, ascending.
[[nodiscard]] std::vector<int64_t> steps_in(const std::string& folder);

[[nodiscard]] std::string manifest_path(const std::string& checkpoint);
// Throws DataError when the manifest is damaged or of another schema, has unknown fields or impossible numbers, or
// names a file that does not lie below its folder.
[[nodiscard]] Manifest read_manifest(const std::string& checkpoint);
// Whether the manifest holds a hash of itself; those of an earlier version do not. Throws like read_manifest().
[[nodiscard]] bool manifest_is_hashed(const std::string& checkpoint);
// Writes the manifest and syncs the folder, which makes it a checkpoint.
void write_manifest(const std::string& checkpoint, const Manifest& manifest);

}  // namespace polyscene::checkpoint
