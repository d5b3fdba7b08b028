// Row groups are cut, and nothing else of a file changes.
#include "core/data/cut_row_groups.h"

#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/metadata.h>

#include <filesystem>
#include <fstream>

#include "core/data/parquet_file.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<arrow::Table> table_of(const std::string& path) {
  auto file = arrow::io::ReadableFile::Open(path).ValueOrDie();
  // Arrow's threads, which also read ahead, are not built for the thread sanitizer.
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  EXPECT_TRUE(builder.Open(file).ok());
  auto reader = builder.properties(properties)->Build().ValueOrDie();
  return reader->ReadTable().ValueOrDie();
}

// 10 rows with each shape of column that a log may have.
std::vector<TestColumn> columns() {
  return {{"id", "int64", "[9223372036854775807, 2, null, 4, 5, 6, 7, 8, 9, -10]"},
          {"name", "dictionary<string>", R"(["b", "a", null, "b", "c", "c", "d", "e", "f", "a"])"},
          {"tags", "list<string>", R"([["x"], [], null, [null], ["y", "z"], [], [], [], [], ["q"]])"},
          {"price", "float", "[0.5, 1, null, 2, 3, 4, 5, 6, 7, 8]"}};
}

class CutRowGroups : public ::testing::Test {
 protected:
  TempFolder folder_;
  std::string from_ = folder_.file("from.parquet"), to_ = folder_.file("to.parquet");
};

TEST_F(CutRowGroups, KeepsRowsOrderAndTypes) {
  for (const int64_t before : {3, 10}) {
    write_parquet(from_, columns(), before);
    for (const int64_t rows : {1, 3, 4, 10, 100}) {
      SCOPED_TRACE(str("from ", before, " to ", rows));
      const CutFile cut = cut_row_groups(from_, to_, rows);
      EXPECT_EQ(cut.rows, 10);
      EXPECT_EQ(cut.groups_before, (10 + before - 1) / before);
      EXPECT_EQ(cut.groups_after, (10 + rows - 1) / rows);
      std::vector<int64_t> groups(10 / rows, rows);
      if (10 % rows > 0) groups.push_back(10 % rows);
      EXPECT_EQ(ParquetFile(to_).row_group_rows(), groups);
      EXPECT_TRUE(table_of(from_)->schema()->Equals(*table_of(to_)->schema(), /*check_metadata=*/true));
      EXPECT_TRUE(table_of(from_)->Equals(*table_of(to_)));
    }
  }
}

TEST_F(CutRowGroups, KeepsMetadataAndCompression) {
  write_parquet(from_, columns());
  const auto table = table_of(from_)->ReplaceSchemaMetadata(arrow::key_value_metadata({"pandas"}, {"{\"index\": []}"}));
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(parquet::Compression::GZIP)
                              ->compression("price", parquet::Compression::UNCOMPRESSED)
                              ->build();
  auto out = arrow::io::FileOutputStream::Open(from_).ValueOrDie();
  const auto stored = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  ASSERT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, 10, properties, stored).ok());
  ASSERT_TRUE(out->Close().ok());

  static_cast<void>(cut_row_groups(from_, to_, 4));
  EXPECT_EQ(table_of(to_)->schema()->metadata()->Get("pandas").ValueOrDie(), "{\"index\": []}");
  const auto footer = ParquetFile(to_).metadata();
  for (int group = 0; group < footer->num_row_groups(); ++group) {
    EXPECT_EQ(footer->RowGroup(group)->ColumnChunk(0)->compression(), parquet::Compression::GZIP);
    EXPECT_EQ(footer->RowGroup(group)->ColumnChunk(3)->compression(), parquet::Compression::UNCOMPRESSED);
  }
}

TEST_F(CutRowGroups, FileWithoutRows) {
  write_parquet(from_, {{"id", "int64", "[]"}});
  const CutFile cut = cut_row_groups(from_, to_, 4);
  EXPECT_EQ(cut.rows, 0);
  EXPECT_EQ(cut.groups_after, 0);
  EXPECT_EQ(ParquetFile(to_).columns(), std::vector<std::string>{"id"});
}

TEST_F(CutRowGroups, TwoColumnsOfOneName) {
  write_parquet(from_, {{"id", "int64", "[1]"}, {"id", "int64", "[2]"}});
  EXPECT_EQ(message_of<DataError>([&] { static_cast<void>(cut_row_groups(from_, to_, 4)); }),
            str("[data] \"", from_, "\" has two columns \"id\"; rename one"));
  EXPECT_FALSE(fs::exists(to_));
}

// The footer is whole, pages are not: the failure comes after the output was begun.
TEST_F(CutRowGroups, DamagedPagesLeaveNothing) {
  write_parquet(from_, {{"id", "string", json_list(1000, [](int64_t i) { return str('"', i * i, '"'); })}});
  {
    std::fstream file(from_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4);
    file << std::string(200, '\xff');
  }
  const std::string message = message_of<DataError>([&] { static_cast<void>(cut_row_groups(from_, to_, 100)); });
  EXPECT_TRUE(message.starts_with("[data] cannot read row group 0 of \"" + from_ + "\": ")) << message;
  EXPECT_FALSE(fs::exists(to_));
  EXPECT_FALSE(fs::exists(to_ + ".partial"));
}

TEST_F(CutRowGroups, FullDisk) {
  write_parquet(from_, columns());
  const std::string message = message_of<DataError>([&] { static_cast<void>(cut_row_groups(from_, "/dev/full", 4)); });
  EXPECT_TRUE(message.starts_with("[data] cannot write the rows of \"" + from_ + "\" to /dev/full: ")) << message;
  EXPECT_NE(message.find("No space left on device"), std::string::npos) << message;
}

}  // namespace
}  // namespace polyscene::core::test
