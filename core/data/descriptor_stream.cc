#include "core/data/descriptor_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace polyscene::core {
namespace {

constexpr int64_t kMostBytesAtOnce = int64_t{1} << 30;  // Linux writes at most 2 GiB - 4 KiB per call

}  // namespace

DescriptorStream::~DescriptorStream() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

arrow::Status DescriptorStream::failed(int error) {
  if (error_ == 0) error_ = error;
  return arrow::Status::IOError(std::strerror(error));
}

arrow::Status DescriptorStream::Close() {
  if (closed()) return arrow::Status::OK();
  const bool synced = ::fsync(descriptor_) == 0 || errno == EINVAL || errno == EROFS;  // a pipe or a device
  const int error = errno;
  const bool done = ::close(std::exchange(descriptor_, -1)) == 0;
  if (!synced) return failed(error);
  return done ? arrow::Status::OK() : failed(errno);
}

arrow::Status DescriptorStream::Write(const void* data, int64_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::write(descriptor_, next, std::min(bytes, kMostBytesAtOnce));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed(errno);
    next += done;
    bytes -= done;
    written_ += done;
  }
  return arrow::Status::OK();
}

}  // namespace polyscene::core
