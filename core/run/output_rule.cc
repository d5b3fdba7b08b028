#include "core/run/output_rule.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "core/data/file_list.h"
#include "core/files/output_place.h"
#include "core/run/run_folder.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

using FileIdentity = std::pair<dev_t, ino_t>;

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return FileIdentity{status.st_dev, status.st_ino};
}

std::optional<FileIdentity> identity_of(const OutputPlace& place) {
  struct stat status {};
  if (place.descriptor < 0) return identity_of(place.path);
  if (::fstat(place.descriptor, &status) != 0) return {};
  return FileIdentity{status.st_dev, status.st_ino};
}

fs::path real_path(const std::string& path) {
  std::error_code error;
  fs::path real = fs::weakly_canonical(fs::absolute(path, error), error);
  return real.has_filename() ? real : real.parent_path();
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

bool holds(const fs::path& folder, const char* file) {
  std::error_code error;
  return fs::exists(folder / file, error);
}

bool is_run(const fs::path& folder) {
  return holds(folder, "metrics.jsonl") || holds(folder, "model/dense.safetensors") ||
         (holds(folder, "config.pbtxt") && holds(folder, "checkpoints"));
}

// The model, checkpoint, exported version or run, in words, that `path` is a part of; the path need not exist.
std::optional<std::string> owner_of(const fs::path& path) {
  for (fs::path child = path; child.has_relative_path(); child = child.parent_path()) {
    const fs::path folder = child.parent_path();
    if (holds(folder, "dense.safetensors"))
      return str("in the ", holds(folder, "manifest.pbtxt") ? "checkpoint " : "model ", folder.string());
    const auto& own = RunFolder::own_entries();
    if (is_run(folder) && std::ranges::find(own, child.filename().string()) != own.end())
      return "a part of the run " + folder.string();
  }
  return {};
}

[[noreturn]] void refuse_output(const std::string& option, const std::string& path, const std::string& what) {
  throw InvalidArgument(str("[output] wanted a place of its own for ", option, ", got ", path, ", which is ", what,
                            "; nothing was written, choose another"));
}

void require_unowned(const std::string& option, const std::string& path, const fs::path& written,
                     const InputPaths& inputs) {
  for (const std::string& folder : inputs.folders)
    if (lies_in(written, real_path(folder))) refuse_output(option, path, "in " + folder + ", which is read");
  if (const auto owner = owner_of(written)) refuse_output(option, path, *owner);
}

}  // namespace

std::vector<std::string> files_of_all_splits(const config::Data& data) {
  std::vector<std::string> files;
  for (const Split split : {Split::kTrain, Split::kValid, Split::kTest}) {
    try {
      const std::vector<std::string> more = list_files(data, split);
      files.insert(files.end(), more.begin(), more.end());
    } catch (const Error&) {
      // Missing or wrong: the command that reads this split reports it.
    }
  }
  return files;
}

void require_output_file(const std::string& option, const std::string& path, const InputPaths& inputs) {
  const OutputPlace place = output_place(option, path);
  const auto written = identity_of(place);
  const bool is_file = place.kind == OutputPlace::Kind::kFile;
  const auto aside = is_file ? identity_of(place.partial()) : std::nullopt;
  for (const std::string& file : inputs.files) {
    const auto read = identity_of(file);
    if (read && read == written) refuse_output(option, path, "the file " + file + ", which is read");
    if (read && read == aside)
      refuse_output(option, path,
                    str("written aside first, to ", place.partial(), ": the file ", file, ", which is read"));
  }
  if (is_file) require_unowned(option, path, real_path(place.path), inputs);
}

void require_output_folder(const std::string& option, const std::string& path, const InputPaths& inputs) {
  const fs::path folder = real_path(path);
  for (const std::string& file : inputs.files)
    if (real_path(file).parent_path() == folder)
      refuse_output(option, path, "the folder of " + file + ", which is read");
  require_unowned(option, path, folder / "any", inputs);
}

void require_no_run(const std::string& option, const std::string& path) {
  if (is_run(real_path(path))) refuse_output(option, path, "the folder of a run");
}

}  // namespace polyscene::core
