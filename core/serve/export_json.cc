#include "core/serve/export_json.h"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/files/atomic_file.h"
#include "core/files/file_name.h"
#include "core/files/readable_file.h"
#include "core/files/sealed_text.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

using ExportJson = nlohmann::json;
using KnownNames = std::initializer_list<std::string_view>;

constexpr int64_t kFormat = 1;

bool has_only(const ExportJson& json, const KnownNames& known) {
  if (!json.is_object()) return false;
  for (const auto& [name, value] : json.items())
    if (std::ranges::find(known, std::string_view(name)) == known.end()) return false;
  return true;
}

// Whether the member is a 64-bit integer of at least `least`.
bool is_whole(const ExportJson& json, const char* name, int64_t least) {
  return json.contains(name) && json[name].is_number_integer() && json[name].get<int64_t>() >= least;
}

bool is_hash(const ExportJson& json, const char* name) {
  if (!json.contains(name) || !json[name].is_string()) return false;
  const auto& text = json[name].get_ref<const std::string&>();
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Whether the members that only people read are well-formed.
bool is_told(const ExportJson& json) {
  for (const char* name : {"model", "run", "rows"})
    if (json.contains(name) && !json[name].is_string()) return false;
  return !json.contains("checked") ||
         has_only(json["checked"], {"rows", "largest_difference", "auc_trainer", "auc_exported"});
}

ExportedFile file_of(const std::string& path, const std::string& name, const ExportJson& entry) {
  require<DataError>(
      stays_inside(name) && has_only(entry, {"bytes", "xxh3"}) && is_whole(entry, "bytes", 0) && is_hash(entry, "xxh3"),
      "[serve] ", path, ": file \"", name, "\" is not described as one below its folder");
  return {name, entry["bytes"].get<int64_t>(), entry["xxh3"].get<std::string>()};
}

}  // namespace

std::string export_json(const std::string& version) { return version + "/export.json"; }

ExportDescription read_export(const std::string& version) {
  const std::string path = export_json(version), text = read_text_file(path);
  const ExportJson json = ExportJson::parse(text, nullptr, false);
  const bool sound = json.is_object() && json.contains("format") && json["format"].is_number_integer() &&
                     json.contains("files") && json["files"].is_object();
  require<DataError>(sound, "[serve] ", path, " is not the description of an exported model; export it again");
  const auto format = json["format"].get<int64_t>();
  require<DataError>(format == kFormat, "[serve] ", path, " is of format ", format, ", this program reads ", kFormat,
                     "; use the program that exported it, or export it again");
  const Seal seal = seal_of(kJsonSeal, text);
  require<DataError>(seal == Seal::kWhole || (seal == Seal::kNone && !json.contains("xxh3")), "[serve] ", path,
                     " does not have the hash on its first line; copy it again, or export again");
  require<DataError>(
      has_only(json, {"xxh3", "format", "model", "run", "rows", "base", "files", "checked"}) && is_told(json),
      "[serve] ", path, " has fields that this program does not know; use the program that exported it");
  ExportDescription description{.hashed = seal == Seal::kWhole, .files = {}, .base_version = 0, .base_xxh3 = {}};
  for (const auto& [name, entry] : json["files"].items()) description.files.push_back(file_of(path, name, entry));
  if (!json.contains("base")) return description;
  const ExportJson& base = json["base"];
  require<DataError>(has_only(base, {"version", "xxh3"}) && is_whole(base, "version", 1) && is_hash(base, "xxh3"),
                     "[serve] ", path, " does not name its base version; export it again");
  description.base_version = base["version"].get<int64_t>();
  description.base_xxh3 = base["xxh3"].get<std::string>();
  return description;
}

std::string missing_of(const std::string& version) {
  std::error_code error;
  if (!fs::exists(export_json(version), error))
    return str("wanted an exported model in ", version, ", there is no export.json; export it again");
  for (const ExportedFile& file : read_export(version).files) {
    const std::string path = version + "/" + file.name;
    const int64_t bytes = fs::file_size(path, error);
    if (error)
      return str("wanted ", path, ", which export.json lists: ", error.message(),
                 "; the folder was copied in part, copy it again");
    if (bytes != file.bytes)
      return str(path, ": wanted ", file.bytes, " bytes, got ", bytes, "; it was copied in part, copy it again");
  }
  return {};
}

std::string file_hash(const std::string& path) { return hash_digits(hash_file(path).xxh3); }

}  // namespace polyscene::core
