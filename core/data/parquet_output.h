// A Parquet file that a user named as an output: whole or not there at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace arrow {
class Schema;
class Table;
}  // namespace arrow
namespace parquet {
class WriterProperties;
}

namespace polyscene::core {

class ParquetOutput {
 public:
  // `contents`: what the file holds, for messages ("predictions"). `option`: the user's name of the path ("--output").
  // A file is written under a temporary name until finish(); a pipe or device is written to directly
  // (output_place.h). Throws DataError naming the file, and InvalidArgument when the path cannot be written as a file.
  ParquetOutput(std::string contents, const std::string& option, std::string path, const arrow::Schema& schema,
                std::shared_ptr<parquet::WriterProperties> properties);
  ~ParquetOutput();

  // Appends the rows in row groups of at most `row_group_rows` (>= 1). The table has the columns of the schema.
  void write(const arrow::Table& rows, int64_t row_group_rows);
  // Completes the file and moves it into place. Without this call the destructor removes what was written, and an
  // earlier file at the path stays as it was.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene::core
