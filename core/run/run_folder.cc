#include "core/run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "core/data/reject_files.h"
#include "core/files/file_advice.h"
#include "ops/base/error.h"
#include "ops/base/warning.h"

namespace polyscene::core {
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kLockWait(10);

bool is_there(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

void make_folder_at(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  require<DataError>(!error, "[run] cannot make the folder ", folder, ": ", error.message(),
                     file_advice(error.value(), folder));
}

// Whether removing `path` would lose anything: false for empty folders and empty files.
bool holds_something(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return false;
  if (fs::is_regular_file(status)) return fs::file_size(path, error) > 0;
  if (!fs::is_directory(status)) return true;
  for (fs::directory_iterator entry(path, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (holds_something(entry->path().string())) return true;
  return static_cast<bool>(error);
}

// The path without "." parts and without the trailing slash of shell completion.
std::string tidy(const std::string& path) {
  std::string tidied = fs::path(path).lexically_normal().string();
  while (tidied.size() > 1 && tidied.back() == '/') tidied.pop_back();
  return tidied;
}

}  // namespace

RunFolder::RunFolder(const std::string& path) : path_(tidy(path)) {
  require(!path.empty(),
          "[run] wanted the folder of a run, got an empty name; is a variable on the command line unset?");
}

const std::vector<std::string>& RunFolder::own_entries() {
  static const std::vector<std::string> names = {
      "config.pbtxt", "config.pbtxt.partial", "metrics.jsonl",      "events",  "model",      "model.partial",
      "models",       "best_model",           "earlier_best_model", "rejects", "checkpoints"};
  return names;
}

ReplacedRun RunFolder::replaced() const { return {path_, own_entries()}; }

bool RunFolder::holds_model() const { return is_there(model() + "/dense.safetensors"); }

bool RunFolder::holds_checkpoint() const {
  std::error_code error;
  for (fs::directory_iterator entry(checkpoints(), error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (entry->path().extension() != ".partial" && is_there(entry->path().string() + "/manifest.pbtxt")) return true;
  return false;
}

bool RunFolder::holds_run() const { return is_there(config()) || holds_model() || holds_something(checkpoints()); }

std::shared_ptr<void> RunFolder::claim(bool overwrite) const {
  require_no_others();
  if (!replaced().is_there() && !replaced().moves_are_open()) require_free(overwrite);
  make_folder_at(path_);
  std::shared_ptr<void> lock = this->lock();
  settle(false);
  require_no_others();  // another job may have ended while this one waited for the lock
  require_free(overwrite);
  return settling(std::move(lock));
}

void RunFolder::begin() const {
  std::error_code ignored;
  if (holds_run()) {
    replaced().set_aside();
  } else {
    for (const std::string& entry : own_entries()) fs::remove_all(path_ + "/" + entry, ignored);  // all empty
  }
  make_folders();
}

std::shared_ptr<void> RunFolder::reopen() const {
  std::shared_ptr<void> lock = this->lock();
  settle(false);
  return settling(std::move(lock));
}

void RunFolder::resume() const {
  make_folders();
  std::error_code ignored;
  for (const std::string& file : reject_files(rejects())) fs::remove(file, ignored);
}

void RunFolder::settle(bool running) const {
  const ReplacedRun earlier = replaced();
  const char* back = "[run] the run that --overwrite was to replace is back in ";
  if (earlier.settle_moves()) warn(str(back, path_));
  if (!earlier.is_there()) return;
  if (holds_model()) {
    earlier.discard();
  } else if (!running && !holds_checkpoint()) {
    earlier.put_back();
    warn(str(back, path_, ": the new one has saved nothing"));
  } else if (!running) {
    warn(str("[run] ", path_, " has a checkpoint to resume from and no model yet; the run that --overwrite ",
             "was to replace is complete in ", earlier.folder(), " until it has one"));
  }
}

void RunFolder::recover() const {
  const ReplacedRun earlier = replaced();
  if (!earlier.moves_are_open() && (!earlier.is_there() || (holds_checkpoint() && !holds_model()))) return;
  const std::shared_ptr<void> lock = this->lock();
  settle(false);
}

std::shared_ptr<void> RunFolder::settling(std::shared_ptr<void> lock) const {
  return {lock.get(), [run = *this, lock](void*) {
            try {
              run.settle(false);
            } catch (const DataError& error) {
              warn(str(error.what(), "; the run that --overwrite was to replace is in ", run.path(),
                       "/.replaced or .replacing, and the next job there tries again"));
            }
          }};
}

void RunFolder::require_outside(const std::string& file, const std::string& what) const {
  std::error_code error;
  const std::string here = fs::weakly_canonical(path_, error).string(), there = fs::absolute(path_, error).string();
  for (const std::string& path : {fs::weakly_canonical(file, error).string(), fs::absolute(file, error).string()})
    for (const std::string& folder : {here, there})
      for (const std::string& entry : own_entries()) {
        const std::string own = folder + "/" + entry;
        require(path != own && !path.starts_with(own + "/"), "[run] wanted ", what,
                " outside the run that --overwrite ", "replaces, got ", file, "; move it, or choose another --output");
      }
}

void RunFolder::require_no_others() const {
  std::error_code error;
  if (!fs::is_directory(path_, error)) return;
  std::vector<std::string> ours = own_entries();
  ours.insert(ours.end(), ReplacedRun::names().begin(), ReplacedRun::names().end());
  for (const auto& entry : fs::directory_iterator(path_, error))
    require(
        entry.path().string() == lock_file() || std::ranges::find(ours, entry.path().filename().string()) != ours.end(),
        "[run] wanted a new folder for --output, ", path_, " holds other files (", entry.path().filename().string(),
        "); choose another folder");
}

// A run that failed before its first step leaves no configuration, and does not count as a run. Entries that are named
// like parts of a run and are not empty may belong to somebody else.
void RunFolder::require_free(bool overwrite) const {
  const bool run = holds_run();
  require(!run || overwrite, "[run] wanted a new folder for --output, ", path_,
          " already holds a run; choose another folder or pass --overwrite");
  for (const std::string& entry : own_entries())
    require(run || !holds_something(path_ + "/" + entry), "[run] wanted a new folder for --output, ", path_,
            " holds no run, but ", entry, "; choose another folder");
}

void RunFolder::make_folders() const {
  for (const std::string& folder : {path_, events(), rejects()}) make_folder_at(folder);
}

// The system releases the lock when the process ends, which may take a while: a killed job first frees its memory, and
// the ranks of a killed mpirun end some seconds after it.
std::shared_ptr<void> RunFolder::lock() const {
  const int file = ::open(lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  require<DataError>(file >= 0, "[run] cannot open ", lock_file(), ": ", std::strerror(errno),
                     file_advice(errno, lock_file()));
  const std::shared_ptr<int> owner(new int(file), [](int* locked) {
    ::close(*locked);
    delete locked;
  });
  const auto until = std::chrono::steady_clock::now() + kLockWait;
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    require<DataError>(errno == EWOULDBLOCK || errno == EINTR, "[run] cannot lock ", lock_file(), ": ",
                       std::strerror(errno), "; choose an --output on a file system that has locks");
    std::array<char, 300> holder{};
    if (::pread(file, holder.data(), holder.size() - 1, 0) < 0) holder[0] = 0;
    require(std::chrono::steady_clock::now() < until, "[run] another job (", holder.data(), ") writes ", path_,
            ", and did not end within ", kLockWait.count(), " s; choose another folder, or wait until it ends");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::array<char, 200> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string mine = str("process ", ::getpid(), " on ", host.data());
  const bool written = ::ftruncate(file, 0) == 0 && ::pwrite(file, mine.data(), mine.size(), 0) >= 0;
  require<DataError>(written, "[run] cannot write ", lock_file(), ": ", std::strerror(errno),
                     file_advice(errno, lock_file()));
  return owner;
}

}  // namespace polyscene::core
