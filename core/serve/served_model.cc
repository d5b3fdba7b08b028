#include "core/serve/served_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>

#include "core/config/load.h"
#include "core/config/translate.h"
#include "core/files/file_name.h"
#include "core/files/safetensors.h"
#include "core/serve/export_json.h"
#include "core/text/suggest.h"
#include "core/text/whole_number.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

// The version number of a folder's name; 0 when it is none, such as "007", because 7 has one spelling.
int64_t version_number(const std::string& name) {
  const int64_t number = whole_number<int64_t>(name).value_or(0);
  return number > 0 && std::to_string(number) == name ? number : 0;
}

// Version numbers in a folder, descending.
std::vector<int64_t> versions_in(const std::string& folder) {
  std::vector<int64_t> versions;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    if (const int64_t number = version_number(entry->path().filename().string()); number > 0)
      versions.push_back(number);
  std::ranges::sort(versions, std::greater());
  return versions;
}

std::vector<embedding::TableSpec> specs_of(const Model& model) {
  std::vector<embedding::TableSpec> specs;
  for (const TableUse& use : model.tables) specs.push_back({.name = use.name, .dim = use.dim});
  return specs;
}

ExecutorOptions options_of(const config::Experiment& experiment) {
  return {.precision = to_precision(experiment.train().precision())};
}

void check_hashes(const std::string& folder, const std::function<bool(const std::string&)>& wanted) {
  for (const ExportedFile& file : read_export(folder).files)
    require<DataError>(!wanted(file.name) || file.xxh3 == file_hash(folder + "/" + file.name), "[serve] ", folder, "/",
                       file.name, " is not what was exported: its checksum differs; copy it again, or export again");
}

void require_all_files(const std::string& folder) {
  const std::string missing = missing_of(folder);
  require<DataError>(missing.empty(), "[serve] ", missing);
}

// Loads the configuration after a check of its hash: otherwise a truncated file would be reported as a mistake of the
// user.
config::Experiment whole_experiment(const std::string& folder) {
  require_saved_config(folder);
  require_all_files(folder);
  check_hashes(folder, [](const std::string& name) { return name == "config.pbtxt"; });
  return load_saved_experiment(folder);
}

}  // namespace

std::string store_file(const std::string& table) { return "tables/" + file_name(table) + ".rows"; }

int64_t latest_version(const std::string& folder) {
  const std::vector<int64_t> all = versions_in(folder);
  return all.empty() ? 0 : all.front();
}

int64_t latest_whole_version(const std::string& folder) {
  for (const int64_t version : versions_in(folder)) {
    const std::string path = folder + "/" + std::to_string(version);
    if (missing_of(path).empty() && read_export(path).base_version == 0) return version;
  }
  return 0;
}

std::string find_version(const std::string& folder) {
  std::error_code error;
  if (fs::exists(export_json(folder), error)) return folder;
  const std::string none = config_text::why_no_folder(folder);
  require<DataError>(none.empty(), "[serve] wanted an exported model, ", none);
  std::string newest;  // why the newest version is incomplete
  for (const int64_t version : versions_in(folder)) {
    const std::string path = folder + "/" + std::to_string(version), missing = missing_of(path);
    if (missing.empty()) return path;
    if (newest.empty()) newest = missing;
  }
  require<DataError>(newest.empty(), "[serve] ", newest);
  throw DataError(str("[serve] wanted an exported model in ", folder,
                      ", there is no version; polyscene export --run RUN --output ", folder, " makes one"));
}

ServedModel::ServedModel(const std::string& folder)
    : folder_(find_version(folder)),
      experiment_(whole_experiment(folder_)),
      schema_(FeatureSchema::from(experiment_.data())),
      model_(build_model(experiment_, schema_)),
      layout_(specs_of(model_), embedding::PartitionMap(1, 1)) {
  open_base();
  check_files();
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
    require<DataError>(std::ranges::all_of(saved.elements<const float>(), [](float x) { return std::isfinite(x); }),
                       "[serve] ", path, ": tensor \"", parameter.name,
                       "\" has values that are not finite and cannot score; export another model");
    Tensor& copy = parameters_.emplace_back(DType::kFloat32, shape);
    std::ranges::copy(saved.elements<const float>(), copy.elements<float>().begin());
  }
}

void ServedModel::open_base() {
  const ExportDescription own = read_export(folder_);
  if (own.base_version == 0) return;
  base_ = (fs::absolute(folder_).parent_path() / std::to_string(own.base_version)).string();
  std::error_code error;
  require<DataError>(fs::exists(export_json(base_), error) && file_hash(export_json(base_)) == own.base_xxh3,
                     "[serve] ", folder_, " holds the rows that changed since ", base_,
                     ", which is missing or changed; restore it, or export without --delta");
}

std::vector<std::string> ServedModel::folders() const {
  return base_.empty() ? std::vector{folder_} : std::vector{folder_, base_};
}

// Checks the sizes of all files, and the hashes of the files at the top of the folder.
void ServedModel::check_files() const {
  for (const std::string& folder : folders()) require_all_files(folder);
  check_hashes(folder_, [](const std::string& name) { return name.find('/') == std::string::npos; });
}

void ServedModel::verify() const {
  for (const std::string& folder : folders()) check_hashes(folder, [](const std::string&) { return true; });
  for (const auto& store : stores_) store->verify();
}

std::string ServedModel::without_hash() const {
  const bool described = std::ranges::all_of(folders(), [](const auto& folder) { return read_export(folder).hashed; });
  const bool indexed = std::ranges::all_of(stores_, [](const auto& store) { return store->index_is_hashed(); });
  if (described && indexed) return {};
  return str(folder_, ": an earlier version of Polyscene exported it without a hash of ",
             described ? "" : "export.json", described || indexed ? "" : " and of ",
             indexed ? "" : "the indexes of its tables", "; damage there is not detected when it is opened");
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
  lookup_.lookup(inputs_.keys(), embedding::LookupMode::kEval);
  inputs_.bind(executor_, lookup_, 1.0);
  executor_.run();
  return executor_.result(model_.model().logit).elements<const float>();
}

}  // namespace polyscene::core
