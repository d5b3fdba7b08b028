#include "tests/core/data/parquet_fixture.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/util.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <google/protobuf/text_format.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include <atomic>
#include <map>

#include "ops/base/error.h"

namespace polyscene::core::test {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

std::string inside(const std::string& text, const std::string& prefix) {
  return text.substr(prefix.size() + 1, text.size() - prefix.size() - 2);
}

TypePtr type_of(const std::string& name) {
  static const std::map<std::string, TypePtr> kPlain = {{"bool", arrow::boolean()},
                                                        {"null", arrow::null()},
                                                        {"int8", arrow::int8()},
                                                        {"int16", arrow::int16()},
                                                        {"int32", arrow::int32()},
                                                        {"int64", arrow::int64()},
                                                        {"uint8", arrow::uint8()},
                                                        {"uint16", arrow::uint16()},
                                                        {"uint32", arrow::uint32()},
                                                        {"uint64", arrow::uint64()},
                                                        {"null", arrow::null()},
                                                        {"half", arrow::float16()},
                                                        {"float", arrow::float32()},
                                                        {"double", arrow::float64()},
                                                        {"decimal32(9)", arrow::decimal32(9, 0)},
                                                        {"decimal64(18)", arrow::decimal64(18, 0)},
                                                        {"decimal128(20)", arrow::decimal128(20, 0)},
                                                        {"decimal256(76)", arrow::decimal256(76, 0)},
                                                        {"decimal128(20,2)", arrow::decimal128(20, 2)},
                                                        {"string", arrow::utf8()},
                                                        {"binary", arrow::binary()},
                                                        {"large_string", arrow::large_utf8()},
                                                        {"string_view", arrow::utf8_view()},
                                                        {"date32", arrow::date32()},
                                                        {"timestamp", arrow::timestamp(arrow::TimeUnit::MICRO)},
                                                        {"timestamp[ms]", arrow::timestamp(arrow::TimeUnit::MILLI)},
                                                        {"timestamp[ns]", arrow::timestamp(arrow::TimeUnit::NANO)}};
  if (name.starts_with("list<")) return arrow::list(type_of(inside(name, "list")));
  if (name.starts_with("large_list<")) return arrow::large_list(type_of(inside(name, "large_list")));
  if (name.starts_with("fixed2<")) return arrow::fixed_size_list(type_of(inside(name, "fixed2")), 2);
  if (name.starts_with("dictionary<")) return arrow::dictionary(arrow::int32(), type_of(inside(name, "dictionary")));
  return kPlain.at(name);
}

void check(const arrow::Status& status) { require<DataError>(status.ok(), status.ToString()); }

}  // namespace

TempFolder::TempFolder() {
  static std::atomic<int> count{0};
  path_ = std::filesystem::temp_directory_path() / str("polyscene_data_", ::getpid(), "_", count++);
  std::filesystem::create_directories(path_);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_parquet(const std::string& path, const std::vector<TestColumn>& columns, int64_t row_group_rows) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& column : columns) {
    const auto type = type_of(column.type);
    fields.push_back(arrow::field(column.name, type));
    auto array = arrow::json::ArrayFromJSONString(type, column.json);
    check(array.status());
    arrays.push_back(*array);
  }
  const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
  const auto out = arrow::io::FileOutputStream::Open(path);
  check(out.status());
  const auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  check(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), *out, row_group_rows,
                                   parquet::default_writer_properties(), properties));
  check((*out)->Close());
}

std::string json_list(int64_t size, const std::function<std::string(int64_t)>& value) {
  std::string out = "[";
  for (int64_t i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    out += value(i);
  }
  out += ']';
  return out;
}

config::Data data_config(const TempFolder& folder, const std::string& text) {
  config::Data data;
  require(google::protobuf::TextFormat::ParseFromString(text, &data), "the test's configuration does not parse");
  data.set_root(folder.path());
  if (data.train_files_size() == 0) data.add_train_files("*.parquet");
  return data;
}

std::vector<Batch> read_epoch(BatchSource& source, int64_t epoch) {
  std::vector<Batch> batches;
  source.start_epoch(epoch);
  while (auto batch = source.next()) batches.push_back(std::move(*batch));
  return batches;
}

Batch read_all(const config::Data& data) {
  config::Data one_lane = data;
  one_lane.set_lanes(1);
  const auto source = make_parquet_source(one_lane, {.batch_size = 1 << 20, .shuffle = false, .min_tail_share = 0});
  auto batches = read_epoch(*source);
  return std::move(batches.at(0));
}

}  // namespace polyscene::core::test
