#include "core/files/readable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

const char* kind_of_file(mode_t mode) {
  return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

[[noreturn]] void fail_to_read(const std::string& path, const std::string& reason) {
  throw DataError(str("[files] cannot read ", path, ": ", reason));
}

}  // namespace

// With O_NONBLOCK, opening a pipe returns at once. For a regular file it changes nothing.
ReadableFile::ReadableFile(const std::string& path)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (descriptor_ < 0) fail_to_read(path, std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  const int error = errno;
  if (known && S_ISREG(status.st_mode)) {
    bytes_ = status.st_size;
    return;
  }
  ::close(descriptor_);
  fail_to_read(path, known ? str("wanted a file, got ", kind_of_file(status.st_mode)) : std::strerror(error));
}

ReadableFile::~ReadableFile() { ::close(descriptor_); }

std::string read_text_file(const std::string& path) {
  const ReadableFile file(path);
  std::string text(file.bytes(), '\0');
  size_t done = 0;
  for (ssize_t got = 1; got != 0 && done < text.size();) {
    got = ::read(file.descriptor(), text.data() + done, text.size() - done);
    if (got < 0 && errno != EINTR) fail_to_read(path, std::strerror(errno));
    if (got > 0) done += got;
  }
  text.resize(done);
  return text;
}

}  // namespace polyscene::core
