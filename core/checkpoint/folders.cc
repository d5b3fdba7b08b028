#include "core/checkpoint/folders.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "core/files/file_advice.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

void check(const std::error_code& error, const char* step, const std::string& path) {
  if (error) throw_file_error(error.value(), path, str("[checkpoint] cannot ", step, " ", path, ": ", error.message()));
}

void sync(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const std::error_code error(synced ? 0 : errno, std::generic_category());
  if (file >= 0) ::close(file);
  check(error, "write to the disk", path);
}

}  // namespace

PartialFolder::~PartialFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  check(error, "make the folder", path);
}

void remove_folder(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  check(error, "remove", path);
}

void move_folder(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  check(error, "move a finished model to", to);
}

void replace_folder(const std::string& folder, const std::string& aside) {
  const bool exchanged = ::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0;
  remove_folder(exchanged ? aside : folder);
  if (!exchanged) move_folder(aside, folder);
}

void sync_folder(const std::string& path, bool files) {
  if (files) {
    std::error_code error;
    for (fs::directory_iterator file(path, error); !error && file != fs::directory_iterator(); file.increment(error))
      if (file->is_regular_file()) sync(file->path().string());
    check(error, "list", path);
  }
  sync(path);
}

}  // namespace polyscene::core
