#include "core/checkpoint/manifest_file.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/checkpoint/file_hashes.h"
#include "core/checkpoint/folders.h"
#include "core/checkpoint/sealed_message.h"
#include "core/text/whole_number.h"
#include "ops/base/error.h"

namespace polyscene::checkpoint {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMost = int64_t{1} << 53;  // more steps or rows than any run has; their sums fit into int64
constexpr int64_t kMostRanks = 1 << 20;
const std::string kDamaged = "the checkpoint is damaged; resume from another one with --resume FOLDER";

// Throws DataError when a number is impossible in a run.
void check_numbers(const std::string& path, const std::string& checkpoint, const Manifest& m) {
  const auto between = [&](const char* what, int64_t number, int64_t least, int64_t most) {
    require<DataError>(least <= number && number <= most, "[checkpoint] ", path, ": wanted ", what, " from ", least,
                       " to ", most, ", got ", number, "; ", kDamaged);
  };
  between("step", m.step(), 0, kMost);
  between("trained_steps", m.trained_steps(), 0, m.step());
  between("epoch", m.epoch(), 0, kMost);
  between("batches", m.batches(), 0, kMost);
  between("rows_trained", m.rows_trained(), 0, kMost);
  between("table_updates", m.table_updates(), 0, kMost);
  between("misses", m.misses(), 0, kMost);
  between("best_step", m.best_step(), 0, m.step());
  between("ranks", m.ranks(), 1, kMostRanks);
  require<DataError>(std::isfinite(m.best()), "[checkpoint] ", path, ": wanted best as a number, got ", m.best(), "; ",
                     kDamaged);
  const std::optional<int64_t> named = step_of(checkpoint);
  require<DataError>(!named || *named == m.step(), "[checkpoint] ", path, " has step ", m.step(),
                     ", its folder has step ", named.value_or(0), "; ", kDamaged);
}

std::pair<Manifest, bool> read_with_hash(const std::string& checkpoint) {
  const std::string path = manifest_path(checkpoint);
  Manifest manifest;
  const ReadMessage read = read_sealed(path, manifest, kDamaged);
  require<DataError>(manifest.schema() == kFull || manifest.schema() == kIncremental, "[checkpoint] ", path,
                     " is of schema ", manifest.schema(), ", this program reads ", kFull, " and ", kIncremental,
                     "; resume with the program that wrote it, or a newer one");
  require<DataError>(read.unknown.empty(), "[checkpoint] ", path, " has a field that this program does not know, ",
                     read.unknown, "; resume with the program that wrote it, or a newer one");
  const std::optional<int64_t> base = step_of(manifest.base());
  const bool earlier = base && *base < manifest.step() && manifest.base() == name_of(*base);
  require<DataError>(manifest.schema() == kIncremental ? earlier : !manifest.has_base(), "[checkpoint] ", path,
                     " names the base \"", manifest.base(), "\", which is not an earlier checkpoint; ", kDamaged);
  check_numbers(path, checkpoint, manifest);
  check_list(path, manifest.file(), true);
  check_list(path, manifest.log(), false);
  return {std::move(manifest), read.hashed};
}

}  // namespace

std::string name_of(int64_t step) {
  char text[32];
  std::snprintf(text, sizeof(text), "step-%010lld", static_cast<long long>(step));
  return text;
}

std::optional<int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string(), prefix = "step-";
  if (!name.starts_with(prefix)) return {};
  const std::optional<int64_t> step = core::whole_number<int64_t>(name.substr(prefix.size()));
  return step && *step >= 0 && name == name_of(*step) ? step : std::nullopt;
}

std::string manifest_path(const std::string& checkpoint) { return checkpoint + "/manifest.pbtxt"; }

std::vector<int64_t> steps_in(const std::string& folder) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (const auto step = step_of(entry->path()); step && fs::exists(manifest_path(entry->path().string())))
      steps.push_back(*step);
  std::ranges::sort(steps);
  return steps;
}

Manifest read_manifest(const std::string& checkpoint) { return read_with_hash(checkpoint).first; }

bool manifest_is_hashed(const std::string& checkpoint) { return read_with_hash(checkpoint).second; }

void write_manifest(const std::string& checkpoint, const Manifest& manifest) {
  write_sealed(manifest_path(checkpoint), manifest);
  core::sync_folder(checkpoint + "/tables", false);
  core::sync_folder(checkpoint, true);
}

}  // namespace polyscene::checkpoint
