#include "core/serve/served_model.h"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/config/file_name.h"
#include "core/config/load.h"
#include "core/config/translate.h"
#include "core/export/safetensors.h"
#include "ops/base/error.h"

namespace polyscene {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kFormat = 1;

int64_t version_number(const std::string& name) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() && number > 0 ? number : 0;
}

std::vector<int64_t> versions_in(const std::string& folder) {
  std::vector<int64_t> versions;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (const int64_t number = version_number(entry->path().filename().string()); number > 0)
      versions.push_back(number);
  std::ranges::sort(versions);
  return versions;
}

std::string hash_text(const MappedFile& file) {
  char hash[17];
  std::snprintf(hash, sizeof(hash), "%016lx", XXH3_64bits(file.bytes().data(), file.bytes().size()));
  return hash;
}

nlohmann::json read_export(const std::string& folder) {
  const std::string path = folder + "/export.json";
  const MappedFile file(path);
  nlohmann::json json = nlohmann::json::parse(file.bytes().begin(), file.bytes().end(), nullptr, false);
  const bool sound = json.is_object() && json.contains("format") && json["format"].is_number_integer() &&
                     json.contains("files") && json["files"].is_object();
  require<DataError>(sound, "[serve] ", path, " is no description of an exported model; export it again");
  const auto format = json["format"].get<int64_t>();
  require<DataError>(format == kFormat, "[serve] ", path, " is of format ", format, ", this program reads ", kFormat,
                     "; use the program that exported it, or export it again");
  for (const auto& [name, entry] : json["files"].items()) {
    require<DataError>(stays_inside(name) && entry.is_object() && entry.contains("bytes") &&
                           entry["bytes"].is_number_integer() && entry.contains("xxh3") && entry["xxh3"].is_string(),
                       "[serve] ", path, ": file \"", name, "\" is not described as one below its folder");
  }
  return json;
}

std::vector<TableSpec> specs_of(const Model& model) {
  std::vector<TableSpec> specs;
  for (const TableUse& use : model.tables) specs.push_back({.name = use.name, .dim = use.dim});
  return specs;
}

ExecutorOptions options_of(const config::Experiment& experiment) {
  return {.precision = to_precision(experiment.train().precision())};
}

}  // namespace

std::string store_file(const std::string& table) { return "tables/" + file_name(table) + ".rows"; }

int64_t latest_version(const std::string& folder) {
  const std::vector<int64_t> all = versions_in(folder);
  return all.empty() ? 0 : all.back();
}

int64_t latest_whole_version(const std::string& folder) {
  const std::vector<int64_t> all = versions_in(folder);
  const auto whole = std::find_if(all.rbegin(), all.rend(), [&](int64_t version) {
    return !read_export(folder + "/" + std::to_string(version)).contains("base");
  });
  return whole == all.rend() ? 0 : *whole;
}

std::string version_hash(const std::string& folder) { return hash_text(MappedFile(folder + "/export.json")); }

std::string find_version(const std::string& folder) {
  std::error_code error;
  if (fs::is_regular_file(folder + "/export.json", error)) return folder;
  const int64_t latest = latest_version(folder);
  require<DataError>(latest > 0, "[serve] wanted an exported model in ", folder,
                     ", there is no version; polyscene export --run RUN --output ", folder, " makes one");
  return folder + "/" + std::to_string(latest);
}

ServedModel::ServedModel(const std::string& folder)
    : folder_(find_version(folder)),
      experiment_(load_experiment(folder_ + "/config.pbtxt")),
      schema_(FeatureSchema::from(experiment_.data())),
      model_(build_model(experiment_, schema_)),
      layout_(specs_of(model_), PartitionMap(1, 1)) {
  open_base();
  check_files(folder_);
  if (!base_.empty()) check_files(base_);
  for (const TableUse& use : model_.tables) {
    const std::string path = folder_ + "/" + store_file(use.name);
    auto base = base_.empty() ? nullptr : std::make_unique<EmbeddingStore>(base_ + "/" + store_file(use.name));
    const auto& store = stores_.emplace_back(std::make_unique<EmbeddingStore>(path, std::move(base)));
    require<DataError>(store->dim() == use.dim, "[serve] ", path, ": wanted rows of ", use.dim, " values, got ",
                       store->dim(), "; export the model again");
  }
  const std::string path = folder_ + "/dense.safetensors";
  const SafetensorsFile dense(path);
  for (const Parameter& parameter : model_.graph->parameters()) {
    const TensorView saved = dense.tensor(parameter.name);
    const Shape shape = parameter.value.shape().resolve({});
    require<DataError>(saved.dtype == DType::kFloat32 && saved.shape == shape, "[serve] ", path, ": tensor \"",
                       parameter.name, "\" has shape ", saved.shape, ", the model wants ", shape,
                       "; export the model again");
    Tensor& copy = parameters_.emplace_back(DType::kFloat32, shape);
    std::ranges::copy(saved.elements<const float>(), copy.elements<float>().begin());
  }
}

void ServedModel::open_base() {
  const nlohmann::json json = read_export(folder_);
  if (!json.contains("base")) return;
  const auto& base = json["base"];
  const bool sound = base.is_object() && base.contains("version") && base["version"].is_number_integer() &&
                     base.contains("xxh3") && base["xxh3"].is_string();
  require<DataError>(sound, "[serve] ", folder_, "/export.json does not say which version it adds to; export it again");
  base_ = (fs::absolute(folder_).parent_path() / std::to_string(base["version"].get<int64_t>())).string();
  std::error_code error;
  require<DataError>(
      fs::is_regular_file(base_ + "/export.json", error) && version_hash(base_) == base["xxh3"].get<std::string>(),
      "[serve] ", folder_, " has the rows that changed since ", base_,
      ", which is not there as it was; put it back, or export without --delta");
}

void ServedModel::check_files(const std::string& folder) const {
  const nlohmann::json json = read_export(folder);
  for (const auto& [name, entry] : json["files"].items()) {
    const std::string path = folder + "/" + name;
    std::error_code error;
    const auto bytes = static_cast<int64_t>(fs::file_size(path, error));
    require<DataError>(!error, "[serve] wanted ", path, ", which export.json lists: ", error.message(),
                       "; the folder was copied in part, copy it again");
    require<DataError>(bytes == entry["bytes"].get<int64_t>(), "[serve] ", path, ": wanted ",
                       entry["bytes"].get<int64_t>(), " bytes, got ", bytes, "; it was copied in part, copy it again");
  }
}

void ServedModel::verify() const {
  for (const std::string& folder : {base_, folder_}) {
    if (folder.empty()) continue;
    const nlohmann::json json = read_export(folder);
    for (const auto& [name, entry] : json["files"].items())
      require<DataError>(entry["xxh3"].get<std::string>() == hash_text(MappedFile(folder + "/" + name)), "[serve] ",
                         folder, "/", name,
                         " is not what was exported: its checksum differs; copy it again, or export again");
  }
  for (const auto& store : stores_) store->verify();
}

Scorer::Scorer(const ServedModel& model)
    : model_(model),
      inputs_(model.model(), model.schema(), model.layout()),
      lookup_(model.layout(), model.stores()),
      executor_(*model.model().graph, {model.model().logit}, options_of(model.experiment())) {
  for (size_t i = 0; i < model.model().graph->parameters().size(); ++i)
    executor_.bind(model.model().graph->parameters()[i].value, model.parameter(i));
}

std::span<const float> Scorer::score(const Batch& batch) {
  if (batch.rows == 0) return {};
  inputs_.prepare(batch);
  lookup_.lookup(inputs_.keys(), LookupMode::kEval);
  inputs_.bind(executor_, lookup_, 1.0, nullptr);
  executor_.run();
  return executor_.result(model_.model().logit).elements<const float>();
}

}  // namespace polyscene
