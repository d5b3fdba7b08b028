#include "core/files/growing_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/files/file_advice.h"
#include "ops/base/error.h"

namespace polyscene::core {

GrowingFile::GrowingFile(std::string path, bool append) : path_(std::move(path)) {
  std::error_code ignored;  // the error of opening the file tells more
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (append ? 0 : O_TRUNC), 0666);
  if (file_ < 0) fail("create", errno);
  struct stat status {};
  if (::fstat(file_, &status) == 0 && S_ISREG(status.st_mode)) bytes_ = status.st_size;
}

GrowingFile::~GrowingFile() {
  try {
    flush();
  } catch (const Error&) {
    // Callers that need to know of failures call flush().
  }
  ::close(file_);
}

void GrowingFile::flush() {
  const std::string records = std::exchange(waiting_, {});
  for (size_t done = 0; done < records.size();) {
    const ssize_t wrote = ::write(file_, records.data() + done, records.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      const int error = errno;
      static_cast<void>(::ftruncate(file_, bytes_) == 0);  // fails for devices, which cannot be truncated
      fail("write to", error);
    }
    done += wrote;
  }
  bytes_ += std::ssize(records);
}

void GrowingFile::cut_back(int64_t bytes) {
  if (bytes >= bytes_) return;
  if (::ftruncate(file_, bytes) != 0) fail("shorten", errno);
  bytes_ = bytes;
}

void GrowingFile::fail(const char* step, int error) const {
  throw DataError(str("[files] cannot ", step, " ", path_, ": ", std::strerror(error), file_advice(error, path_)));
}

}  // namespace polyscene::core
