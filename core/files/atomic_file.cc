#include "core/files/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/files/file_advice.h"
#include "core/files/readable_file.h"
#include "ops/base/error.h"
#include "ops/tensor/tensor.h"

namespace polyscene::core {
namespace {

constexpr int64_t kDiskBytes = int64_t{8} << 20;
constexpr int64_t kMostAtOnce = int64_t{1} << 30;  // Linux writes at most 2 GiB - 4 KiB per call

using Hash = std::unique_ptr<XXH3_state_t, void (*)(XXH3_state_t*)>;

Hash new_hash() {
  Hash state(XXH3_createState(), [](XXH3_state_t* s) { XXH3_freeState(s); });
  XXH3_64bits_reset(state.get());
  return state;
}

}  // namespace

FileHash hash_file(const std::string& path) {
  constexpr size_t kBlock = size_t{4} << 20;
  const std::shared_ptr<void> block = allocate_host(kBlock);
  const auto state = new_hash();
  FileHash result;
  const ReadableFile file(path);
  for (ssize_t got = 1; got != 0;) {
    got = ::read(file.descriptor(), block.get(), kBlock);
    if (got < 0 && errno == EINTR) continue;
    require<DataError>(got >= 0, "[files] cannot read ", path, ": ", std::strerror(errno));
    XXH3_64bits_update(state.get(), block.get(), got);
    result.bytes += got;
  }
  result.xxh3 = XXH3_64bits_digest(state.get());
  return result;
}

AtomicFile::AtomicFile(std::string path, int64_t wanted_bytes)
    : path_(std::move(path)), partial_(path_ + ".partial"), wanted_bytes_(wanted_bytes), hash_(new_hash()) {
  file_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file_ < 0) fail("create", errno);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  std::remove(partial_.c_str());
}

void AtomicFile::fail(const std::string& step, int error) const {
  throw_file_error(error, path_,
                   str("[files] cannot ", step, " ", path_, ": ", std::strerror(error), "; wanted ", wanted_bytes_,
                       " bytes, wrote ", written_bytes_));
}

void AtomicFile::write(const void* data, int64_t bytes) {
  XXH3_64bits_update(hash_.get(), data, bytes);
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::write(file_, next, std::min(bytes, kMostAtOnce));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("write", errno);
    next += done;
    bytes -= done;
    written_bytes_ += done;
  }
  // Starts writing to the disk now; otherwise the disk would be idle until commit(), which would then wait for all
  // bytes.
  if (written_bytes_ - begun_bytes_ < kDiskBytes) return;
  static_cast<void>(::sync_file_range(file_, begun_bytes_, written_bytes_ - begun_bytes_, SYNC_FILE_RANGE_WRITE));
  begun_bytes_ = written_bytes_;
}

uint64_t AtomicFile::hash() const { return XXH3_64bits_digest(hash_.get()); }

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail("sync", errno);
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) fail("rename", errno);
  ::close(file_);
  file_ = -1;
  sync_folder();
}

// Syncs the folder, so that the file's name survives a power cut. File systems that cannot sync a folder are accepted.
void AtomicFile::sync_folder() const {
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const int opened = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  ::fsync(opened);
  ::close(opened);
}

}  // namespace polyscene::core
