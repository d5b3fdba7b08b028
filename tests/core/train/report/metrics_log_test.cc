#include "core/train/report/metrics_log.h"

#include "ops/base/error.h"
#include "report_folder.h"

namespace polyscene {
namespace {

using MetricsLogTest = ReportTest;

TEST_F(MetricsLogTest, EveryLineIsInTheFileAtOnce) {
  const std::string path = (folder_ / "run/metrics.jsonl").string();
  MetricsLog log(path);
  EXPECT_EQ(read(path), "");
  log.write(R"({"step": 1})");
  EXPECT_EQ(read(path), "{\"step\": 1}\n");
  log.write(R"({"step": 2})");
  EXPECT_EQ(read(path), "{\"step\": 1}\n{\"step\": 2}\n");
}

TEST_F(MetricsLogTest, TruncatesAnOldFile) {
  const std::string path = (folder_ / "metrics.jsonl").string();
  std::ofstream(path) << "old";
  MetricsLog log(path);
  EXPECT_EQ(read(path), "");
}

TEST_F(MetricsLogTest, RefusesLineBreaks) {
  MetricsLog log((folder_ / "m").string());
  EXPECT_EQ(error_of<InvalidArgument>([&] { log.write("{\n}"); }),
            "[report] wanted one JSON object on one line for " + (folder_ / "m").string() + ", got a line break");
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
}  // namespace polyscene
