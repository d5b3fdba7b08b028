// What stops predictions from being written, and that nothing half done stays behind.
#include "core/data/prediction_writer.h"

#include <arrow/array/array_base.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::shared_ptr<arrow::RecordBatch> keys(int64_t count) {
  const auto values = arrow::json::ArrayFromJSONString(arrow::int64(), json_list(count, [](int64_t) { return "1"; }));
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("row_key", arrow::int64())}), count, {*values});
}

class Predictions : public ::testing::Test {
 protected:
  void write() const {
    const auto carried = keys(3);
    PredictionWriter writer(path_, carried->schema(), {});
    writer.write({.carried = {carried}, .labels = {}, .logits = {0.5f, 0.5f, 0.5f}});
    writer.finish();
  }

  TempFolder folder_;
  std::string path_ = folder_.file("out.parquet");
};

TEST_F(Predictions, FolderThatIsNotThere) {
  path_ = folder_.file("no/out.parquet");
  const std::string message = message_of<DataError>([&] { write(); });
  EXPECT_TRUE(message.starts_with("[data] cannot write predictions to " + path_ + ": ")) << message;
  EXPECT_NE(message.find("No such file or directory"), std::string::npos) << message;
  EXPECT_TRUE(
      message.ends_with("; there is no folder " + folder_.file("no") + ": make it first, or choose another place"))
      << message;
}

TEST_F(Predictions, FullDisk) {
  path_ = "/dev/full";
  const std::string message = message_of<DataError>([&] { write(); });
  EXPECT_TRUE(message.starts_with("[data] cannot write predictions to /dev/full: ")) << message;
  EXPECT_NE(message.find("No space left on device"), std::string::npos) << message;
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(Predictions, FailureLeavesWhatWasThere) {
  std::ofstream(path_) << "precious";
  {
    const auto carried = keys(3);
    PredictionWriter writer(path_, carried->schema(), {});
    writer.write({.carried = {carried}, .labels = {}, .logits = {0.5f, 0.5f, 0.5f}});
    EXPECT_TRUE(fs::exists(path_ + ".partial"));
  }
  EXPECT_EQ(bytes_of(path_), "precious");
  EXPECT_FALSE(fs::exists(path_ + ".partial"));
}

TEST_F(Predictions, ALinkStaysAndTheFileBehindItIsReplaced) {
  const std::string target = folder_.file("target.parquet");
  std::ofstream(target) << "old";
  fs::create_hard_link(target, folder_.file("other name"));
  fs::create_symlink("target.parquet", path_);
  write();
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_TRUE(bytes_of(target).ends_with("PAR1"));
  EXPECT_EQ(bytes_of(folder_.file("other name")), "old");
  EXPECT_FALSE(fs::exists(target + ".partial"));
}

TEST_F(Predictions, APipeGetsTheWholeFile) {
  write();
  const std::string whole = bytes_of(path_);
  path_ = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = bytes_of(path_); });
  write();
  reader.join();
  EXPECT_EQ(got, whole);
  EXPECT_TRUE(fs::is_fifo(path_));
}

TEST_F(Predictions, PlaceThatIsTaken) {
  fs::create_directories(path_ + "/precious");
  EXPECT_EQ(message_of<InvalidArgument>([&] { write(); }),
            "[output] wanted a file for --output, got " + path_ + ", which is a folder; name a file in it");
  EXPECT_FALSE(fs::exists(path_ + ".partial"));
}

}  // namespace
}  // namespace polyscene::core::test
