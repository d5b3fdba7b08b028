// Reads and checks the header of a safetensors file.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ops/tensor/dtype.h"

namespace polyscene::core {

struct SafetensorsEntry {
  std::string type;             // "F32", "BF16", ...
  std::vector<uint64_t> shape;  // any number of axes
  uint64_t begin = 0, end = 0;  // bytes, from the start of the data
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> tensors;
  std::map<std::string, std::string> metadata;
  uint64_t data_begin = 0;  // bytes, from the start of the file
};

// Checks everything that the format requires: the header fits the file and is JSON, types are known, sizes agree with
// shapes, and the tensors cover the data without overlaps or gaps. Throws DataError naming `path` and the tensor.
[[nodiscard]] SafetensorsHeader read_safetensors_header(const std::string& path, std::span<const char> file);

// The name of a type in the format.
[[nodiscard]] const char* safetensors_type(DType type);

}  // namespace polyscene::core
