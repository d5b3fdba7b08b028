#include "core/checkpoint/file_hashes.h"

#include <xxhash.h>

#include <filesystem>
#include <set>

#include "core/files/file_name.h"
#include "core/files/safetensors.h"
#include "ops/base/error.h"

namespace polyscene::checkpoint {
namespace fs = std::filesystem;
namespace {

// Names the damaged tensors of a damaged file, by the tensors' own hashes.
std::string damaged_place(const std::string& path, const File& wanted) {
  if (wanted.tensor().empty()) return {};
  std::string names;
  try {
    const core::SafetensorsFile file(path);
    for (const TensorHash& tensor : wanted.tensor()) {
      const TensorView found = file.tensor(tensor.name());
      if (XXH3_64bits(found.data, found.bytes()) != tensor.xxh3())
        names += str(names.empty() ? ": tensor \"" : ", \"", tensor.name(), "\"");
    }
  } catch (const DataError&) {
    return ": its header";
  }
  return names.empty() ? ": its header" : names;
}

}  // namespace

File described(const core::WrittenFile& file) {
  File entry;
  entry.set_name(file.name);
  entry.set_bytes(file.hash.bytes);
  entry.set_xxh3(file.hash.xxh3);
  for (const auto& [name, hash] : file.tensors) {
    TensorHash& tensor = *entry.add_tensor();
    tensor.set_name(name);
    tensor.set_xxh3(hash);
  }
  return entry;
}

void check_list(const std::string& list, const Files& files, bool hashed) {
  std::set<std::string> names;
  for (const File& file : files) {  // a list may have been edited or damaged
    require<DataError>(core::stays_inside(file.name()), "[checkpoint] ", list, " names the file \"", file.name(),
                       "\", which does not lie below its folder; do not use it");
    require<DataError>(names.insert(file.name()).second, "[checkpoint] ", list, " names the file \"", file.name(),
                       "\" twice; do not use it");
    require<DataError>(file.has_bytes() && file.bytes() >= 0, "[checkpoint] ", list, ": wanted the bytes of \"",
                       file.name(), "\", got ", file.bytes(), "; do not use it");
    require<DataError>(!hashed || file.has_xxh3(), "[checkpoint] ", list, ": wanted the hash of \"", file.name(),
                       "\", there is none; do not use it");
  }
}

std::optional<std::string> damage_of_file(const std::string& folder, const File& wanted) {
  const std::string path = folder + "/" + wanted.name();
  std::error_code error;
  if (!fs::exists(path, error)) return path + " is missing";
  const core::FileHash found = core::hash_file(path);
  if (found.bytes != wanted.bytes()) return str(path, " has ", found.bytes, " bytes, wanted ", wanted.bytes());
  if (found.xxh3 != wanted.xxh3())
    return path + " does not have the hash that it was written with" + damaged_place(path, wanted);
  return {};
}

}  // namespace polyscene::checkpoint
