#include "core/train/report/metrics_log.h"

#include "ops/base/error.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

using MetricsLogTest = testing::FolderTest;

TEST_F(MetricsLogTest, EveryLineIsInTheFileAtOnce) {
  MetricsLog log(path("run/metrics.jsonl"));
  EXPECT_EQ(read("run/metrics.jsonl"), "");
  log.write(R"({"step": 1})");
  EXPECT_EQ(read("run/metrics.jsonl"), "{\"step\": 1}\n");
  log.write(R"({"step": 2})");
  EXPECT_EQ(read("run/metrics.jsonl"), "{\"step\": 1}\n{\"step\": 2}\n");
}

TEST_F(MetricsLogTest, TruncatesAnOldFile) {
  write("metrics.jsonl", "old");
  MetricsLog log(path("metrics.jsonl"));
  EXPECT_EQ(read("metrics.jsonl"), "");
}

TEST_F(MetricsLogTest, RefusesLineBreaks) {
  MetricsLog log(path("m"));
  EXPECT_EQ(error_of<InvalidArgument>([&] { log.write("{\n}"); }),
            "[report] wanted one JSON object on one line for m, got a line break");
}

TEST_F(MetricsLogTest, FullDiskIsReportedEachTime) {
  MetricsLog log("/dev/full");
  EXPECT_EQ(error_of<DataError>([&] { log.write("{}"); }),
            "[files] cannot write to /dev/full: No space left on device; the disk is full: free space or choose "
            "another place");
  EXPECT_EQ(error_of<DataError>([&] { log.write("{}"); }),
            "[files] cannot write to /dev/full: No space left on device; the disk is full: free space or choose "
            "another place");
}

TEST_F(MetricsLogTest, FileThatCannotBeCreated) {
  EXPECT_EQ(error_of<DataError>([&] { MetricsLog log(folder_.string()); }),
            "[files] cannot create " + folder_.string() + ": Is a directory; choose another place");
}

}  // namespace
}  // namespace polyscene::core
