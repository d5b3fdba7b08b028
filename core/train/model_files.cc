#include "core/train/model_files.h"

#include <fcntl.h>
#include <glog/logging.h>

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

void save_table(const std::string& folder, RowTables& tables, int index) {
  const TableSpec& spec = tables.spec(index);
  const Communicator& communicator = tables.communicator();
  const int64_t count = tables.rows(index), dim = spec.dim;
  Tensor keys(DType::kInt64, {count}), values(DType::kFloat32, {count, dim});
  tables.read_rows(index, {keys.elements<int64_t>(), values.elements<float>()});
  write_safetensors(folder + "/" + file_name(spec.name) + shard_suffix(communicator.rank(), communicator.size()),
                    {{"keys", keys.view()}, {"values", values.view()}},
                    {{"table", spec.name}, {"dim", std::to_string(dim)}});
}

void save_dense(const std::string& folder, const ParameterStore& parameters) {
  const Tensor values = parameters.host_values();
  std::vector<NamedTensor> tensors;
  for (const ParameterStore::Entry& e : parameters.entries())
    tensors.push_back({e.name, ParameterStore::part(e, values)});
  write_safetensors(folder + "/dense.safetensors", std::move(tensors), {{"format", "polyscene"}});
}

// Runs `work` and makes all ranks fail when one does, the failing one with its own error, the others with its words.
template <class F>
void together(Communicator& communicator, F work) {
  std::exception_ptr failure;
  std::string reason;
  try {
    work();
  } catch (const std::exception& error) {
    failure = std::current_exception();
    reason = str("\n  rank ", communicator.rank(), ": ", error.what());
  }
  const std::vector<char> reasons = communicator.all_gather_v<char>(std::span<const char>(reason));
  if (failure) std::rethrow_exception(failure);
  require<DataError>(reasons.empty(), "[train] rank ", communicator.rank(),
                     " stopped because another could not write its part of the model:",
                     std::string_view(reasons.data(), reasons.size()));
}

void check(const std::error_code& error, const char* step, const std::string& path) {
  require<DataError>(!error, "[train] cannot ", step, " ", path, ": ", error.message(),
                     "; choose an --output that you may write to, with space left");
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  check(error, "make the folder", path);
}

void remove_folder(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  check(error, "remove", path);
}

void move_folder(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  check(error, "move a finished model to", to);
}

// Whoever looks sees the earlier model or the new one, whole. Network file systems may know no exchange: then there is
// none for a moment.
void put_in_place(const std::string& aside, const std::string& folder, const std::string& previous) {
  const bool exchanged = ::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0;
  const std::string& old = exchanged ? aside : folder;
  if (previous.empty()) {
    remove_folder(old);
  } else {
    move_folder(old, previous);
  }
  if (!exchanged) move_folder(aside, folder);
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
  require<DataError>(!error, "[train] cannot list ", folder, ": ", error.message(),
                     "; is the model's folder complete and readable?");
  std::ranges::sort(shards, {}, &Shard::rank);
  return shards;
}

template <class T>
TensorView typed_tensor(const SafetensorsFile& file, const std::string& path, const std::string& tensor) {
  const TensorView found = file.tensor(tensor);
  constexpr DType kWanted = DTypeOf<T>::value;
  require<DataError>(found.dtype == kWanted, "[train] ", path, ": wanted tensor \"", tensor, "\" of type ",
                     name(kWanted), ", got ", name(found.dtype), "; convert it as it was when training wrote it");
  return found;
}

void load_table(const std::string& folder, int index, RowTables& tables) {
  const std::string& name = tables.layout().name(index);
  const int64_t dim = tables.layout().dim(tables.layout().group_of(index));
  const std::vector<Shard> shards = find_shards(folder, name);
  require<DataError>(!shards.empty(), "[train] wanted rows of table \"", name, "\" in ", folder, ", there is no ",
                     file_name(name), "-*.safetensors; was the model trained with another configuration?");
  const auto wanted = static_cast<size_t>(shards[0].ranks);
  const bool of_one_model =
      std::ranges::all_of(shards, [&](const Shard& shard) { return shard.ranks == shards[0].ranks; });
  require<DataError>(of_one_model && shards.size() == wanted, "[train] wanted ", wanted, " files of table \"", name,
                     "\" in ", folder, ", found ", shards.size(),
                     of_one_model ? "" : " of models of other numbers of ranks too",
                     "; the folder was copied in part, copy the whole model");
  for (const Shard& shard : shards) {
    const SafetensorsFile file(shard.path);
    const TensorView keys = typed_tensor<int64_t>(file, shard.path, "keys");
    const TensorView values = typed_tensor<float>(file, shard.path, "values");
    require<DataError>(values.shape == Shape{keys.shape.elements(), dim}, "[train] ", shard.path,
                       ": wanted values of shape [", keys.shape.elements(), ", ", dim, "], got ", values.shape,
                       "; was the model trained with another configuration?");
    const RowTables::Loaded loaded =
        tables.load_rows(index, {keys.elements<const int64_t>(), values.elements<const float>()});
    if (loaded.dropped > 0)
      LOG(WARNING) << "[train] rank " << tables.communicator().rank() << " dropped " << loaded.dropped
                   << " rows of table \"" << name << "\" from " << shard.path << ": its max_rows, "
                   << tables.spec(index).max_rows << ", has no place for them; raise it to that of the model";
  }
}

}  // namespace

void save_model(const std::string& folder, const config::Experiment& experiment, Session& session,
                const std::string& previous) {
  Communicator& communicator = session.communicator();
  const bool leads = communicator.rank() == 0;
  const std::string aside = folder + ".partial";
  together(communicator, [&] {
    if (!leads) return;
    remove_folder(aside);
    make_folder(aside + "/tables");
  });
  together(communicator, [&] {
    if (leads) {
      save_dense(aside, session.parameters());
      write_text_file(aside + "/config.pbtxt", to_text(experiment));
    }
    for (int t = 0; t < session.tables().tables(); ++t) save_table(aside + "/tables", session.tables(), t);
  });
  together(communicator, [&] {
    if (leads) put_in_place(aside, folder, previous);
  });
}

void load_model(const std::string& folder, Session& session) {
  const std::string path = folder + "/dense.safetensors";
  const SafetensorsFile dense(path);
  const Tensor values = session.parameters().host_values();
  for (const ParameterStore::Entry& e : session.parameters().entries()) {
    const TensorView saved = typed_tensor<float>(dense, path, e.name);
    require<DataError>(saved.shape == e.data.shape, "[train] ", path, ": tensor \"", e.name, "\" has shape ",
                       saved.shape, ", the configured model wants ", e.data.shape,
                       "; was the model trained with another configuration?");
    std::ranges::copy(saved.elements<const float>(), ParameterStore::part(e, values).elements<float>().begin());
  }
  session.parameters().set_values(values);
  for (int t = 0; t < session.tables().tables(); ++t) load_table(folder + "/tables", t, session.tables());
}

}  // namespace polyscene
