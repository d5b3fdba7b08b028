#include "core/files/output_place.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>

#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

constexpr int kMostLinks = 40;  // Linux's own limit

// The number N of "/proc/self/fd/N", or -1. Such a link must not be followed, since its target may have no path.
int descriptor_of(const fs::path& folder, const std::string& name) {
  const bool number =
      !name.empty() && name.size() < 9 && std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c); });
  std::error_code error;
  if (!number || fs::canonical(folder, error) != str("/proc/", ::getpid(), "/fd") || error) return -1;
  return std::stoi(name);
}

OutputPlace follow_links(const std::string& option, const std::string& path) {
  fs::path at = path;
  for (int links = 0; links < kMostLinks; ++links) {
    const fs::path folder = at.has_parent_path() ? at.parent_path() : fs::path(".");
    const int descriptor = descriptor_of(folder, at.filename().string());
    if (descriptor >= 0) return {OutputPlace::Kind::kDescriptor, at.string(), descriptor};
    std::error_code error;
    if (!fs::is_symlink(at, error)) return {OutputPlace::Kind::kFile, at.string()};
    const fs::path target = fs::read_symlink(at, error);
    at = target.is_absolute() ? target : folder / target;
  }
  throw InvalidArgument(
      str("[output] wanted a file for ", option, ", got ", path, ", whose symbolic links form a loop; choose another"));
}

// Whether another process has opened the file by open_output(): it would rename what this process writes.
bool is_written(const std::string& partial) {
  const int file = ::open(partial.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  const bool locked = ::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return locked;
}

}  // namespace

OutputPlace output_place(const std::string& option, const std::string& path) {
  require(!path.empty(), "[output] wanted a file for ", option, ", got an empty name; is a variable unset?");
  OutputPlace place = follow_links(option, path);
  struct stat status {};
  const int got = place.descriptor >= 0 ? ::fstat(place.descriptor, &status) : ::stat(place.path.c_str(), &status);
  const auto refuse = [&](bool is, const char* what, const char* advice) {
    require(!is, "[output] wanted a file for ", option, ", got ", path, ", which is ", what, "; ", advice);
  };
  refuse(path.back() == '/' || (got == 0 && S_ISDIR(status.st_mode)), "a folder", "name a file in it");
  if (place.kind == OutputPlace::Kind::kDescriptor) refuse(got != 0, "not open", "choose a file");
  if (got != 0) return place;
  refuse(S_ISBLK(status.st_mode), "a disk or a part of one", "choose a file on it");
  refuse(S_ISSOCK(status.st_mode) && place.descriptor < 0, "a socket", "choose a file or a pipe");
  if (place.kind == OutputPlace::Kind::kFile && !S_ISREG(status.st_mode)) place.kind = OutputPlace::Kind::kStream;
  return place;
}

bool OutputPlace::is_standard_output() const {
  if (descriptor == STDOUT_FILENO) return true;
  if (kind != Kind::kStream) return false;
  struct stat here {
  }, standard{};
  return ::stat(path.c_str(), &here) == 0 && ::fstat(STDOUT_FILENO, &standard) == 0 && S_ISFIFO(here.st_mode) &&
         here.st_dev == standard.st_dev && here.st_ino == standard.st_ino;
}

int open_output(const OutputPlace& place) {
  switch (place.kind) {
    case OutputPlace::Kind::kDescriptor:
      return ::fcntl(place.descriptor, F_DUPFD_CLOEXEC, 0);
    case OutputPlace::Kind::kStream:
      return ::open(place.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    case OutputPlace::Kind::kFile:
      break;
  }
  const std::string partial = place.partial();
  if (is_written(partial)) {
    errno = EBUSY;
    return -1;
  }
  if (::unlink(partial.c_str()) != 0 && errno != ENOENT) return -1;
  const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file >= 0) static_cast<void>(::flock(file, LOCK_EX | LOCK_NB));  // fails on file systems without locks
  return file;
}

}  // namespace polyscene::core
