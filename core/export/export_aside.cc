#include "core/export/export_aside.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/checkpoint/folders.h"
#include "core/files/file_advice.h"
#include "core/serve/served_model.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

constexpr const char* kAside = ".partial-";
const std::string kLock = ".lock";

// A folder is created after its lock and removed before it, so a folder without a lock was left by an earlier version,
// which had no locks. A failed removal does not fail the export.
void remove_abandoned(const std::string& output) {
  std::vector<std::string> locks, folders;
  std::error_code error;
  for (fs::directory_iterator entry(output, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string path = entry->path().string();
    if (!entry->path().filename().string().starts_with(kAside)) continue;
    (path.ends_with(kLock) ? locks : folders).push_back(path);
  }
  for (const std::string& lock : locks) {
    const int file = ::open(lock.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) continue;
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) {
      fs::remove_all(lock.substr(0, lock.size() - kLock.size()), error);
      ::unlink(lock.c_str());
    }
    ::close(file);
  }
  for (const std::string& folder : folders)
    if (!fs::exists(folder + kLock, error)) fs::remove_all(folder, error);
}

}  // namespace

ExportAside::ExportAside(std::string output) : output_(std::move(output)) {
  make_folder(output_);
  remove_abandoned(output_);
  // Another export may take the new lock for abandoned and remove it before it is held: then the next name is tried.
  for (bool held = false; !held;) {
    std::string name = output_ + "/" + kAside + "XXXXXX" + kLock;
    lock_ = ::mkostemps(name.data(), static_cast<int>(kLock.size()), O_CLOEXEC);
    require<DataError>(lock_ >= 0, "[export] cannot make a file in ", output_, ": ", std::strerror(errno),
                       file_advice(errno, name));
    path_ = name.substr(0, name.size() - kLock.size());
    struct stat status {};
    // On a file system without locks, nobody removes anything.
    held = ::flock(lock_, LOCK_EX | LOCK_NB) == 0 ? ::fstat(lock_, &status) == 0 && status.st_nlink > 0
                                                  : errno != EWOULDBLOCK;
    if (!held) ::close(lock_);
  }
  try {
    make_folder(path_ + "/tables");
  } catch (...) {
    ::unlink((path_ + kLock).c_str());
    ::close(lock_);
    throw;
  }
}

ExportAside::~ExportAside() {
  std::error_code error;
  fs::remove_all(path_, error);
  ::unlink((path_ + kLock).c_str());
  ::close(lock_);
}

std::string ExportAside::publish() {
  for (int64_t version = latest_version(output_) + 1;; ++version) {
    std::string folder = output_ + "/" + std::to_string(version);
    if (::rename(path_.c_str(), folder.c_str()) == 0) return folder;
    require<DataError>(errno == ENOTEMPTY || errno == EEXIST, "[export] cannot move ", path_, " to ", folder, ": ",
                       std::strerror(errno), file_advice(errno, folder));
  }
}

}  // namespace polyscene::core
