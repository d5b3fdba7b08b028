// What stops predictions from being written, and that nothing half done stays behind.
#include "core/data/prediction_writer.h"

#include <gtest/gtest.h>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::test {
namespace {

PredictionRows rows(int64_t count) {
  const auto n = static_cast<size_t>(count);
  return {.row_keys = std::vector<int64_t>(n, 1),
          .scenario = std::vector<int64_t>(n, 2),
          .groups = {},
          .labels = {},
          .logits = std::vector<float>(n, 0.5f)};
}

class Predictions : public ::testing::Test {
 protected:
  void write() const {
    PredictionWriter writer(path_, {}, {});
    writer.write(rows(3));
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
  EXPECT_TRUE(message.ends_with("; free space or choose another --output")) << message;
}

TEST_F(Predictions, FullDisk) {
  std::filesystem::create_symlink("/dev/full", path_ + ".partial");
  const std::string message = message_of<DataError>([&] { write(); });
  EXPECT_TRUE(message.starts_with("[data] cannot write predictions to " + path_ + ": ")) << message;
  EXPECT_NE(message.find("No space left on device"), std::string::npos) << message;
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(path_ + ".partial")));
}

TEST_F(Predictions, PlaceThatIsTaken) {
  std::filesystem::create_directories(path_ + "/precious");
  EXPECT_EQ(message_of<DataError>([&] { write(); }),
            "[data] cannot move " + path_ + ".partial to " + path_ + ": Is a directory; choose another --output");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

}  // namespace
}  // namespace polyscene::test
