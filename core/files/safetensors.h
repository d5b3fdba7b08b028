// The safetensors format: 8 bytes with the header's length (little-endian), a JSON header (names, types, shapes, byte
// ranges) padded so that data starts at a multiple of 8, then the tensors' bytes without gaps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/files/atomic_file.h"
#include "ops/tensor/tensor.h"

namespace polyscene {

// A tensor to be written; the memory is the caller's. Or one that is made while it is written: then data has type and
// shape alone, and `fill` writes rows [first, first + count) of its first axis to a place on 64 bytes.
struct NamedTensor {
  std::string name;
  TensorView data;
  std::function<void(int64_t first, int64_t count, void* to)> fill = {};
};

// XXH3 64 of a file that was written, and of the bytes of each tensor by name.
struct SafetensorsHashes {
  FileHash file;
  std::map<std::string, uint64_t> tensors;
};

// Writes a file aside, syncs it and renames it into place: readers see the old file or the whole new one. The header is
// in the order of names; the bytes lie widest elements first, then by name, so that every tensor is aligned. Throws
// DataError naming file, bytes wanted and what to try (disk full ...), InvalidArgument on names that are empty,
// reserved, given twice or no UTF-8.
SafetensorsHashes write_safetensors(const std::string& path, std::vector<NamedTensor> tensors,
                                    const std::map<std::string, std::string>& metadata = {});

// A file opened for reading. The header is checked against the file's size before anything is allocated from it.
class SafetensorsFile {
 public:
  // Throws DataError naming the file, the tensor if it is one's fault, and what is wrong.
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  [[nodiscard]] std::vector<std::string> names() const;  // sorted
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const;
  // The tensor's elements, read-only (the memory may be write-protected), valid as long as this object. Throws
  // DataError with the nearest names when there is none, and on types other than F32, F64, I32 and I64 and ranks
  // above 4. Not for several threads at a time.
  [[nodiscard]] TensorView tensor(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene
