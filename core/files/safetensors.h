// The safetensors format: 8 bytes with the length of the header (little-endian), a JSON header (names, types, shapes,
// byte ranges) padded so that the data starts at a multiple of 8, then the tensors' bytes without gaps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/files/atomic_file.h"
#include "ops/tensor/tensor.h"

namespace polyscene::core {

// A tensor to be written; the caller owns the memory. With `fill`, the tensor is made while it is written: `data` then
// has only type and shape, and fill() writes rows [first, first + count) of the first axis to `to`, aligned to 64
// bytes.
struct NamedTensor {
  std::string name;
  TensorView data;
  std::function<void(int64_t first, int64_t count, void* to)> fill = {};
};

// XXH3 64 of a written file, and of the bytes of each tensor, by name.
struct SafetensorsHashes {
  FileHash file;
  std::map<std::string, uint64_t> tensors;
};

// Writes a temporary file, syncs it and renames it: readers see the old file or the complete new one. The header is
// ordered by name. The data is ordered by element size, largest first, then by name, so that every tensor is aligned.
// Throws DataError naming the file, the bytes wanted and what to try (e.g. disk full), InvalidArgument on names that
// are empty, reserved, given twice or not UTF-8.
SafetensorsHashes write_safetensors(const std::string& path, std::vector<NamedTensor> tensors,
                                    const std::map<std::string, std::string>& metadata = {});

// A file opened for reading. The header is checked against the file's size before any memory is allocated for it.
class SafetensorsFile {
 public:
  // Throws DataError naming the file, the tensor if the problem is in one, and what is wrong.
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  [[nodiscard]] std::vector<std::string> names() const;  // sorted
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const;
  // The tensor's elements, read-only (the memory may be write-protected), valid as long as this object. Throws
  // DataError with similar names if there is no such tensor, and on types other than F32, F64, I32 and I64 or more than
  // 4 axes. Not thread-safe.
  [[nodiscard]] TensorView tensor(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene::core
