#include <xxhash.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/files/atomic_file.h"
#include "core/files/safetensors.h"
#include "core/files/safetensors_header.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using Json = nlohmann::json;  // sorts objects by key

void check_names(const std::string& path, const std::vector<NamedTensor>& tensors) {
  std::map<std::string, int> seen;
  for (const NamedTensor& t : tensors) {
    require(!t.name.empty() && t.name != "__metadata__", "[files] ", path,
            ": wanted a name that is neither empty nor __metadata__, got \"", t.name, "\"");
    require(++seen[t.name] == 1, "[files] ", path, ": two tensors are named \"", t.name, "\"");
  }
}

std::string header_text(const std::string& path, const std::vector<NamedTensor>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  Json json = Json::object();
  int64_t at = 0;
  for (const NamedTensor& t : tensors) {
    const auto dims = t.data.shape.dims();
    json[t.name] = {{"dtype", safetensors_type(t.data.dtype)},
                    {"shape", std::vector<int64_t>(dims.begin(), dims.end())},
                    {"data_offsets", {at, at + t.data.bytes()}}};
    at += t.data.bytes();
  }
  if (!metadata.empty()) json["__metadata__"] = metadata;
  std::string text;
  try {
    text = json.dump();
  } catch (const Json::exception&) {
    throw InvalidArgument(str("[files] ", path, ": wanted names and metadata in UTF-8, got other bytes"));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

std::array<char, 8> little_endian(uint64_t value) {
  std::array<char, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

// Writes a tensor and returns the hash of its bytes.
uint64_t write_tensor(AtomicFile& file, const NamedTensor& t) {
  if (!t.fill) {
    file.write(t.data.data, t.data.bytes());
    return XXH3_64bits(t.data.data, t.data.bytes());
  }
  constexpr int64_t kPieceBytes = int64_t{1} << 20;
  const int64_t rows = t.data.shape[0], row_bytes = rows == 0 ? 1 : t.data.bytes() / rows;
  const int64_t piece = std::max<int64_t>(1, kPieceBytes / std::max<int64_t>(row_bytes, 1));
  const std::shared_ptr<void> memory = allocate_host(std::min(piece, rows) * row_bytes);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(), &XXH3_freeState);
  XXH3_64bits_reset(hash.get());
  for (int64_t first = 0; first < rows; first += piece) {
    const int64_t count = std::min(piece, rows - first);
    t.fill(first, count, memory.get());
    XXH3_64bits_update(hash.get(), memory.get(), count * row_bytes);
    file.write(memory.get(), count * row_bytes);
  }
  return XXH3_64bits_digest(hash.get());
}

}  // namespace

SafetensorsHashes write_safetensors(const std::string& path, std::vector<NamedTensor> tensors,
                                    const std::map<std::string, std::string>& metadata) {
  check_names(path, tensors);
  std::sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return std::pair(-size_bytes(a.data.dtype), std::string_view(a.name)) <
           std::pair(-size_bytes(b.data.dtype), std::string_view(b.name));
  });
  const std::string header = header_text(path, tensors, metadata);
  const std::array<char, 8> length = little_endian(header.size());
  int64_t bytes = length.size() + header.size();
  for (const NamedTensor& t : tensors) bytes += t.data.bytes();

  AtomicFile file(path, bytes);
  file.write(length.data(), std::ssize(length));
  file.write(header.data(), std::ssize(header));
  SafetensorsHashes hashes;
  for (const NamedTensor& t : tensors) hashes.tensors[t.name] = write_tensor(file, t);
  file.commit();
  hashes.file = {file.bytes(), file.hash()};
  return hashes;
}

}  // namespace polyscene::core
