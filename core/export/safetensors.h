// The safetensors format: a JSON header (names, types, shapes, byte ranges) followed by the tensors' bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/tensor/tensor.h"

namespace polyscene {

// A tensor to be written; the memory is the caller's.
struct NamedTensor {
  std::string name;
  TensorView data;
};

// Writes a file aside, syncs it and renames it into place: readers see the old file or the whole new one. Tensors are
// stored in the order of their names. Throws DataError naming file, bytes wanted and what to try (disk full ...).
void write_safetensors(const std::string& path, std::vector<NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

// A file opened for reading. The header is checked before anything is allocated from it.
class SafetensorsFile {
 public:
  // Throws DataError naming the file and what is wrong with it.
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();

  [[nodiscard]] std::vector<std::string> names() const;  // sorted
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const;
  // The tensor's bytes, read-only, valid as long as this object. Throws DataError listing what there is.
  [[nodiscard]] TensorView tensor(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene
