// The rows of a table, as the files of a model's folder hold them, or those of a checkpoint and what it adds to. They
// are read where they lie: nothing here holds a table in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/files/safetensors.h"
#include "embedding/plan/table_layout.h"
#include "embedding/table/saved_rows.h"

namespace polyscene {

class SavedTable {
 public:
  // folders: the newest first, then what it adds to and so on; each with a folder tables/. Opens the files of all
  // ranks. Throws DataError naming folder or file where one is missing or of another model.
  SavedTable(const std::vector<std::string>& folders, std::string name);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // Floats of a row, and of its optimiser's state: 0 where the files have none.
  [[nodiscard]] int64_t dim() const { return dim_; }
  [[nodiscard]] int64_t state_width() const { return state_width_; }
  // In all files together; a row that several folders have counts as often.
  [[nodiscard]] int64_t rows() const;
  // At least so many of them a rank has, where the files tell.
  [[nodiscard]] int64_t rows_of_rank(const PartitionMap& map, int rank) const;

  using Visit = std::function<void(const RowsIn&)>;
  // All rows of all files, without state, some thousands at a time.
  void visit(const Visit& visit) const;
  // The rows of the layout's `rank`, each in its newest version, and none that was forgotten until the newest folder
  // was written. In pieces of whole partitions where the files were written for as many, which then hold all rows of
  // theirs. With `state`, also state and uses. Of keys in `wanted`, ascending, where that is not nullptr.
  void visit_rank(const TableLayout& layout, int index, int rank, bool state, const std::vector<int64_t>* wanted,
                  const Visit& visit) const;

 private:
  struct File {
    std::string path;
    SafetensorsFile tensors;
    int64_t rows = 0;
    std::vector<int64_t> begin = {};     // rows in front of each partition of all ranks, where the file says it
    bool newest = false, whole = false;  // of the first folder; of the last, which adds to none
  };
  struct Part {  // rows [first, first + count) of a file
    const File* file;
    int64_t first, count;
  };
  void open(const std::string& path, int rank, int ranks);
  [[nodiscard]] RowsIn rows_of(const Part& part, bool state) const;
  template <class T>
  [[nodiscard]] std::span<const T> elements(const Part& part, const char* tensor, const Shape& shape) const;
  [[nodiscard]] std::vector<std::vector<Part>> cut(const PartitionMap& map, int rank) const;
  [[nodiscard]] std::vector<std::vector<int64_t>> present_keys(const TableLayout& layout, int index, int rank) const;

  std::string name_, folder_;
  int64_t dim_ = 0, state_width_ = 0;
  bool chain_ = false;
  std::vector<File> files_;  // of the newest folder first
};

// A tensor of a file. Throws DataError where it is of another type.
template <class T>
[[nodiscard]] TensorView typed_tensor(const SafetensorsFile& file, const std::string& path, const std::string& tensor) {
  const TensorView found = file.tensor(tensor);
  constexpr DType kWanted = DTypeOf<T>::value;
  require<DataError>(found.dtype == kWanted, "[checkpoint] ", path, ": wanted tensor \"", tensor, "\" of type ",
                     name(kWanted), ", got ", name(found.dtype), "; convert it as it was when training wrote it");
  return found;
}

// What follows a table's name in that of a rank's file.
[[nodiscard]] std::string shard_suffix(int rank, int ranks);

// Names of the tables in a model's folder, sorted.
[[nodiscard]] std::vector<std::string> saved_tables(const std::string& folder);

}  // namespace polyscene
