// Moves the carried columns from the files into batches.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/data/carried_columns.h"
#include "core/data/gather.h"
#include "core/data/parquet_file.h"

namespace arrow {
class DataType;
class Schema;
}  // namespace arrow

namespace polyscene::core {

class Carrier {
 public:
  // `read`: the columns of the record batches that pick() gets.
  Carrier(const std::vector<CarriedColumn>& columns, const ColumnSet& read);

  // Registers the column types of a file. Must be called for every file of the split before any other call. Throws
  // DataError when a type does not fit those of the files before.
  void see(const ParquetFile& file);

  [[nodiscard]] bool empty() const { return columns_.empty(); }
  // Schema of Batch::carried.
  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const;
  // The carried columns of the rows in `read`; the first of them is row `first_in_split` of the split. Throws
  // DataError.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> pick(const arrow::RecordBatch& read, int64_t first_in_split) const;
  // The carried columns of rows of windows, whose `carried` holds what pick() returned for each span. Throws DataError.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> gather(std::span<const RowRun> runs) const;

 private:
  struct Column {
    CarriedColumn wanted;
    int place = -1;                         // index of the column in what is read; -1: the running number
    std::shared_ptr<arrow::DataType> type;  // type in `file`
    std::string file;                       // the first file where it is not Arrow's null type, else the last
    // The values that the column's types allow in all files: strings, binary; integers, below 0, above 2^63 - 1; other
    // types.
    bool texts = false, bytes = false, whole = false, negative = false, large = false, others = false;
  };
  static void see_key(Column& column, const arrow::DataType& type);
  [[nodiscard]] static bool fits(const Column& column, const arrow::DataType& type);
  [[nodiscard]] static std::shared_ptr<arrow::DataType> type_of(const Column& column);

  std::vector<Column> columns_;
};

}  // namespace polyscene::core
