#include "core/checkpoint/manifest_file.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "core/checkpoint/folders.h"
#include "core/config/file_name.h"
#include "core/export/safetensors.h"
#include "core/train/text_file.h"
#include "ops/base/error.h"

namespace polyscene::checkpoint {
namespace fs = std::filesystem;
namespace {

// Messages in messages, far more than a manifest has: without a bound a file could use up the stack.
constexpr int kDeepestManifest = 100;

// Where in a file that is not as it was written: its tensors have hashes of their own.
std::string damaged_place(const std::string& path, const File& wanted) {
  if (wanted.tensor().empty()) return {};
  std::string names;
  try {
    const SafetensorsFile file(path);
    for (const TensorHash& tensor : wanted.tensor()) {
      const TensorView found = file.tensor(tensor.name());
      if (XXH3_64bits(found.data, static_cast<size_t>(found.bytes())) != tensor.xxh3())
        names += str(names.empty() ? ": tensor \"" : ", \"", tensor.name(), "\"");
    }
  } catch (const DataError&) {
    return ": its header";
  }
  return names.empty() ? ": its header" : names;
}

}  // namespace

std::string name_of(int64_t step) {
  char text[32];
  std::snprintf(text, sizeof(text), "step-%010lld", static_cast<long long>(step));
  return text;
}

std::optional<int64_t> step_of(const fs::path& folder) {
  long long step = 0;
  const std::string name = folder.filename().string();
  if (std::sscanf(name.c_str(), "step-%lld", &step) != 1 || name != name_of(step)) return {};
  return step;
}

std::string manifest_path(const std::string& checkpoint) { return checkpoint + "/manifest.pbtxt"; }

std::vector<int64_t> steps_in(const std::string& folder) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (const auto step = step_of(entry->path()); step && fs::exists(manifest_path(entry->path().string())))
      steps.push_back(*step);
  std::ranges::sort(steps);
  return steps;
}

Manifest read_manifest(const std::string& checkpoint) {
  const std::string path = manifest_path(checkpoint);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  Manifest manifest;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  parser.SetRecursionLimit(kDeepestManifest);
  struct Silent : public google::protobuf::io::ErrorCollector {
    void AddError(int, int, const std::string&) override {}
    void AddWarning(int, int, const std::string&) override {}
  } silent;
  parser.RecordErrorsTo(&silent);
  const bool parsed = file && parser.ParseFromString(text.str(), &manifest);
  require<DataError>(parsed, "[checkpoint] cannot read ", path,
                     "; the checkpoint is damaged, take another: --resume names it");
  require<DataError>(manifest.schema() == kWhole || manifest.schema() == kAdding, "[checkpoint] ", path,
                     " is of schema ", manifest.schema(), ", this program reads ", kWhole, " and ", kAdding,
                     "; resume with the program that wrote it, or a newer one");
  const std::optional<int64_t> base = step_of(manifest.base());
  const bool earlier = base && *base < manifest.step() && manifest.base() == name_of(*base);
  require<DataError>(manifest.schema() == kAdding ? earlier : !manifest.has_base(), "[checkpoint] ", path,
                     " names the base \"", manifest.base(), "\", which is no earlier checkpoint; do not use it");
  for (const auto* files : {&manifest.file(), &manifest.log()})
    for (const File& entry : *files)  // a manifest comes from elsewhere
      require<DataError>(stays_inside(entry.name()), "[checkpoint] ", path, " names the file \"", entry.name(),
                         "\", which does not lie below its folder; do not use it");
  return manifest;
}

void write_manifest(const std::string& checkpoint, const Manifest& manifest) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(manifest, &text);
  write_text_file(manifest_path(checkpoint), text);
  sync_folder(checkpoint + "/tables", false);
  sync_folder(checkpoint, true);
}

void add_file(Manifest& manifest, const WrittenFile& file) {
  File& entry = *manifest.add_file();
  entry.set_name(file.name);
  entry.set_bytes(file.hash.bytes);
  entry.set_xxh3(file.hash.xxh3);
  for (const auto& [name, hash] : file.tensors) {
    TensorHash& tensor = *entry.add_tensor();
    tensor.set_name(name);
    tensor.set_xxh3(hash);
  }
}

std::optional<std::string> damage_of_file(const std::string& checkpoint, const File& wanted) {
  const std::string path = checkpoint + "/" + wanted.name();
  std::error_code error;
  if (!fs::exists(path, error)) return path + " is missing";
  const FileHash found = hash_file(path);
  if (found.bytes != wanted.bytes())
    return str(path, " has ", found.bytes, " bytes, was written with ", wanted.bytes());
  if (found.xxh3 != wanted.xxh3())
    return path + " does not have the hash that it was written with" + damaged_place(path, wanted);
  return {};
}

}  // namespace polyscene::checkpoint
