#include "core/train/model_files.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/config/load.h"
#include "core/export/safetensors.h"
#include "core/train/text_file.h"

namespace polyscene {
namespace fs = std::filesystem;
namespace {

// Tables are named by users: anything but letters, digits, '.', '_' and '-' is written as %XX.
std::string file_name(const std::string& table) {
  std::string out;
  for (const char c : table) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
    char hex[4];
    std::snprintf(hex, sizeof(hex), "%%%02X", static_cast<unsigned char>(c));
    out += plain ? std::string(1, c) : hex;
  }
  return out;
}

std::string shard_suffix(int rank, int ranks) {
  char text[48];
  std::snprintf(text, sizeof(text), "-%05d-of-%05d.safetensors", rank, ranks);
  return text;
}

void save_table(const std::string& folder, const HashedTable& table, const Communicator& communicator) {
  const std::vector<int32_t> rows = table.rows_by_key();
  const auto count = static_cast<int64_t>(rows.size());
  const int64_t dim = table.spec().dim;
  Tensor keys(DType::kInt64, {count}), values(DType::kFloat32, {count, dim});
  std::vector<float> state(static_cast<size_t>(count * table.state_width()));
  table.read_rows(rows, keys.elements<int64_t>(), values.elements<float>(), state);
  write_safetensors(folder + "/" + file_name(table.spec().name) + shard_suffix(communicator.rank(), communicator.size()),
                    {{"keys", keys.view()}, {"values", values.view()}},
                    {{"table", table.spec().name}, {"dim", std::to_string(dim)}});
}

// Shards of a save by another number of ranks would be read beside the new ones.
void remove_stale_shards(const std::string& folder, int ranks) {
  const std::string keep = shard_suffix(0, ranks).substr(6);  // "-of-NNNNN.safetensors"
  for (const auto& file : fs::directory_iterator(folder))
    if (!file.path().filename().string().ends_with(keep)) fs::remove(file.path());
}

void save_dense(const std::string& folder, const ParameterStore& parameters) {
  std::vector<NamedTensor> tensors;
  for (const ParameterStore::Entry& e : parameters.entries()) tensors.push_back({e.name, e.data});
  write_safetensors(folder + "/dense.safetensors", std::move(tensors), {{"format", "polyscene"}});
}

// Runs `work` and makes all ranks fail when one does, the failing one with its own error.
template <class F>
void together(Communicator& communicator, F work) {
  std::exception_ptr failure;
  int32_t failed = 0;
  try {
    work();
  } catch (...) {
    failure = std::current_exception();
    failed = 1;
  }
  communicator.all_reduce<int32_t>({&failed, 1}, ReduceOp::kMax);
  if (failure) std::rethrow_exception(failure);
  require<DataError>(failed == 0, "[train] rank ", communicator.rank(),
                     ": another rank could not write its part of the model; its message says why");
}

void load_table(const std::string& folder, int index, ShardedTables& tables) {
  const std::string& name = tables.layout().name(index);
  const int64_t dim = tables.layout().dim(tables.layout().group_of(index));
  std::vector<std::string> shards;
  const std::string prefix = file_name(name) + "-";
  for (const auto& file : fs::directory_iterator(folder)) {
    const std::string base = file.path().filename().string();
    if (base.starts_with(prefix) && base.size() == prefix.size() + shard_suffix(0, 1).size() - 1)
      shards.push_back(file.path().string());
  }
  std::ranges::sort(shards);
  require<DataError>(!shards.empty(), "[train] wanted rows of table \"", name, "\" in ", folder, ", there is no ", prefix,
                     "*.safetensors; was the model trained with another configuration?");
  const auto expected = std::stoul(shards[0].substr(shards[0].size() - 17, 5));
  require<DataError>(shards.size() == expected, "[train] wanted ", expected, " files of table \"", name, "\" in ", folder,
                     ", found ", shards.size(), "; the model is incomplete");
  for (const std::string& path : shards) {
    const SafetensorsFile file(path);
    const TensorView keys = file.tensor("keys"), values = file.tensor("values");
    require<DataError>(values.shape == Shape{keys.shape.elements(), dim}, "[train] ", path, ": wanted values of shape [",
                       keys.shape.elements(), ", ", dim, "], got ", values.shape);
    tables.load_rows(index, keys.elements<const int64_t>(), values.elements<const float>(), {});
  }
}

}  // namespace

void save_model(const std::string& folder, const config::Experiment& experiment, Session& session) {
  Communicator& communicator = session.communicator();
  together(communicator, [&] {
    if (communicator.rank() != 0) return;
    fs::create_directories(folder + "/tables");
    remove_stale_shards(folder + "/tables", communicator.size());
    save_dense(folder, session.parameters());
    write_text_file(folder + "/config.pbtxt", to_text(experiment));
  });
  together(communicator, [&] {
    for (int t = 0; t < session.tables().tables(); ++t)
      save_table(folder + "/tables", session.tables().table(t), communicator);
  });
}

void load_model(const std::string& folder, Session& session) {
  const SafetensorsFile dense(folder + "/dense.safetensors");
  for (const ParameterStore::Entry& e : session.parameters().entries()) {
    const TensorView saved = dense.tensor(e.name);
    require<DataError>(saved.shape == e.data.shape, "[train] ", folder, "/dense.safetensors: tensor \"", e.name,
                       "\" has shape ", saved.shape, ", the configured model wants ", e.data.shape);
    std::ranges::copy(saved.elements<const float>(), e.data.elements<float>().begin());
  }
  for (int t = 0; t < session.tables().tables(); ++t) load_table(folder + "/tables", t, session.tables());
}

}  // namespace polyscene
