// The manifest.pbtxt of a checkpoint, and the names of checkpoint folders.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/manifest.pb.h"

namespace polyscene::checkpoint {

inline constexpr int kFull = 1, kIncremental = 2;  // schemas of full and incremental checkpoints

// `checkpoint` is the folder of a checkpoint everywhere below.

// The folder name of the checkpoint of a step, such as "step-0000000042".
[[nodiscard]] std::string name_of(int64_t step);
// The step in the name of a folder; no value if the name is not of that form.
[[nodiscard]] std::optional<int64_t> step_of(const std::filesystem::path& folder);
// Steps of the subfolders that have a manifest, ascending. Empty if `folder` cannot be read.
[[nodiscard]] std::vector<int64_t> steps_in(const std::string& folder);

// The file manifest.pbtxt in the folder.
[[nodiscard]] std::string manifest_path(const std::string& checkpoint);
// Throws DataError when the manifest is damaged or of another schema, has unknown fields or impossible numbers, or
// names a file that does not lie below its folder.
[[nodiscard]] Manifest read_manifest(const std::string& checkpoint);
// Whether the manifest holds a hash of itself; manifests of an earlier program version do not. Throws like
// read_manifest().
[[nodiscard]] bool manifest_is_hashed(const std::string& checkpoint);
// Writes the manifest, then syncs the folder and its tables/, which must exist. A folder with a manifest counts as a
// complete checkpoint, so everything else must be written and synced before. Throws DataError.
void write_manifest(const std::string& checkpoint, const Manifest& manifest);

}  // namespace polyscene::checkpoint
