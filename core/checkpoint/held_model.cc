#include "core/checkpoint/held_model.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "core/run/run_folder.h"
#include "core/text/suggest.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

// Follows one link: a run's link points to a folder, not to another link.
std::string follow(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  return error ? path : (fs::path(path).parent_path() / target).string();
}

bool is_still_there(int file, const std::string& path) {
  struct stat opened {
  }, there{};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &there) == 0 && opened.st_dev == there.st_dev &&
         opened.st_ino == there.st_ino;
}

// Takes the shared lock. Null when the file does not exist, or was removed before the lock was taken.
std::shared_ptr<void> share(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return nullptr;
  std::shared_ptr<int> owner(new int(file), [](const int* opened) {
    ::close(*opened);
    delete opened;
  });
  static_cast<void>(::flock(file, LOCK_SH));  // not every file system has locks
  return is_still_there(file, path) ? owner : nullptr;
}

}  // namespace

HeldModel::HeldModel(const std::string& path) {
  constexpr int kMostTries = 1000;  // each try fails only if training saves another model meanwhile
  for (int tries = 0; tries < kMostTries; ++tries) {
    path_ = follow(path);
    lock_ = share(lock_file(path_));
    if (lock_ != nullptr || follow(path) == path_) return;
  }
}

HeldModel HeldModel::of_run(const std::string& run, bool best) {
  const std::string none = config_text::why_no_folder(run);
  require(none.empty(), "[checkpoint] wanted the folder of a run with a saved model, ", none);
  const RunFolder folder(run);
  std::error_code error;
  const auto has_model = [&](const std::string& path) { return fs::exists(path + "/dense.safetensors", error); };
  if (best && has_model(folder.best_model())) return HeldModel(folder.best_model());
  require<DataError>(!best || !fs::exists(fs::symlink_status(folder.best_model(), error)),
                     "[checkpoint] wanted the model of ", "the best evaluation, but ", folder.best_model(), " names ",
                     follow(folder.best_model()),
                     ", which holds no dense.safetensors; restore it from a copy, or leave out --best");
  const std::string earlier = folder.path() + "/.replaced";
  require(has_model(folder.model()), "[checkpoint] wanted the folder of a run with a saved model, ", folder.path(),
          " holds no model/dense.safetensors; ",
          has_model(earlier + "/model") ? "the run that it replaces is in " + earlier
                                        : "pass the folder that `polyscene train --output` wrote");
  return HeldModel(folder.model());
}

HeldModel HeldModel::agreed(dist::Communicator& communicator) const {
  const std::string mine = communicator.rank() == 0 ? path_ : "";
  const std::vector<char> first = communicator.all_gather_v<char>(std::span<const char>(mine));
  const std::string path(first.begin(), first.end());
  return path == path_ ? *this : HeldModel(path);
}

}  // namespace polyscene::core
