#include "core/checkpoint/model_parts.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "core/config/load.h"
#include "core/export/safetensors.h"
#include "core/models/file_name.h"
#include "core/train/text_file.h"

namespace polyscene {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDense = "dense.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";

std::string shard_suffix(int rank, int ranks) {
  char text[48];
  std::snprintf(text, sizeof(text), "-%05d-of-%05d.safetensors", rank, ranks);
  return text;
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
  std::string file = "tables/" + file_name(spec.name) + shard_suffix(communicator.rank(), communicator.size());
  const FileHash hash =
      write_safetensors(folder + "/" + file, std::move(named), {{"table", spec.name}, {"dim", std::to_string(dim)}});
  return {std::move(file), hash};
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
  return {kDense,
          write_safetensors(folder + "/" + kDense, named_parts(parameters, values, ""), {{"format", "polyscene"}})};
}

WrittenFile write_optimizer(const std::string& folder, const ParameterStore& parameters, const DenseState& state) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, values] : state.values) {
    const std::vector<NamedTensor> parts = named_parts(parameters, values, name + "/");
    tensors.insert(tensors.end(), parts.begin(), parts.end());
  }
  return {kOptimizer,
          write_safetensors(folder + "/" + kOptimizer, std::move(tensors), {{"steps", std::to_string(state.steps)}})};
}

WrittenFile write_config(const std::string& folder, const config::Experiment& experiment) {
  const std::string path = folder + "/config.pbtxt";
  write_text_file(path, to_text(experiment));
  return {"config.pbtxt", hash_file(path)};
}

struct Shard {
  int rank = 0, ranks = 0;
  std::string path;
};

// The files of a table, by rank.
std::vector<Shard> find_shards(const std::string& folder, const std::string& table) {
  const std::string prefix = file_name(table);
  std::vector<Shard> shards;
  std::error_code error;
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator(); file.increment(error)) {
    const std::string name = file->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const std::string suffix = name.substr(prefix.size());
    Shard shard{.path = file->path().string()};
    if (std::sscanf(suffix.c_str(), "-%5d-of-%5d", &shard.rank, &shard.ranks) != 2) continue;
    if (suffix == shard_suffix(shard.rank, shard.ranks)) shards.push_back(std::move(shard));
  }
  require<DataError>(!error, "[checkpoint] cannot list ", folder, ": ", error.message(),
                     "; is the model's folder complete and readable?");
  std::ranges::sort(shards, {}, &Shard::rank);
  return shards;
}

template <class T>
TensorView typed_tensor(const SafetensorsFile& file, const std::string& path, const std::string& tensor) {
  const TensorView found = file.tensor(tensor);
  constexpr DType kWanted = DTypeOf<T>::value;
  require<DataError>(found.dtype == kWanted, "[checkpoint] ", path, ": wanted tensor \"", tensor, "\" of type ",
                     name(kWanted), ", got ", name(found.dtype), "; convert it as it was when training wrote it");
  return found;
}

// The rows of this rank's partitions, where the file knows them; else all rows, of which some are others'.
struct RowRange {
  int64_t begin, end;
};

RowRange own_rows(const SafetensorsFile& file, const std::string& path, const RowTables& tables, int64_t rows) {
  const PartitionMap& map = tables.layout().map();
  const int rank = tables.communicator().rank();
  if (!file.contains("partitions")) return {0, rows};
  const auto begin = typed_tensor<int64_t>(file, path, "partitions").elements<const int64_t>();
  if (static_cast<int64_t>(begin.size()) != map.partitions() + 1) return {0, rows};
  require<DataError>(std::ranges::is_sorted(begin) && begin.front() == 0 && begin.back() == rows, "[checkpoint] ", path,
                     ": wanted rows in front of each partition, ascending from 0 to ", rows,
                     ", got others; the file is damaged");
  return {begin[static_cast<size_t>(map.first_partition(rank))],
          begin[static_cast<size_t>(map.first_partition(rank + 1))]};
}

template <class T>
std::span<const T> rows_of(const SafetensorsFile& file, const std::string& path, const std::string& tensor,
                           const Shape& shape, const RowRange& range) {
  const TensorView found = typed_tensor<T>(file, path, tensor);
  require<DataError>(found.shape == shape, "[checkpoint] ", path, ": wanted ", tensor, " of shape ", shape, ", got ",
                     found.shape, "; was the model trained with another configuration?");
  const int64_t width = shape.rank() == 1 ? 1 : shape[1];
  return found.elements<const T>().subspan(static_cast<size_t>(range.begin * width),
                                           static_cast<size_t>((range.end - range.begin) * width));
}

// Keys and values alone.
SavedRows wanted_rows(const RowsIn& all, int64_t dim, const std::vector<int64_t>& wanted) {
  SavedRows rows;
  for (size_t i = 0; i < all.keys.size(); ++i) {
    if (!std::ranges::binary_search(wanted, all.keys[i])) continue;
    rows.keys.push_back(all.keys[i]);
    const auto values = all.values.subspan(i * static_cast<size_t>(dim), static_cast<size_t>(dim));
    rows.values.insert(rows.values.end(), values.begin(), values.end());
  }
  return rows;
}

RowsIn rows_in(const SafetensorsFile& file, const std::string& path, int index, const RowTables& tables,
               const PartsToRead& parts) {
  const TableSpec& spec = tables.spec(index);
  const int64_t rows = typed_tensor<int64_t>(file, path, "keys").shape.elements(),
                width = spec.optimizer.state_width(spec.dim);
  const RowRange range = own_rows(file, path, tables, rows);
  RowsIn in{.keys = rows_of<int64_t>(file, path, "keys", {rows}, range),
            .values = rows_of<float>(file, path, "values", {rows, spec.dim}, range)};
  if (parts.state) {
    if (width > 0) in.state = rows_of<float>(file, path, "state", {rows, width}, range);
    const std::span<const int32_t> uses = rows_of<int32_t>(file, path, "uses", {rows, 2}, range);
    in.uses = {reinterpret_cast<const RowUse*>(uses.data()), uses.size() / 2};
  }
  return in;
}

void load_into(RowTables& tables, int index, const RowsIn& rows, const std::string& path) {
  const RowTables::Loaded loaded = tables.load_rows(index, rows);
  if (loaded.dropped > 0)
    LOG(WARNING) << "[checkpoint] rank " << tables.communicator().rank() << " dropped " << loaded.dropped
                 << " rows of table \"" << tables.spec(index).name << "\" from " << path << ": its max_rows, "
                 << tables.spec(index).max_rows << ", has no place for them; raise it to that of the model";
}

// All files of a table.
std::vector<Shard> whole_table(const std::string& folder, const std::string& name) {
  std::vector<Shard> shards = find_shards(folder, name);
  require<DataError>(!shards.empty(), "[checkpoint] wanted rows of table \"", name, "\" in ", folder, ", there is no ",
                     file_name(name), "-*.safetensors; was the model trained with another configuration?");
  const auto wanted = static_cast<size_t>(shards[0].ranks);
  const bool of_one_model =
      std::ranges::all_of(shards, [&](const Shard& shard) { return shard.ranks == shards[0].ranks; });
  require<DataError>(of_one_model && shards.size() == wanted, "[checkpoint] wanted ", wanted, " files of table \"",
                     name, "\" in ", folder, ", found ", shards.size(),
                     of_one_model ? "" : " of models of other numbers of ranks too",
                     "; the folder was copied in part, copy the whole model");
  return shards;
}

void load_table(const std::string& folder, int index, RowTables& tables, const PartsToRead& parts) {
  for (const Shard& shard : whole_table(folder, tables.layout().name(index))) {
    const SafetensorsFile file(shard.path);
    RowsIn in = rows_in(file, shard.path, index, tables, parts);
    SavedRows chosen;
    if (parts.wanted != nullptr) {
      chosen = wanted_rows(in, tables.spec(index).dim, (*parts.wanted)[static_cast<size_t>(index)]);
      in = chosen.view();
    }
    load_into(tables, index, in, shard.path);
  }
}

// A row's newest version, of those that were not forgotten until the newest folder was written.
void load_table_of_chain(const std::vector<std::string>& folders, int index, RowTables& tables,
                         const PartsToRead& parts) {
  const std::string& name = tables.layout().name(index);
  std::optional<std::unordered_set<int64_t>> present;
  std::unordered_set<int64_t> taken;
  SavedRows rows;
  for (const std::string& folder : folders)
    for (const Shard& shard : whole_table(folder + "/tables", name)) {
      const SafetensorsFile file(shard.path);
      if (folder == folders.front() && file.contains("present")) {
        const auto keys = typed_tensor<int64_t>(file, shard.path, "present").elements<const int64_t>();
        if (!present) present.emplace();
        present->insert(keys.begin(), keys.end());
      }
    }
  for (const std::string& folder : folders)
    for (const Shard& shard : whole_table(folder + "/tables", name)) {
      const SafetensorsFile file(shard.path);
      const RowsIn in = rows_in(file, shard.path, index, tables, parts);
      const size_t dim = in.values.size() / std::max<size_t>(in.keys.size(), 1),
                   width = in.state.size() / std::max<size_t>(in.keys.size(), 1);
      for (size_t i = 0; i < in.keys.size(); ++i) {
        if ((present && !present->contains(in.keys[i])) || !taken.insert(in.keys[i]).second) continue;
        const auto values = in.values.subspan(i * dim, dim), state = in.state.subspan(i * width, width);
        rows.keys.push_back(in.keys[i]);
        rows.values.insert(rows.values.end(), values.begin(), values.end());
        rows.state.insert(rows.state.end(), state.begin(), state.end());
        if (!in.uses.empty()) rows.uses.push_back(in.uses[i]);
      }
    }
  load_into(tables, index, rows.view(), folders.front());
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
  const auto steps = file.metadata().find("steps");
  require<DataError>(steps != file.metadata().end() && std::sscanf(steps->second.c_str(), "%ld", &state.steps) == 1,
                     "[checkpoint] ", path, ": wanted the number of steps in its metadata; the file is damaged");
  session.dense_update().set_state(state);
}

}  // namespace

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
  for (int t = 0; t < session.tables().tables(); ++t)
    if (folders.size() == 1)
      load_table(newest + "/tables", t, session.tables(), parts);
    else
      load_table_of_chain(folders, t, session.tables(), parts);
}

std::vector<std::string> saved_tables(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator file(folder + "/tables", error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    if (file->path().extension() != ".safetensors") continue;
    const SafetensorsFile shard(file->path().string());
    if (const auto name = shard.metadata().find("table"); name != shard.metadata().end()) names.push_back(name->second);
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

int64_t saved_dim(const std::string& folder, const std::string& table) {
  const Shard shard = whole_table(folder + "/tables", table)[0];
  const TensorView values = typed_tensor<float>(SafetensorsFile(shard.path), shard.path, "values");
  require<DataError>(values.shape.rank() == 2, "[checkpoint] ", shard.path, ": wanted values [rows, dim], got ",
                     values.shape);
  return values.shape[1];
}

void visit_saved_rows(const std::string& folder, const std::string& table, int64_t dim,
                      const std::function<void(std::span<const int64_t>, std::span<const float>)>& visit) {
  for (const Shard& shard : whole_table(folder + "/tables", table)) {
    const SafetensorsFile file(shard.path);
    const int64_t rows = typed_tensor<int64_t>(file, shard.path, "keys").shape.elements();
    visit(rows_of<int64_t>(file, shard.path, "keys", {rows}, {0, rows}),
          rows_of<float>(file, shard.path, "values", {rows, dim}, {0, rows}));
  }
}

}  // namespace polyscene
