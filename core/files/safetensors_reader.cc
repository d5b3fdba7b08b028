#include <cstring>
#include <limits>

#include "core/files/mapped_file.h"
#include "core/files/safetensors.h"
#include "core/files/safetensors_header.h"
#include "core/text/suggest.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

constexpr DType kTypes[] = {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64};

}  // namespace

struct SafetensorsFile::State {
  explicit State(const std::string& path_)
      : path(path_), file(path_), header(read_safetensors_header(path_, file.bytes())) {}

  [[nodiscard]] DType type_of(const std::string& name, const SafetensorsEntry& entry) const {
    for (DType type : kTypes)
      if (entry.type == safetensors_type(type)) return type;
    throw DataError(str("[files] ", path, ": tensor \"", name, "\" is of type ", entry.type,
                        ", wanted F32, F64, I32 or I64; convert it to one of them"));
  }

  [[nodiscard]] Shape shape_of(const std::string& name, const SafetensorsEntry& entry) const {
    require<DataError>(entry.shape.size() <= Shape::kMaxRank, "[files] ", path, ": tensor \"", name, "\" has rank ",
                       entry.shape.size(), ", wanted at most ", Shape::kMaxRank);
    std::vector<int64_t> dims;
    for (uint64_t extent : entry.shape) {  // if another extent is 0, the file's size does not bound this one
      require<DataError>(extent <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()), "[files] ", path,
                         ": tensor \"", name, "\" has an extent of ", extent, ", which no tensor can have");
      dims.push_back(extent);
    }
    return Shape(dims);
  }

  std::string path;
  MappedFile file;
  SafetensorsHeader header;
  std::map<std::string, Tensor> aligned;  // copies of tensors that another writer did not align
};

SafetensorsFile::SafetensorsFile(const std::string& path) : state_(std::make_unique<State>(path)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : state_->header.tensors) names.push_back(name);
  return names;
}

bool SafetensorsFile::contains(const std::string& name) const { return state_->header.tensors.contains(name); }

const std::map<std::string, std::string>& SafetensorsFile::metadata() const { return state_->header.metadata; }

TensorView SafetensorsFile::tensor(const std::string& name) const {
  const auto found = state_->header.tensors.find(name);
  require<DataError>(found != state_->header.tensors.end(), "[files] ", state_->path, " holds no tensor \"", name, "\"",
                     config_text::suggestion(name, names()));
  const SafetensorsEntry& entry = found->second;
  const DType type = state_->type_of(name, entry);
  const Shape shape = state_->shape_of(name, entry);
  const char* data = state_->file.bytes().data() + state_->header.data_begin + entry.begin;
  if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size_bytes(type)) == 0)
    return {const_cast<char*>(data), type, shape};
  Tensor& copy = state_->aligned.try_emplace(name, type, shape).first->second;
  std::memcpy(copy.view().data, data, entry.end - entry.begin);
  return copy.view();
}

}  // namespace polyscene::core
