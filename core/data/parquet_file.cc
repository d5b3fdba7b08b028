#include "core/data/parquet_file.h"

#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/data/arrow_reason.h"
#include "core/data/column_types.h"
#include "core/text/suggest.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

// Pages are read through a buffer of this size per column, not as whole column chunks: this bounds memory.
constexpr int64_t kBufferBytes = 128 << 10;

// Runs Arrow or Parquet code and turns its errors, statuses and exceptions, into a DataError.
template <class Body>
auto guarded(const std::string& what, Body&& body) {
  try {
    auto result = body();
    require<DataError>(result.ok(), what, ": ", arrow_reason(result.status()));
    return std::move(result).ValueUnsafe();
  } catch (const parquet::ParquetException& e) {
    throw DataError(str(what, ": ", e.what()));
  }
}

// A Parquet file starts and ends with these bytes. A file that only starts with them was cut off or is being written.
void check_magic(const std::string& path) {
  constexpr size_t kMagic = 4;
  std::ifstream in(path, std::ios::binary);
  require<DataError>(in.good(), "[data] cannot open \"", path, "\": ", std::strerror(errno));
  std::array<char, kMagic> head{}, foot{};
  in.read(head.data(), kMagic);
  in.seekg(-static_cast<std::streamoff>(kMagic), std::ios::end);
  in.read(foot.data(), kMagic);
  const auto is_magic = [](const auto& bytes) { return std::memcmp(bytes.data(), "PAR1", kMagic) == 0; };
  require<DataError>(is_magic(head), "[data] \"", path, "\" is not a Parquet file: it does not start with PAR1");
  require<DataError>(is_magic(foot), "[data] \"", path,
                     "\" is truncated: it starts as a Parquet file but its footer is missing; is it still being "
                     "written?");
}

std::unique_ptr<parquet::arrow::FileReader> open(const std::string& path,
                                                 std::shared_ptr<parquet::FileMetaData> metadata) {
  parquet::ReaderProperties properties;
  properties.enable_buffered_stream();
  properties.set_buffer_size(kBufferBytes);
  properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
  arrow_properties.set_pre_buffer(false);

  return guarded(str("[data] cannot read the footer of \"", path, "\""),
                 [&]() -> arrow::Result<std::unique_ptr<parquet::arrow::FileReader>> {
                   ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
                   parquet::arrow::FileReaderBuilder builder;
                   ARROW_RETURN_NOT_OK(builder.Open(std::move(file), properties, std::move(metadata)));
                   builder.properties(arrow_properties);
                   return builder.Build();
                 });
}

void add_leaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.is_leaf()) leaves.push_back(field.column_index);
  for (const auto& child : field.children) add_leaves(child, leaves);
}

const parquet::arrow::SchemaField* find(const parquet::arrow::SchemaManifest& manifest, const std::string& column) {
  for (const auto& field : manifest.schema_fields) {
    if (field.field->name() == column) return &field;
  }
  return nullptr;
}

std::vector<std::string> names(const parquet::arrow::SchemaManifest& manifest) {
  std::vector<std::string> all;
  for (const auto& field : manifest.schema_fields) all.push_back(field.field->name());
  return all;
}

}  // namespace

ParquetFile::ParquetFile(const std::string& path, std::shared_ptr<parquet::FileMetaData> metadata) : path_(path) {
  if (metadata == nullptr) check_magic(path);
  reader_ = open(path, std::move(metadata));
  const auto footer = this->metadata();
  for (int i = 0; i < footer->num_row_groups(); ++i) row_group_rows_.push_back(footer->RowGroup(i)->num_rows());
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) size_bytes_ = info.st_size;
}

ParquetFile::~ParquetFile() = default;

std::shared_ptr<parquet::FileMetaData> ParquetFile::metadata() const { return reader_->parquet_reader()->metadata(); }

int64_t ParquetFile::column_chunks() const { return std::ssize(row_group_rows_) * metadata()->num_columns(); }

std::vector<std::string> ParquetFile::columns() const { return names(reader_->manifest()); }

std::string ParquetFile::type_of(const std::string& column) const {
  const auto type = arrow_type(column);
  return type != nullptr ? type->ToString() : "";
}

std::shared_ptr<arrow::Schema> ParquetFile::arrow_schema() const {
  return guarded(str("[data] cannot read the columns of \"", path_, "\""),
                 [&]() -> arrow::Result<std::shared_ptr<arrow::Schema>> {
                   std::shared_ptr<arrow::Schema> schema;
                   ARROW_RETURN_NOT_OK(reader_->GetSchema(&schema));
                   return schema;
                 });
}

std::shared_ptr<arrow::DataType> ParquetFile::arrow_type(const std::string& column) const {
  const auto* field = find(reader_->manifest(), column);
  return field != nullptr ? field->field->type() : nullptr;
}

void ParquetFile::check(const std::vector<ColumnRequest>& requests, IdKinds& ids) const {
  for (const auto& request : requests) {
    const auto* field = find(reader_->manifest(), request.column);
    require<DataError>(field != nullptr, "[data] \"", path_, "\" has no column \"", request.column, "\", wanted by ",
                       request.user,
                       field != nullptr ? "" : config_text::suggestion(request.column, names(reader_->manifest())));
    const arrow::DataType& type = *field->field->type();
    require<DataError>(suits(type, request.form), "[data] \"", path_, "\", column \"", request.column,
                       "\": ", request.user, " wants ", wanted_type(request.form), ", got ", type.ToString());
    if (is_id_form(request.form))
      ids.add(request, id_forms(type),
              [&] { return str("column \"", request.column, "\" of \"", path_, "\" has ", type.ToString()); });
  }
}

void ParquetFile::open_row_group(int row_group, const std::vector<std::string>& columns, int64_t batch_rows) {
  std::vector<int> leaves;
  for (const auto& column : columns) add_leaves(*find(reader_->manifest(), column), leaves);
  batches_.reset();
  row_group_ = row_group;
  reader_->set_batch_size(batch_rows);
  batches_ = guarded(str("[data] cannot read row group ", row_group, " of \"", path_, "\""),
                     [&] { return reader_->GetRecordBatchReader({row_group}, leaves); });
}

std::shared_ptr<arrow::RecordBatch> ParquetFile::next() {
  return guarded(str("[data] cannot read row group ", row_group_, " of \"", path_, "\""),
                 [&] { return batches_->Next(); });
}

}  // namespace polyscene::core
