#include "core/checkpoint/model_parts.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <utility>

#include "core/checkpoint/saved_table.h"
#include "core/config/load.h"
#include "core/export/safetensors.h"
#include "core/models/file_name.h"
#include "core/train/text_file.h"

namespace polyscene {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDense = "dense.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";

WrittenFile write_file(const std::string& folder, const std::string& name, std::vector<NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  SafetensorsHashes hashes = write_safetensors(folder + "/" + name, std::move(tensors), metadata);
  return {name, hashes.file, std::move(hashes.tensors)};
}

// Numbers of the rows to write by (partition, key), and how many of them lie in front of each partition [partitions +
// 1].
struct ByPartition {
  std::vector<int32_t> order;
  std::vector<int64_t> begin;
};

// With `since`, of the rows that were trained after so many updates.
ByPartition by_partition(const TableLayout& layout, int index, const RowsIn& rows, std::optional<int64_t> since) {
  struct Place {
    int64_t key;
    int32_t partition, row;
  };
  const PartitionMap& map = layout.map();
  ByPartition sorted{.order = {}, .begin = std::vector<int64_t>(static_cast<size_t>(map.partitions()) + 1)};
  std::vector<Place> places;
  places.reserve(rows.keys.size());
  for (size_t row = 0; row < rows.keys.size(); ++row) {
    if (since && rows.uses[row].last_step <= *since) continue;
    const int partition = map.partition(key_hash(rows.keys[row], layout.salt(index)));
    ++sorted.begin[static_cast<size_t>(partition) + 1];
    places.push_back({rows.keys[row], partition, static_cast<int32_t>(row)});
  }
  std::partial_sum(sorted.begin.begin(), sorted.begin.end(), sorted.begin.begin());
  std::vector<int64_t> next = sorted.begin;
  std::vector<Place> grouped(places.size());
  for (const Place& place : places) grouped[static_cast<size_t>(next[static_cast<size_t>(place.partition)]++)] = place;
  for (size_t p = 0; p + 1 < sorted.begin.size(); ++p)
    std::sort(grouped.begin() + sorted.begin[p], grouped.begin() + sorted.begin[p + 1],
              [](const Place& x, const Place& y) { return x.key < y.key; });
  sorted.order.reserve(grouped.size());
  for (const Place& place : grouped) sorted.order.push_back(place.row);
  return sorted;
}

// rows[order[i]] at i; rows of `width` elements. They are gathered while they are written: a copy of a large table's
// would be new memory, which costs more than the gathering.
template <class T>
NamedTensor gathered(const char* name, std::span<const T> rows, const std::vector<int32_t>& order, int64_t width,
                     const Shape& shape) {
  return {name, {nullptr, DTypeOf<T>::value, shape}, [rows, &order, width](int64_t first, int64_t count, void* to) {
            constexpr int64_t kAhead = 16;
            T* next = static_cast<T*>(to);
            const auto end = static_cast<int64_t>(order.size());
            for (int64_t i = first; i < first + count; ++i) {
              if (i + kAhead < end)
                __builtin_prefetch(rows.data() + int64_t{order[static_cast<size_t>(i + kAhead)]} * width);
              next = std::copy_n(rows.data() + int64_t{order[static_cast<size_t>(i)]} * width, width, next);
            }
          }};
}

RowsCopy copy_table(RowTables& tables, int index, bool state) {
  const TableSpec& spec = tables.spec(index);
  const int64_t n = tables.rows(index);
  RowsCopy rows;
  rows.keys.resize(n);
  rows.values.resize(n * spec.dim);
  if (state) {
    rows.state.resize(n * spec.optimizer.state_width(spec.dim));
    rows.uses.resize(n);
  }
  tables.copy_rows(index, {rows.keys.span(), rows.values.span(), rows.state.span(), rows.uses.span()});
  return rows;
}

// Uses nothing of the tables that changes. With `since`, writes those that were trained after so many updates.
WrittenFile write_table(const std::string& folder, const RowTables& tables, int index, const RowsCopy& copy, bool state,
                        std::optional<int64_t> since = {}) {
  const TableSpec& spec = tables.spec(index);
  const Communicator& communicator = tables.communicator();
  const RowsIn rows{
      .keys = copy.keys.span(), .values = copy.values.span(), .state = copy.state.span(), .uses = copy.uses.span()};
  const int64_t dim = spec.dim, width = spec.optimizer.state_width(dim);
  const ByPartition sorted = by_partition(tables.layout(), index, rows, since);
  const auto count = static_cast<int64_t>(sorted.order.size());
  std::vector<NamedTensor> named = {gathered("keys", rows.keys, sorted.order, 1, {count}),
                                    gathered("values", rows.values, sorted.order, dim, {count, dim}),
                                    {"partitions", TensorView{const_cast<int64_t*>(sorted.begin.data()),
                                                              DType::kInt64,
                                                              {static_cast<int64_t>(sorted.begin.size())}}}};
  if (state) {
    if (width > 0) named.push_back(gathered("state", rows.state, sorted.order, width, {count, width}));
    const std::span<const int32_t> uses(reinterpret_cast<const int32_t*>(rows.uses.data()), 2 * rows.uses.size());
    named.push_back(gathered("uses", uses, sorted.order, 2, {count, 2}));
  }
  std::vector<int64_t> present;
  if (since && spec.max_rows > 0) {
    present.assign(rows.keys.begin(), rows.keys.end());
    std::ranges::sort(present);
    named.push_back({"present", TensorView{present.data(), DType::kInt64, {static_cast<int64_t>(present.size())}}});
  }
  const std::string file = "tables/" + file_name(spec.name) + shard_suffix(communicator.rank(), communicator.size());
  return write_file(folder, file, std::move(named), {{"table", spec.name}, {"dim", std::to_string(dim)}});
}

// The parts of a flat buffer like the parameters', by name.
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

// All rows pass through in pieces, so that loading takes no more memory than what is loaded.
void load_table(const std::vector<std::string>& folders, int index, RowTables& tables, const PartsToRead& parts) {
  const TableSpec& spec = tables.spec(index);
  const SavedTable saved(folders, spec.name);
  const int64_t width = spec.optimizer.state_width(spec.dim);
  require<DataError>(saved.dim() == spec.dim && (!parts.state || saved.state_width() == width),
                     "[checkpoint] wanted rows of table \"", spec.name, "\" with ", spec.dim, " values",
                     parts.state ? str(" and ", width, " floats of the optimiser's state") : "", ", ", saved.folder(),
                     " has ", saved.dim(), parts.state ? str(" and ", saved.state_width()) : "",
                     "; was the model trained with another configuration?");
  const auto* wanted = parts.wanted == nullptr ? nullptr : &(*parts.wanted)[static_cast<size_t>(index)];
  if (wanted == nullptr)
    tables.expect_rows(index, saved.rows_of_rank(tables.layout().map(), tables.communicator().rank()));
  int64_t dropped = 0;
  saved.visit_rank(tables.layout(), index, tables.communicator().rank(), parts.state, wanted,
                   [&](const RowsIn& rows) { dropped += tables.load_rows(index, rows).dropped; });
  if (dropped > 0)
    LOG(WARNING) << "[checkpoint] rank " << tables.communicator().rank() << " dropped " << dropped
                 << " rows of table \"" << spec.name << "\" of " << saved.folder() << ": its max_rows, "
                 << spec.max_rows << ", has no place for them; raise it to that of the model";
}

// Fills a flat buffer like the parameters'.
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

void load_optimizer(const std::string& folder, Session& session) {
  const std::string path = folder + "/" + kOptimizer;
  const SafetensorsFile file(path);
  DenseState state = session.dense_update().state();
  for (const auto& [name, values] : state.values) load_parts(file, path, session.parameters(), name + "/", values);
  state.steps = saved_optimizer_steps(file, path);
  session.dense_update().set_state(state);
}

}  // namespace

int64_t saved_optimizer_steps(const SafetensorsFile& file, const std::string& path) {
  int64_t steps = 0;
  const auto text = file.metadata().find("steps");
  require<DataError>(text != file.metadata().end() && std::sscanf(text->second.c_str(), "%ld", &steps) == 1,
                     "[checkpoint] ", path, ": wanted the number of steps in its metadata; the file is damaged");
  return steps;
}

std::vector<WrittenFile> write_parts(const std::string& folder, const config::Experiment& experiment,
                                     Session& session) {
  std::vector<WrittenFile> files;
  if (session.communicator().rank() == 0) {
    files.push_back(write_dense(folder, session.parameters(), session.parameters().host_values()));
    files.push_back(write_config(folder, experiment));
  }
  RowTables& tables = session.tables();
  for (int t = 0; t < tables.tables(); ++t)
    files.push_back(write_table(folder, tables, t, copy_table(tables, t, false), false));
  return files;
}

ModelCopy copy_model(Session& session) {
  ModelCopy copy;
  if (session.communicator().rank() == 0) {
    copy.dense = session.parameters().host_values().clone();
    copy.optimizer = session.dense_update().state();
  }
  for (int t = 0; t < session.tables().tables(); ++t) copy.tables.push_back(copy_table(session.tables(), t, true));
  return copy;
}

std::vector<WrittenFile> write_copy(const std::string& folder, const config::Experiment& experiment, Session& session,
                                    ModelCopy copy, std::optional<int64_t> since) {
  std::vector<WrittenFile> files;
  if (session.communicator().rank() == 0) {
    files.push_back(write_dense(folder, session.parameters(), copy.dense));
    files.push_back(write_optimizer(folder, session.parameters(), copy.optimizer));
    files.push_back(write_config(folder, experiment));
  }
  for (int t = 0; t < session.tables().tables(); ++t) {
    const RowsCopy rows = std::exchange(copy.tables[static_cast<size_t>(t)], {});
    files.push_back(write_table(folder, session.tables(), t, rows, true, since));
  }
  return files;
}

void read_parts(const std::vector<std::string>& folders, Session& session, const PartsToRead& parts) {
  const std::string& newest = folders.front();
  const std::string path = newest + "/" + kDense;
  const Tensor values = session.parameters().host_values();
  load_parts(SafetensorsFile(path), path, session.parameters(), "", values);
  session.parameters().set_values(values);
  if (parts.state) load_optimizer(newest, session);
  for (int t = 0; t < session.tables().tables(); ++t) load_table(folders, t, session.tables(), parts);
}

}  // namespace polyscene
