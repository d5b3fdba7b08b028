#include "core/data/cut_row_groups.h"

#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/data/arrow_reason.h"
#include "core/data/parquet_file.h"
#include "core/data/parquet_output.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

// Compression of each column as in the file's first row group. Arrow reads Hadoop's framing of LZ4 and cannot write it.
std::shared_ptr<parquet::WriterProperties> properties_like(const parquet::FileMetaData& footer) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD);
  if (footer.num_row_groups() > 0) {
    const auto group = footer.RowGroup(0);
    for (int c = 0; c < group->num_columns(); ++c) {
      const auto codec = group->ColumnChunk(c)->compression();
      builder.compression(footer.schema()->Column(c)->path(),
                          codec == parquet::Compression::LZ4_HADOOP ? parquet::Compression::LZ4 : codec);
    }
  }
  return builder.build();
}

void check_columns(const ParquetFile& file) {
  std::set<std::string> seen;
  for (const std::string& name : file.columns())
    require<DataError>(seen.insert(name).second, "[data] \"", file.path(), "\" has two columns \"", name,
                       "\"; rename one");
}

// Gathers batches of rows until they fill a row group.
class Groups {
 public:
  Groups(ParquetOutput& output, std::shared_ptr<arrow::Schema> schema, int64_t row_group_rows)
      : output_(output), schema_(std::move(schema)), row_group_rows_(row_group_rows) {}

  void add(const std::shared_ptr<arrow::RecordBatch>& batch) {
    for (int64_t begin = 0; begin < batch->num_rows();) {
      const int64_t rows = std::min(row_group_rows_ - held_, batch->num_rows() - begin);
      parts_.push_back(batch->Slice(begin, rows));
      begin += rows;
      held_ += rows;
      if (held_ == row_group_rows_) write();
    }
  }
  // Writes the rows that do not fill a row group; returns the number of row groups.
  int64_t finish() {
    if (held_ > 0) write();
    return written_;
  }

 private:
  void write() {
    auto table = arrow::Table::FromRecordBatches(schema_, std::exchange(parts_, {}));
    require<DataError>(table.ok(), "[data] cannot gather a row group: ", arrow_reason(table.status()));
    output_.write(**table, row_group_rows_);
    held_ = 0;
    ++written_;
  }

  ParquetOutput& output_;
  std::shared_ptr<arrow::Schema> schema_;
  int64_t row_group_rows_, held_ = 0, written_ = 0;
  std::vector<std::shared_ptr<arrow::RecordBatch>> parts_;
};

}  // namespace

CutFile cut_row_groups(const std::string& from, const std::string& to, int64_t row_group_rows) {
  require(row_group_rows >= 1, "[data] a row group of ", row_group_rows, " rows");
  ParquetFile file(from);
  check_columns(file);
  const auto schema = file.arrow_schema();
  CutFile cut{.rows = 0, .groups_before = std::ssize(file.row_group_rows()), .groups_after = 0};

  ParquetOutput output(str("the rows of \"", from, "\""), "--output", to, *schema, properties_like(*file.metadata()));
  Groups groups(output, schema, row_group_rows);
  constexpr int64_t kMostRowsAtOnce = 1 << 16;
  for (int g = 0; g < static_cast<int>(cut.groups_before); ++g) {
    file.open_row_group(g, file.columns(), std::min(row_group_rows, kMostRowsAtOnce));
    while (const auto batch = file.next()) {
      groups.add(batch);
      cut.rows += batch->num_rows();
    }
  }
  cut.groups_after = groups.finish();
  output.finish();
  return cut;
}

}  // namespace polyscene::core
