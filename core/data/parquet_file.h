// Reads one Parquet file through Arrow: its row groups, a check of its columns, and the record batches of a row group.
// Errors of Arrow and Parquet become DataErrors that name the file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/features/column_request.h"
#include "core/features/id_kinds.h"

namespace arrow {
class DataType;
class RecordBatch;
class RecordBatchReader;
class Schema;
}  // namespace arrow
namespace parquet {
class FileMetaData;
namespace arrow {
class FileReader;
}
}  // namespace parquet

namespace polyscene::core {

class ParquetFile {
 public:
  // Opens the file; reads its metadata unless it is given. Throws DataError when the file is missing, truncated or not
  // Parquet.
  explicit ParquetFile(const std::string& path, std::shared_ptr<parquet::FileMetaData> metadata = nullptr);
  ~ParquetFile();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::vector<int64_t>& row_group_rows() const { return row_group_rows_; }
  [[nodiscard]] int64_t size_bytes() const { return size_bytes_; }
  // Threads may share it.
  [[nodiscard]] std::shared_ptr<parquet::FileMetaData> metadata() const;
  // Number of row groups times number of leaf columns: the metadata's memory is proportional to it.
  [[nodiscard]] int64_t column_chunks() const;
  // Names of the top-level columns.
  [[nodiscard]] std::vector<std::string> columns() const;
  // Type of a column as Arrow prints it.
  [[nodiscard]] std::string type_of(const std::string& column) const;

  // All columns with the file's metadata, as Arrow reads them. Throws DataError for types that Arrow does not have.
  [[nodiscard]] std::shared_ptr<arrow::Schema> arrow_schema() const;
  // Type of a column; null if the file has no such column.
  [[nodiscard]] std::shared_ptr<arrow::DataType> arrow_type(const std::string& column) const;

  // Throws DataError unless every requested column exists, has a type that suits its form, and has ids of the kind in
  // `ids`. Adds the columns' id kinds to `ids`.
  void check(const std::vector<ColumnRequest>& requests, IdKinds& ids) const;

  // Starts reading a row group. Batches hold the columns in the order of `columns`, which must have passed check().
  void open_row_group(int row_group, const std::vector<std::string>& columns, int64_t batch_rows);
  // The next rows of the row group, at most batch_rows; null at its end. Throws DataError on damaged pages.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> next();

 private:
  std::string path_;
  std::vector<int64_t> row_group_rows_;
  int64_t size_bytes_ = 0;
  int row_group_ = -1;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;  // reads through reader_, hence destroyed first
};

}  // namespace polyscene::core
