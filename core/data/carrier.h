// Rows of carried columns on their way from files to a batch.
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

namespace polyscene {

class Carrier {
 public:
  // read: the columns of the record batches that pick() gets.
  Carrier(const std::vector<CarriedColumn>& columns, const ColumnSet& read);

  // Every file of the split in turn, before any other call. Throws DataError where the types of its columns do not go
  // with those of the files before.
  void see(const ParquetFile& file);

  [[nodiscard]] bool empty() const { return columns_.empty(); }
  // Of Batch::carried.
  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const;
  // The carried columns of rows as they were read, the first of which is the split's row `first_in_split`. Throws
  // DataError.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> pick(const arrow::RecordBatch& read, int64_t first_in_split) const;
  // Rows of windows that hold what pick() gave, for each of their spans. Throws DataError.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> gather(std::span<const RowRun> runs) const;

 private:
  struct Column {
    CarriedColumn wanted;
    int place = -1;                         // in what is read; -1: the running number
    std::shared_ptr<arrow::DataType> type;  // in the first file that has more than nulls, else in the last
    std::string file;                       // that one
    // What the types of keys in any file may hold: texts, or bytes; whole numbers, below 0, or above 2^63 - 1; others.
    bool texts = false, bytes = false, whole = false, negative = false, large = false, others = false;
  };
  static void see_key(Column& column, const arrow::DataType& type);
  [[nodiscard]] static bool fits(const Column& column, const arrow::DataType& type);
  [[nodiscard]] static std::shared_ptr<arrow::DataType> type_of(const Column& column);

  std::vector<Column> columns_;
};

}  // namespace polyscene
