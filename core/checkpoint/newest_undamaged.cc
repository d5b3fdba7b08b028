#include "core/checkpoint/newest_undamaged.h"

#include <filesystem>
#include <vector>

#include "core/checkpoint/hash_check.h"
#include "core/checkpoint/manifest_file.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

// Whether this rank's share of the files is undamaged.
bool is_undamaged(const std::string& checkpoint, const dist::Communicator& communicator) {
  try {
    return damage_of(checkpoint, {.rank = communicator.rank(), .ranks = communicator.size()}).empty();
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace

std::string newest_undamaged(const std::string& checkpoint, dist::Communicator& communicator) {
  const fs::path folder = fs::path(checkpoint).parent_path();
  // Rank 0 lists the checkpoints, because all ranks must check the same ones.
  const std::vector<int64_t> seen =
      communicator.rank() == 0 ? checkpoint::steps_in(folder.string()) : std::vector<int64_t>();
  const std::vector<int64_t> steps = communicator.all_gather_v<int64_t>(std::span<const int64_t>(seen));
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const fs::path other = folder / checkpoint::name_of(*step);
    if (other.filename() == fs::path(checkpoint).filename()) continue;
    int64_t damaged = is_undamaged(other.string(), communicator) ? 0 : 1;
    communicator.all_reduce<int64_t>({&damaged, 1});
    if (damaged == 0) return other.string() + ", beside it, is undamaged";
  }
  return "no other checkpoint of the run is undamaged";
}

}  // namespace polyscene::core
