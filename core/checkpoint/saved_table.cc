#include "core/checkpoint/saved_table.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "core/files/file_name.h"
#include "core/files/mapped_file.h"
#include "core/text/whole_number.h"
#include "embedding/plan/partition_map.h"

namespace polyscene::core {
namespace fs = std::filesystem;
namespace {

// Enough rows to share among threads, few enough that they stay in cache together with what is built from them.
constexpr int64_t kPieceRows = int64_t{1} << 15;

struct Shard {
  int rank = 0, ranks = 0;
  std::string path;
};

// The files of a table, ordered by rank.
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
    const bool is_of_its_ranks = shard.rank >= 0 && shard.rank < shard.ranks;
    if (is_of_its_ranks && suffix == shard_suffix(shard.rank, shard.ranks)) shards.push_back(std::move(shard));
  }
  require<DataError>(!error, "[checkpoint] cannot list ", folder, ": ", error.message(),
                     "; is the model's folder complete and readable?");
  std::ranges::sort(shards, {}, &Shard::rank);
  return shards;
}

// All files of a table; checks that none is missing.
std::vector<Shard> whole_table(const std::string& folder, const std::string& name) {
  std::vector<Shard> shards = find_shards(folder, name);
  require<DataError>(!shards.empty(), "[checkpoint] wanted rows of table \"", name, "\" in ", folder, ", there is no ",
                     file_name(name), "-*.safetensors; was the model trained with another configuration?");
  const size_t wanted = shards[0].ranks;
  const bool of_one_model =
      std::ranges::all_of(shards, [&](const Shard& shard) { return shard.ranks == shards[0].ranks; });
  require<DataError>(of_one_model && shards.size() == wanted, "[checkpoint] wanted ", wanted, " files of table \"",
                     name, "\" in ", folder, ", found ", shards.size(),
                     of_one_model ? "" : ", some from models of another number of ranks",
                     "; the folder is incomplete, copy the whole model");
  return shards;
}

int64_t width_of(const SafetensorsFile& file, const std::string& path, const char* tensor) {
  const Shape shape = typed_tensor<float>(file, path, tensor).shape;
  require<DataError>(shape.rank() == 2, "[checkpoint] ", path, ": wanted ", tensor, " [rows, width], got ", shape);
  return shape[1];
}

// Number of the file's rows before each partition of all ranks, [partitions + 1]. A file lists the partitions of its
// rank; a file of an earlier version, whose metadata hold no number of partitions, lists all.
std::vector<int64_t> partition_begins(const SafetensorsFile& file, const std::string& path, int64_t rows, int rank,
                                      int ranks) {
  const std::span<const int64_t> listed = typed_tensor<int64_t>(file, path, "partitions").elements<const int64_t>();
  const bool ascending =
      !listed.empty() && std::ranges::is_sorted(listed) && listed.front() == 0 && listed.back() == rows;
  require<DataError>(ascending, "[checkpoint] ", path, ": wanted row offsets of the partitions, ascending from 0 to ",
                     rows, ", got others; the file is damaged");
  const auto said = file.metadata().find("partitions");
  if (said == file.metadata().end()) return {listed.begin(), listed.end()};
  const int partitions = whole_number<int>(said->second).value_or(0);
  require<DataError>(partitions >= ranks, "[checkpoint] ", path, ": wanted metadata \"partitions\" of at least ", ranks,
                     ", the number of its ranks, got \"", said->second, "\"; the file is damaged");
  const embedding::PartitionMap map(partitions, ranks);
  const size_t first = map.first_partition(rank), end = map.first_partition(rank + 1);
  require<DataError>(listed.size() == end - first + 1, "[checkpoint] ", path, ": wanted ", end - first + 1,
                     " numbers in \"partitions\", for the partitions of rank ", rank, " of ", ranks, ", got ",
                     listed.size(), "; the file is damaged");
  std::vector<int64_t> begins(partitions + 1, 0);
  std::ranges::copy(listed, begins.begin() + first);
  std::fill(begins.begin() + end, begins.end(), rows);
  return begins;
}

void expect(const embedding::RowsIn& rows) {
  expect_mapped(rows.keys.data(), rows.keys.size_bytes());
  expect_mapped(rows.values.data(), rows.values.size_bytes());
  expect_mapped(rows.state.data(), rows.state.size_bytes());
  expect_mapped(rows.accesses.data(), rows.accesses.size_bytes());
}

// Selected rows, copied into its own memory.
class Chosen {
 public:
  void clear() {
    rows_ = {};
    taken_.clear();
  }
  void add(const embedding::RowsIn& in, int64_t dim, int64_t width, const std::function<bool(int64_t key)>& wanted) {
    for (size_t i = 0; i < in.keys.size(); ++i) {
      if (!wanted(in.keys[i]) || !taken_.insert(in.keys[i]).second) continue;
      rows_.keys.push_back(in.keys[i]);
      append(rows_.values, in.values, i, dim);
      append(rows_.state, in.state, i, width);
      if (!in.accesses.empty()) rows_.accesses.push_back(in.accesses[i]);
    }
  }
  [[nodiscard]] embedding::RowsIn view() const { return rows_.view(); }

 private:
  static void append(std::vector<float>& to, std::span<const float> from, size_t row, int64_t width) {
    if (from.empty()) return;
    const auto begin = from.begin() + row * width;
    to.insert(to.end(), begin, begin + width);
  }
  embedding::SavedRows rows_;
  std::unordered_set<int64_t> taken_;
};

}  // namespace

std::string shard_suffix(int rank, int ranks) {
  char text[48];
  std::snprintf(text, sizeof(text), "-%05d-of-%05d.safetensors", rank, ranks);
  return text;
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

SavedTable::SavedTable(const std::vector<std::string>& folders, std::string name)
    : name_(std::move(name)), folder_(folders.front()), chain_(folders.size() > 1) {
  for (const std::string& folder : folders)
    for (const Shard& shard : whole_table(folder + "/tables", name_)) {
      open(shard.path, shard.rank, shard.ranks);
      files_.back().newest = folder == folder_;
      files_.back().whole = folder == folders.back();
    }
}

void SavedTable::open(const std::string& path, int rank, int ranks) {
  SafetensorsFile file(path);
  const int64_t rows = typed_tensor<int64_t>(file, path, "keys").shape.elements(), dim = width_of(file, path, "values"),
                width = file.contains("state") ? width_of(file, path, "state") : 0;
  if (files_.empty()) {
    dim_ = dim;
    state_width_ = width;
  }
  require<DataError>(dim == dim_ && width == state_width_, "[checkpoint] ", path, ": wanted rows of ", dim_,
                     " values and ", state_width_, " floats of state as in ", files_.empty() ? path : files_[0].path,
                     ", got ", dim, " and ", width, "; the files are of two models");
  File& added = files_.emplace_back(File{.path = path, .tensors = std::move(file), .rows = rows});
  if (added.tensors.contains("partitions")) added.begin = partition_begins(added.tensors, path, rows, rank, ranks);
}

int64_t SavedTable::rows() const {
  return std::accumulate(files_.begin(), files_.end(), int64_t{0},
                         [](int64_t sum, const File& file) { return sum + file.rows; });
}

int64_t SavedTable::rows_of_rank(const embedding::PartitionMap& map, int rank) const {
  const size_t from = map.first_partition(rank), to = map.first_partition(rank + 1);
  int64_t rows = 0;
  for (const File& file : files_)
    if (file.whole && file.begin.size() == static_cast<size_t>(map.partitions()) + 1)
      rows += file.begin[to] - file.begin[from];
  return rows;
}

template <class T>
std::span<const T> SavedTable::elements(const Part& part, const char* tensor, const Shape& shape) const {
  const TensorView found = typed_tensor<T>(part.file->tensors, part.file->path, tensor);
  require<DataError>(found.shape == shape, "[checkpoint] ", part.file->path, ": wanted ", tensor, " of shape ", shape,
                     ", got ", found.shape, "; was the model trained with another configuration?");
  const int64_t width = shape.rank() == 1 ? 1 : shape[1];
  return found.elements<const T>().subspan(part.first * width, part.count * width);
}

embedding::RowsIn SavedTable::rows_of(const Part& part, bool state) const {
  const int64_t rows = part.file->rows;
  embedding::RowsIn in{.keys = elements<int64_t>(part, "keys", {rows}),
                       .values = elements<float>(part, "values", {rows, dim_})};
  if (!state) return in;
  if (state_width_ > 0) in.state = elements<float>(part, "state", {rows, state_width_});
  const std::span<const int32_t> accesses = elements<int32_t>(part, "uses", {rows, 2});
  in.accesses = {reinterpret_cast<const embedding::AccessStatistics*>(accesses.data()), accesses.size() / 2};
  return in;
}

void SavedTable::visit(const Visit& visit) const {
  for (const File& file : files_)
    for (int64_t first = 0; first < file.rows; first += kPieceRows)
      visit(rows_of({&file, first, std::min(kPieceRows, file.rows - first)}, false));
}

// Keys of the rank by partition. Empty when the newest files list no `present` keys: then no row was evicted.
std::vector<std::vector<int64_t>> SavedTable::present_keys(const embedding::TableLayout& layout, int index,
                                                           int rank) const {
  std::vector<std::vector<int64_t>> present;
  const embedding::PartitionMap& map = layout.map();
  for (const File& file : files_) {
    if (!file.newest || !file.tensors.contains("present")) continue;
    present.resize(map.partitions());
    for (const int64_t key : typed_tensor<int64_t>(file.tensors, file.path, "present").elements<const int64_t>()) {
      const int partition = map.partition(embedding::key_hash(key, layout.salt(index)));
      if (map.owner(partition) == rank) present[partition].push_back(key);
    }
  }
  for (auto& keys : present) std::ranges::sort(keys);
  return present;
}

void SavedTable::visit_rank(const embedding::TableLayout& layout, int index, int rank, bool state,
                            const std::vector<int64_t>* wanted, const Visit& visit) const {
  const embedding::PartitionMap& map = layout.map();
  const size_t partitions = map.partitions();
  const auto present = present_keys(layout, index, rank);
  const bool chosen_ones = chain_ || wanted != nullptr;
  Chosen chosen;
  const auto is_wanted = [&](int64_t key) {
    if (wanted != nullptr && !std::ranges::binary_search(*wanted, key)) return false;
    return present.empty() ||
           std::ranges::binary_search(present[map.partition(embedding::key_hash(key, layout.salt(index)))], key);
  };
  // `parts`: those of one piece, the newest first.
  const auto give = [&](const std::vector<Part>& parts) {
    if (!chosen_ones) {
      for (const Part& part : parts) visit(rows_of(part, state));
      return;
    }
    chosen.clear();
    for (const Part& part : parts) chosen.add(rows_of(part, state), dim_, state ? state_width_ : 0, is_wanted);
    visit(chosen.view());
  };

  if (!std::ranges::all_of(files_, [&](const File& f) { return f.begin.size() == partitions + 1; })) {
    require<DataError>(!chain_, "[checkpoint] wanted the files of table \"", name_, "\" of ", folder_,
                       " and its base checkpoints in ", partitions,
                       " partitions; they were written with another number");
    for (const File& file : files_) give({{&file, 0, file.rows}});
    return;
  }
  // The files of a table are large and read at several places at a time: the system's own read-ahead is too short.
  constexpr size_t kAhead = 4;
  const std::vector<std::vector<Part>> pieces = cut(map, rank);
  size_t expected = 0;
  for (size_t p = 0; p < pieces.size(); ++p) {
    for (; expected < std::min(pieces.size(), p + kAhead); ++expected)
      for (const Part& part : pieces[expected]) expect(rows_of(part, state));
    give(pieces[p]);
  }
}

// Pieces of about kPieceRows rows, each the parts of some neighbouring partitions of the rank.
std::vector<std::vector<SavedTable::Part>> SavedTable::cut(const embedding::PartitionMap& map, int rank) const {
  std::vector<std::vector<Part>> pieces;
  const int end = map.first_partition(rank + 1);
  for (int first = map.first_partition(rank), next = first; first < end; first = next) {
    int64_t rows = 0;
    for (; next < end && (next == first || rows < kPieceRows); ++next)
      for (const File& file : files_) rows += file.begin[next + 1] - file.begin[next];
    std::vector<Part> parts;
    for (const File& file : files_) {
      const int64_t from = file.begin[first], to = file.begin[next];
      if (to > from) parts.push_back({&file, from, to - from});
    }
    if (!parts.empty()) pieces.push_back(std::move(parts));
  }
  return pieces;
}

}  // namespace polyscene::core
