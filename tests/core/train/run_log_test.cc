// What a run writes for tools and says to people, and that a disk that takes no more ends nothing.
#include "core/train/run_log.h"

#include <sstream>

#include "core/train/report/event_record.h"
#include "tests/support/message_of.h"
#include "tests/support/size_limit.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

constexpr core::ProgressState kState = {
    .step = 3, .total_steps = 8, .epoch = 0.375, .samples_s = 1000, .loss = 0.25, .eta_s = 5};
constexpr const char* kTrainLine =
    R"({"kind": "train", "step": 3, "epoch": 0.375, "loss": 0.25, "learning_rate": 0.125, "samples_per_s": 1000})"
    "\n";

core::Evaluation some_evaluation() {
  core::Evaluation evaluation;
  evaluation.overall.auc = 0.75;
  evaluation.overall.logloss = 0.5;
  evaluation.overall.calibration = 1;
  evaluation.grouped = {{.name = "S-GAUC", .value = 0.625}, {.name = "GAUC(user)", .value = {}}};
  evaluation.scenarios.resize(2);
  evaluation.scenarios[0].scenario = 1;
  evaluation.scenarios[0].metrics.auc = 0.5;
  evaluation.scenarios[1].name = "home/page";
  evaluation.scenarios[1].metrics.calibration = 2;
  return evaluation;
}

class RunLogTest : public FolderTest {
 protected:
  [[nodiscard]] core::RunFolder run() const { return core::RunFolder(path("run")); }
  [[nodiscard]] std::string events() const {
    std::string all;
    for (const auto& [name, bytes] : files("run/events")) all += bytes;
    return all;
  }
  // Where a tag's value stands in an event.
  [[nodiscard]] static std::string scalar(const std::string& tag, float value) {
    const std::string event = core::scalar_event(0, 0, {{tag, value}});
    return event.substr(event.find(tag));
  }
  [[nodiscard]] bool has_scalar(const std::string& tag, float value) const {
    return events().find(scalar(tag, value)) != std::string::npos;
  }
  [[nodiscard]] std::string not_written(const std::string& file) const {
    return "[files] cannot write to " + file +
           ": File too large; files of this size are forbidden here: raise ulimit -f or choose another place";
  }

  std::ostringstream out_;
};

TEST_F(RunLogTest, ALogLineIsOneObjectForToolsAndThreeScalars) {
  core::RunLog log(run(), out_, false);
  log.train(kState, 0.125);
  EXPECT_EQ(read("run/metrics.jsonl"), kTrainLine);
  log.flush();
  EXPECT_TRUE(has_scalar("train/loss", 0.25f));
  EXPECT_TRUE(has_scalar("train/learning_rate", 0.125f));
  EXPECT_TRUE(has_scalar("train/samples_per_s", 1000));
  EXPECT_NE(out_.str().find("step 3/8  epoch 0.38  1.0k samples/s  loss 0.2500"), std::string::npos) << out_.str();
}

TEST_F(RunLogTest, AnEvaluationSaysWhatIsDefined) {
  core::RunLog log(run(), out_, false);
  log.evaluation(7, "valid", some_evaluation());
  EXPECT_EQ(out_.str(), "step 7  valid AUC 0.75000  logloss 0.50000  S-GAUC 0.62500\n");
  EXPECT_EQ(read("run/metrics.jsonl"),
            R"({"kind": "evaluation", "split": "valid", "step": 7, "metrics": )" + some_evaluation().to_json() + "}\n");
  EXPECT_TRUE(has_scalar("valid/auc", 0.75f)) << "at once";
  EXPECT_TRUE(has_scalar("valid/logloss", 0.5f));
  EXPECT_TRUE(has_scalar("valid/calibration", 1));
  EXPECT_TRUE(has_scalar("valid/S-GAUC", 0.625f));
  EXPECT_TRUE(has_scalar("valid/scenario_1/auc", 0.5f));
  EXPECT_TRUE(has_scalar("valid/scenario_home%2Fpage/calibration", 2)) << "TensorBoard groups by slashes";
  for (const char* undefined : {"GAUC(user)", "scenario_1/calibration", "scenario_home%2Fpage/auc"})
    EXPECT_EQ(events().find(undefined), std::string::npos) << undefined;
}

TEST_F(RunLogTest, AnEvaluationOfNothingHasDashes) {
  core::RunLog log(run(), out_, false);
  log.evaluation(7, "valid", {});
  log.note("and on");
  log.finish();
  EXPECT_EQ(out_.str(), "step 7  valid AUC -  logloss -  S-GAUC -\nand on\n");
}

TEST_F(RunLogTest, ANewRunBeginsItsFilesAndOneThatGoesOnKeepsThem) {
  write("run/metrics.jsonl", "{\"step\": 1}\n");
  write("run/events/events.out.tfevents.1.host.polyscene", "earlier");
  {
    core::RunLog log(run(), out_, true);
    log.train(kState, 0.125);
  }
  EXPECT_EQ(read("run/metrics.jsonl"), std::string("{\"step\": 1}\n") + kTrainLine);
  EXPECT_EQ(read("run/events/events.out.tfevents.1.host.polyscene"), "earlier");
  EXPECT_EQ(files("run/events").size(), 2u);
  const core::RunLog log(run(), out_, false);
  EXPECT_EQ(read("run/metrics.jsonl"), "");
}

TEST_F(RunLogTest, FilesThatCannotBeMadeEndTheStart) {
  fs::create_directories(path("run/metrics.jsonl"));
  EXPECT_EQ(message_of<DataError>([&] { const core::RunLog log(run(), out_, false); }),
            "[files] cannot create " + path("run/metrics.jsonl") + ": Is a directory; choose another place");
}

TEST_F(RunLogTest, AFullDiskIsSaidOnceAndCountedInTheEnd) {
  core::RunLog log(run(), out_, false);
  log.evaluation(3, "valid", {});
  const auto before = files("run");
  std::ostringstream().swap(out_);
  {
    const SizeLimit limit(1);
    log.evaluation(4, "valid", {});
    log.evaluation(5, "valid", {});
  }
  EXPECT_EQ(files("run"), before) << "no half of a line or an event";
  const std::string first = not_written(path("run/metrics.jsonl"));
  EXPECT_EQ(out_.str(), "a log could not be written, training continues: " + first +
                            "\nstep 4  valid AUC -  logloss -  S-GAUC -\nstep 5  valid AUC -  logloss -  S-GAUC -\n");
  std::ostringstream().swap(out_);
  log.evaluation(6, "valid", {});
  log.finish();
  EXPECT_EQ(out_.str(),
            "step 6  valid AUC -  logloss -  S-GAUC -\nmetrics.jsonl and events/ are incomplete: 4 writes "
            "failed, the first with: " +
                first + "\n");
  EXPECT_NE(read("run/metrics.jsonl").find("\"step\": 6"), std::string::npos) << "there was space again";
}

TEST_F(RunLogTest, OneFailedWriteIsOne) {
  core::RunLog log(run(), out_, false);
  {
    const SizeLimit limit(0, 1);
    log.evaluation(4, "valid", {});
  }
  std::ostringstream().swap(out_);
  log.finish();
  EXPECT_EQ(out_.str(), "metrics.jsonl and events/ are incomplete: 1 write failed, the first with: " +
                            not_written(path("run/metrics.jsonl")) + "\n");
}

}  // namespace
}  // namespace polyscene::testing
