#include "core/checkpoint/model_parts.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <type_traits>
#include <utility>

#include "core/checkpoint/saved_table.h"
#include "core/config/load.h"
#include "core/files/file_name.h"
#include "core/files/mapped_file.h"
#include "core/files/safetensors.h"
#include "core/files/text_file.h"
#include "core/text/whole_number.h"
#include "embedding/keys/buffer.h"
#include "ops/base/warning.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDense = "dense.safetensors";
constexpr const char* kScenarios = "scenarios.json";
constexpr const char* kOptimizer = "optimizer.safetensors";

WrittenFile write_file(const std::string& folder, const std::string& name, std::vector<NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  SafetensorsHashes hashes = write_safetensors(folder + "/" + name, std::move(tensors), metadata);
  return {name, hashes.file, std::move(hashes.tensors)};
}

// Indices of the rows to write, ordered by (partition, key), their keys, and the number of rows before each of the
// rank's partitions, [partitions of the rank + 1].
struct ByPartition {
  std::vector<int32_t> order;
  std::vector<int64_t> keys, begin;
};

// Rows of `rank`; with `since`, only those that were trained after that number of table updates.
ByPartition by_partition(const embedding::TableLayout& layout, int index, int rank, std::span<const int64_t> keys,
                         std::span<const embedding::AccessStatistics> accesses, std::optional<int64_t> since) {
  struct Place {
    int64_t key;
    int32_t row;
  };
  const embedding::PartitionMap& map = layout.map();
  const int first = map.first_partition(rank), end = map.first_partition(rank + 1);
  const auto visit = [&](const auto& visitor) {
    for (size_t row = 0; row < keys.size(); ++row)
      if (!since || accesses[row].last_step > *since)
        visitor(map.partition(embedding::key_hash(keys[row], layout.salt(index))) - first, row);
  };
  ByPartition sorted{.order = {}, .keys = {}, .begin = std::vector<int64_t>(end - first + 1)};
  visit([&](size_t partition, size_t) { ++sorted.begin[partition + 1]; });
  std::partial_sum(sorted.begin.begin(), sorted.begin.end(), sorted.begin.begin());
  std::vector<int64_t> next = sorted.begin;
  std::vector<Place> grouped(sorted.begin.back());
  visit([&](size_t partition, size_t row) { grouped[next[partition]++] = {keys[row], static_cast<int32_t>(row)}; });
  for (size_t p = 0; p + 1 < sorted.begin.size(); ++p)
    std::sort(grouped.begin() + sorted.begin[p], grouped.begin() + sorted.begin[p + 1],
              [](const Place& x, const Place& y) { return x.key < y.key; });
  sorted.order.reserve(grouped.size());
  sorted.keys.reserve(grouped.size());
  for (const Place& place : grouped) {
    sorted.order.push_back(place.row);
    sorted.keys.push_back(place.key);
  }
  return sorted;
}

// The field `member` of the rows `order`, read while it is written: a copy of a large table would need new memory,
// which costs more than reading.
template <class T>
NamedTensor read_in_order(const char* name, embedding::TableSnapshot& rows, std::span<T> embedding::RowsOut::*member,
                          const std::vector<int32_t>& order, int64_t width) {
  const auto count = std::ssize(order);
  constexpr bool kIsAccess = std::is_same_v<T, embedding::AccessStatistics>;
  using Element = std::conditional_t<kIsAccess, int32_t, T>;
  return {name,
          {nullptr, DTypeOf<Element>::value, {count, kIsAccess ? 2 : width}},
          [&rows, &order, member, width](int64_t first, int64_t rows_wanted, void* to) {
            embedding::RowsOut out{};
            out.*member = {static_cast<T*>(to), static_cast<size_t>(rows_wanted * width)};
            rows.read(std::span(order).subspan(first, rows_wanted), out);
          }};
}

// The field `member` of all rows, in the order of their indices.
template <class T>
embedding::Buffer<T> read_all(embedding::TableSnapshot& rows, std::span<T> embedding::RowsOut::*member) {
  constexpr int64_t kPiece = 1 << 14;
  embedding::Buffer<T> all;
  all.resize(rows.rows());
  std::vector<int32_t> numbers(std::min(kPiece, rows.rows()));
  std::iota(numbers.begin(), numbers.end(), 0);
  for (int64_t first = 0; first < rows.rows(); first += kPiece) {
    const size_t count = std::min(kPiece, rows.rows() - first);
    embedding::RowsOut out{};
    out.*member = all.span().subspan(first, count);
    rows.read(std::span(numbers).first(count), out);
    for (int32_t& number : numbers) number += static_cast<int32_t>(kPiece);
  }
  return all;
}

// With `since`, writes only the rows that were trained after that number of table updates.
WrittenFile write_table(const std::string& folder, const embedding::RowTables& tables, int index,
                        embedding::TableSnapshot& rows, bool state, std::optional<int64_t> since = {}) {
  const embedding::TableSpec& spec = tables.spec(index);
  const dist::Communicator& communicator = tables.communicator();
  const int64_t dim = spec.dim, width = spec.optimizer.state_width(dim);
  std::vector<int64_t> present;
  const ByPartition sorted = [&] {
    const embedding::Buffer<int64_t> keys = read_all(rows, &embedding::RowsOut::keys);
    const embedding::Buffer<embedding::AccessStatistics> accesses =
        since ? read_all(rows, &embedding::RowsOut::accesses) : embedding::Buffer<embedding::AccessStatistics>();
    if (since && spec.max_rows > 0) present.assign(keys.span().begin(), keys.span().end());
    return by_partition(tables.layout(), index, communicator.rank(), keys.span(), accesses.span(), since);
  }();
  const auto of = [](const std::vector<int64_t>& all) {
    return TensorView{const_cast<int64_t*>(all.data()), DType::kInt64, {std::ssize(all)}};
  };
  std::vector<NamedTensor> named = {{"keys", of(sorted.keys)},
                                    {"partitions", of(sorted.begin)},
                                    read_in_order("values", rows, &embedding::RowsOut::values, sorted.order, dim)};
  if (state) {
    if (width > 0) named.push_back(read_in_order("state", rows, &embedding::RowsOut::state, sorted.order, width));
    named.push_back(read_in_order("uses", rows, &embedding::RowsOut::accesses, sorted.order, 1));
  }
  if (since && spec.max_rows > 0) {
    std::ranges::sort(present);
    named.push_back({"present", of(present)});
  }
  const std::string file = "tables/" + file_name(spec.name) + shard_suffix(communicator.rank(), communicator.size());
  return write_file(folder, file, std::move(named),
                    {{"table", spec.name},
                     {"dim", std::to_string(dim)},
                     {"partitions", std::to_string(tables.layout().map().partitions())}});
}

// Names the parts of a flat buffer that is laid out like the parameters.
std::vector<NamedTensor> named_parts(const ParameterStore& parameters, const Tensor& buffer,
                                     const std::string& prefix) {
  std::vector<NamedTensor> tensors;
  for (const ParameterStore::Entry& e : parameters.entries())
    tensors.push_back({prefix + e.name, ParameterStore::part(e, buffer)});
  return tensors;
}

WrittenFile write_dense(const std::string& folder, const ParameterStore& parameters, const Tensor& values) {
  return write_file(folder, kDense, named_parts(parameters, values, ""), {{"format", "polyscene"}});
}

WrittenFile write_optimizer(const std::string& folder, const ParameterStore& parameters, const DenseState& state) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, values] : state.values) {
    const std::vector<NamedTensor> parts = named_parts(parameters, values, name + "/");
    tensors.insert(tensors.end(), parts.begin(), parts.end());
  }
  return write_file(folder, kOptimizer, std::move(tensors), {{"steps", std::to_string(state.steps)}});
}

WrittenFile write_config(const std::string& folder, const config::Experiment& experiment) {
  const std::string path = folder + "/config.pbtxt";
  write_text_file(path, to_text(experiment));
  return {.name = "config.pbtxt", .hash = hash_file(path)};
}

// Writes the text files: configuration and scenario names.
void write_texts(const std::string& folder, const config::Experiment& experiment, const ScenarioNames& names,
                 std::vector<WrittenFile>& files) {
  files.push_back(write_config(folder, experiment));
  if (names.empty()) return;
  const std::string path = folder + "/" + kScenarios;
  write_text_file(path, names.to_json());
  files.push_back({.name = kScenarios, .hash = hash_file(path)});
}

// Rows are loaded in pieces, so that loading needs no memory beyond the loaded rows. Returns how many rows of this rank
// had no place.
int64_t load_table(const std::vector<std::string>& folders, int index, embedding::RowTables& tables,
                   const PartsToRead& parts) {
  const embedding::TableSpec& spec = tables.spec(index);
  const SavedTable saved(folders, spec.name);
  const int64_t width = spec.optimizer.state_width(spec.dim);
  require<DataError>(saved.dim() == spec.dim && (!parts.state || saved.state_width() == width),
                     "[checkpoint] wanted rows of table \"", spec.name, "\" with ", spec.dim, " values",
                     parts.state ? str(" and ", width, " floats of the optimiser's state") : "", ", ", saved.folder(),
                     " has ", saved.dim(), parts.state ? str(" and ", saved.state_width()) : "",
                     "; was the model trained with another configuration?");
  const auto* wanted = parts.wanted == nullptr ? nullptr : &(*parts.wanted)[index];
  if (wanted == nullptr)
    tables.expect_rows(index, saved.rows_of_rank(tables.layout().map(), tables.communicator().rank()));
  int64_t dropped = 0;
  saved.visit_rank(tables.layout(), index, tables.communicator().rank(), parts.state, wanted,
                   [&](const embedding::RowsIn& rows) { dropped += tables.load_rows(index, rows).dropped; });
  return dropped;
}

// Fills a flat buffer that is laid out like the parameters.
void load_parts(const SafetensorsFile& file, const std::string& path, const ParameterStore& parameters,
                const std::string& prefix, const Tensor& buffer) {
  for (const ParameterStore::Entry& e : parameters.entries()) {
    const TensorView saved = typed_tensor<float>(file, path, prefix + e.name);
    require<DataError>(saved.shape == e.data.shape, "[checkpoint] ", path, ": tensor \"", prefix, e.name,
                       "\" has shape ", saved.shape, ", the configured model wants ", e.data.shape,
                       "; was the model trained with another configuration?");
    std::ranges::copy(saved.elements<const float>(), ParameterStore::part(e, buffer).elements<float>().begin());
  }
}

void load_optimizer(const std::string& folder, const ModelState& model) {
  const std::string path = folder + "/" + kOptimizer;
  const SafetensorsFile file(path);
  DenseState state = model.dense_update->state();
  for (const auto& [name, values] : state.values) load_parts(file, path, model.parameters, name + "/", values);
  state.steps = saved_optimizer_steps(file, path);
  model.dense_update->set_state(state);
}

}  // namespace

int64_t saved_optimizer_steps(const SafetensorsFile& file, const std::string& path) {
  const auto text = file.metadata().find("steps");
  const std::string said = text == file.metadata().end() ? "" : text->second;
  const std::optional<int64_t> steps = whole_number<int64_t>(said);
  require<DataError>(steps && *steps >= 0, "[checkpoint] ", path,
                     ": wanted metadata \"steps\", a number of at least 0, got \"", said,
                     "\"; the file is damaged, take another checkpoint");
  return *steps;
}

ScenarioNames read_scenario_names(const std::string& folder) {
  const std::string path = folder + "/" + kScenarios;
  std::error_code error;
  if (!fs::exists(path, error)) return ScenarioNames();
  const MappedFile file(path);
  return ScenarioNames::from_json({file.bytes().data(), file.bytes().size()}, path);
}

std::vector<WrittenFile> write_parts(const std::string& folder, const config::Experiment& experiment,
                                     const ModelState& model) {
  std::vector<WrittenFile> files;
  if (model.communicator.rank() == 0) {
    files.push_back(write_dense(folder, model.parameters, model.parameters.host_values()));
    write_texts(folder, experiment, model.scenario_names, files);
  }
  embedding::RowTables& tables = model.tables;
  for (int t = 0; t < tables.tables(); ++t) files.push_back(write_table(folder, tables, t, *tables.snapshot(t), false));
  return files;
}

ModelCopy copy_model(const ModelState& model) {
  ModelCopy copy;
  model.scenario_names.share(model.communicator);
  if (model.communicator.rank() == 0) {
    copy.scenarios = model.scenario_names;
    copy.dense = model.parameters.host_values().clone();
    copy.optimizer = model.dense_update->state();
  }
  for (int t = 0; t < model.tables.tables(); ++t) copy.tables.push_back(model.tables.snapshot(t));
  return copy;
}

std::vector<WrittenFile> write_copy(const std::string& folder, const config::Experiment& experiment,
                                    const ModelState& model, ModelCopy copy, std::optional<int64_t> since) {
  std::vector<WrittenFile> files;
  if (model.communicator.rank() == 0) {
    files.push_back(write_dense(folder, model.parameters, copy.dense));
    files.push_back(write_optimizer(folder, model.parameters, copy.optimizer));
    write_texts(folder, experiment, copy.scenarios, files);
  }
  for (int t = 0; t < model.tables.tables(); ++t) {
    embedding::TableSnapshot& rows = *copy.tables[t];
    files.push_back(write_table(folder, model.tables, t, rows, true, since));
    rows.release();
  }
  return files;
}

std::vector<int64_t> read_parts(const std::vector<std::string>& folders, const ModelState& model,
                                const PartsToRead& parts) {
  const std::string& newest = folders.front();
  const std::string path = newest + "/" + kDense;
  const Tensor values = model.parameters.host_values();
  load_parts(SafetensorsFile(path), path, model.parameters, "", values);
  model.parameters.set_values(values);
  if (parts.state) load_optimizer(newest, model);
  model.scenario_names = read_scenario_names(newest);
  std::vector<int64_t> dropped;
  for (int t = 0; t < model.tables.tables(); ++t) dropped.push_back(load_table(folders, t, model.tables, parts));
  return dropped;
}

void warn_of_dropped(std::vector<int64_t> dropped, const std::string& folder, const ModelState& model) {
  model.communicator.all_reduce<int64_t>(dropped);
  if (model.communicator.rank() != 0) return;
  for (size_t t = 0; t < dropped.size(); ++t) {
    const embedding::TableSpec& spec = model.tables.spec(static_cast<int>(t));
    if (dropped[t] > 0)
      warn(str("[checkpoint] dropped ", dropped[t], " rows of table \"", spec.name, "\" of ", folder,
               ": its max_rows, ", spec.max_rows, ", is too small for them; raise it to the model's max_rows"));
  }
}

}  // namespace polyscene::core
