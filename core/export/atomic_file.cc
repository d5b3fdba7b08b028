#include "core/export/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "ops/base/error.h"

namespace polyscene {
namespace {

constexpr int64_t kMostAtOnce = int64_t{1} << 30;  // Linux writes at most 2 GiB - 4 KiB per call

const char* advice(int error) {
  switch (error) {
    case ENOSPC:
      return "; the disk is full: free space or choose another folder";
    case EDQUOT:
      return "; your quota is used up: free space or choose another folder";
    case EFBIG:
      return "; files of this size are forbidden here: raise ulimit -f or choose a folder with more space";
    case ENOENT:
      return "; create the folder first";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; choose a folder you may write to";
    default:
      return "";
  }
}

}  // namespace

AtomicFile::AtomicFile(std::string path, int64_t wanted_bytes)
    : path_(std::move(path)), partial_(path_ + ".partial"), wanted_bytes_(wanted_bytes) {
  file_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file_ < 0) fail("create", errno);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  std::remove(partial_.c_str());
}

void AtomicFile::fail(const std::string& step, int error) const {
  throw DataError(str("[export] cannot ", step, " ", path_, ": ", std::strerror(error), "; wanted ", wanted_bytes_,
                      " bytes, wrote ", written_bytes_, advice(error)));
}

void AtomicFile::write(const void* data, int64_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::write(file_, next, static_cast<size_t>(std::min(bytes, kMostAtOnce)));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("write", errno);
    next += done;
    bytes -= done;
    written_bytes_ += done;
  }
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail("sync", errno);
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) fail("rename", errno);
  ::close(file_);
  file_ = -1;
  sync_folder();
}

// The name itself must survive a power cut; file systems that cannot sync a folder are left to their own ways.
void AtomicFile::sync_folder() const {
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const int opened = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  ::fsync(opened);
  ::close(opened);
}

}  // namespace polyscene
