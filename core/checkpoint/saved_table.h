// Rows of one table in the files of a model, or of a checkpoint and its bases. Rows are read from mapped files: no
// table is held in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/files/safetensors.h"
#include "embedding/plan/table_layout.h"
#include "embedding/table/saved_rows.h"

namespace polyscene::core {

class SavedTable {
 public:
  // `folders`: a model, or a checkpoint, its base, the base of that and so on; each holds a folder tables/. Opens the
  // files of all ranks. Throws DataError naming the folder or file that is missing or of another model.
  SavedTable(const std::vector<std::string>& folders, std::string name);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // Number of floats of a row, and of its optimiser state (0 when the files hold none).
  [[nodiscard]] int64_t dim() const { return dim_; }
  [[nodiscard]] int64_t state_width() const { return state_width_; }
  // Number of rows in all files together; a row in several folders is counted once for each.
  [[nodiscard]] int64_t rows() const;
  // A lower bound on the number of the rank's distinct rows; 0 when the files do not tell.
  [[nodiscard]] int64_t rows_of_rank(const embedding::PartitionMap& map, int rank) const;

  using Visit = std::function<void(const embedding::RowsIn&)>;
  // Visits all rows of all files, without state, some thousands at a time.
  void visit(const Visit& visit) const;
  // Visits the rows of the layout's `rank`, each in its newest version, without rows that were evicted before the
  // newest folder was written. Each piece holds all rows of some partitions. Files that were written for another number
  // of partitions are visited file by file instead, with the rows of other ranks. With `state`, pieces also hold
  // optimiser state and access statistics. If `wanted` is not nullptr, only its keys, ascending, are visited.
  void visit_rank(const embedding::TableLayout& layout, int index, int rank, bool state,
                  const std::vector<int64_t>* wanted, const Visit& visit) const;

 private:
  struct File {
    std::string path;
    SafetensorsFile tensors;
    int64_t rows = 0;
    std::vector<int64_t> begin = {};     // rows before each partition of all ranks, if the file has them
    bool newest = false, whole = false;  // newest: of the first folder; whole: of the last, a full checkpoint
  };
  struct Part {  // rows [first, first + count) of a file
    const File* file;
    int64_t first, count;
  };
  void open(const std::string& path, int rank, int ranks);
  [[nodiscard]] embedding::RowsIn rows_of(const Part& part, bool state) const;
  template <class T>
  [[nodiscard]] std::span<const T> elements(const Part& part, const char* tensor, const Shape& shape) const;
  [[nodiscard]] std::vector<std::vector<Part>> cut(const embedding::PartitionMap& map, int rank) const;
  [[nodiscard]] std::vector<std::vector<int64_t>> present_keys(const embedding::TableLayout& layout, int index,
                                                               int rank) const;

  std::string name_, folder_;
  int64_t dim_ = 0, state_width_ = 0;
  bool chain_ = false;
  std::vector<File> files_;  // those of the newest folder first
};

// A tensor of a file. Throws DataError when it is of another type.
template <class T>
[[nodiscard]] TensorView typed_tensor(const SafetensorsFile& file, const std::string& path, const std::string& tensor) {
  const TensorView found = file.tensor(tensor);
  constexpr DType kWanted = DTypeOf<T>::value;
  require<DataError>(found.dtype == kWanted, "[checkpoint] ", path, ": wanted tensor \"", tensor, "\" of type ",
                     name(kWanted), ", got ", name(found.dtype), "; restore the file that training wrote");
  return found;
}

// The part of a file's name that follows the table's name: "-RRRRR-of-NNNNN.safetensors".
[[nodiscard]] std::string shard_suffix(int rank, int ranks);

// Names of the tables in a model's folder, sorted.
[[nodiscard]] std::vector<std::string> saved_tables(const std::string& folder);

}  // namespace polyscene::core
