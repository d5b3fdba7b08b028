// What a run says when it starts, when it ends, and when something is missing.
#include <gtest/gtest.h>

#include <sstream>

#include "core/train/report/run_notes.h"
#include "core/train/report/run_start.h"
#include "core/train/report/run_summary.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

template <class T>
std::string printed(const T& what) {
  std::ostringstream out;
  print(out, what);
  return out.str();
}

class RunStartTest : public ::testing::Test {
 protected:
  RunStartTest() { experiment_.set_name("planted"); }

  config::Experiment experiment_;
  core::RunStart start_{.experiment = experiment_, .rows = 2400, .steps_per_epoch = 10, .network = "local"};
};

TEST_F(RunStartTest, SaysWhatIsTrainedAndOnHowManyRanks) {
  EXPECT_EQ(printed(start_), "training planted: 2400 rows, 10 steps per epoch, 1 rank (local)\n");
  start_.ranks = 2;
  start_.network = "mpi";
  EXPECT_EQ(printed(start_), "training planted: 2400 rows, 10 steps per epoch, 2 ranks (mpi)\n");
  experiment_.mutable_train()->set_virtual_ranks(2);
  EXPECT_EQ(printed(start_), "training planted: 2400 rows, 10 steps per epoch, 2 virtual ranks on 1 rank (mpi)\n");
}

TEST_F(RunStartTest, SaysWhereItWasResumedAndWhatItTookFromAnotherModel) {
  start_.checkpoint = "run/checkpoints/step-0000000007";
  start_.step = 7;
  EXPECT_TRUE(printed(start_).ends_with("\nresumed from step 7, run/checkpoints/step-0000000007\n"));
  start_.checkpoint.clear();
  core::WarmStartReport& warm = start_.warm_start.emplace();
  warm.folder = "old/model";
  warm.tensors = {"head/0/w"};
  warm.tables = {"user"};
  warm.rows = {5};
  EXPECT_TRUE(printed(start_).ends_with("\nwarm start from old/model: 1 tensors, 1 tables with 5 rows\n"));
}

TEST_F(RunStartTest, SaysByWhatDevicesExchange) {
  start_.device = {.name = "a device", .exchange = "local", .why = "NCCL is not there"};
  EXPECT_TRUE(printed(start_).ends_with("1 rank (local) on a device\n")) << "alone it exchanges nothing";
  start_.ranks = 2;
  EXPECT_TRUE(printed(start_).ends_with("\ndevices exchange rows and gradients by local (NCCL is not there)\n"));
  start_.device.why.clear();
  experiment_.mutable_embedding()->set_memory(config::Embedding::HOST);
  EXPECT_TRUE(printed(start_).ends_with(
      "\ndevices exchange gradients of dense parameters by local, the hosts rows and their gradients\n"));
}

TEST(RunEnding, SaysHowFarAndHowFast) {
  EXPECT_EQ(describe(core::RunEnding{.step = 120, .samples = 61440, .seconds = 2}),
            "done: 120 steps, 61440 samples, 30720.0 samples/s");
  EXPECT_EQ(describe(core::RunEnding{.ending = core::Ending::kEarlyStop,
                                     .step = 8,
                                     .samples = 90,
                                     .resumed_step = 4,
                                     .resumed_samples = 50,
                                     .seconds = 4}),
            "stopped early at step 8, 90 samples, 10.0 samples/s")
      << "the speed is of this job";
}

TEST(RunEnding, ASignalMayComeBeforeTheFirstStep) {
  core::RunEnding ending{.ending = core::Ending::kSignal,
                         .step = 4,
                         .samples = 40,
                         .resumed_step = 4,
                         .resumed_samples = 40,
                         .seconds = 1};
  EXPECT_EQ(describe(ending), "stopped by a signal after step 4; the model is saved, 40 samples, 0.0 samples/s");
  ending.model_is_best = true;
  EXPECT_EQ(describe(ending), "stopped by a signal after step 4, 40 samples, 0.0 samples/s");
}

TEST(RunEnding, WithNothingLeftToDoSaysHowToGoOn) {
  core::RunEnding ending{.step = 4, .samples = 40, .resumed_step = 4, .resumed_samples = 40};
  EXPECT_EQ(describe(ending), "nothing left to do: all 4 steps are done, raise train.epochs to continue, 40 samples");
  ending.by_max_steps = true;
  EXPECT_EQ(describe(ending),
            "nothing left to do: all 4 steps are done, raise train.max_steps to continue, 40 samples");
  ending.ending = core::Ending::kEarlyStop;
  EXPECT_EQ(describe(ending),
            "nothing left to do: train.early_stop ended the run at step 4, raise train.early_stop.patience or leave "
            "train.early_stop out to continue, 40 samples");
}

class RunSummaryTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    experiment_.mutable_data()->set_root(path(""));
    experiment_.mutable_data()->add_train_files("train.parquet");
  }
  [[nodiscard]] std::string next_split() const { return core::split_to_evaluate(experiment_.data()); }

  config::Experiment experiment_;
  core::RunFolder folder_{"run"};
  core::RunSummary summary_{.experiment = experiment_,
                            .folder = folder_,
                            .ending = {.step = 8, .samples = 80, .seconds = 1},
                            .tables = "tables: 1\n",
                            .saves = "model    run/model\n"};
  const std::string kHead = "done: 8 steps, 80 samples, 80.0 samples/s\n";
  const std::string kTail =
      "model    run/model\nmetrics  run/metrics.jsonl\nevents   run/events (tensorboard --logdir run)\n"
      "config   run/config.pbtxt\nnext:    polyscene evaluate --run run --split train\n";
};

TEST_F(RunSummaryTest, SaysWhereEverythingIs) { EXPECT_EQ(printed(summary_), kHead + "tables: 1\n" + kTail); }

TEST_F(RunSummaryTest, SaysWhereTheBestModelIs) {
  summary_.best = core::BestSoFar{.value = 0.75, .step = 8};
  summary_.metric = "AUC";
  EXPECT_EQ(printed(summary_), kHead + "best AUC 0.75000 at step 8\ntables: 1\n" + kTail);
  summary_.best->step = 4;
  EXPECT_EQ(
      printed(summary_),
      kHead + "best AUC 0.75000 at step 4, kept in run/best_model (evaluate and predict: --best)\ntables: 1\n" + kTail);
  experiment_.mutable_train()->mutable_early_stop();
  EXPECT_EQ(printed(summary_),
            kHead + "best AUC 0.75000 at step 4 (the model is that of this step)\ntables: 1\n" + kTail);
}

TEST_F(RunSummaryTest, SaysWhatTheDeviceDid) {
  summary_.device = {.name = "a device", .peak = "2.0 MiB (tables 2.0 MiB)", .waits = 3, .holds = 5};
  summary_.replayed = 7;
  EXPECT_EQ(printed(summary_),
            kHead +
                "tables: 1\ndevice   a device: peak 2.0 MiB (tables 2.0 MiB), waited for 3 times, held back 5 times; "
                "steps queued as a recorded graph 7\n" +
                kTail);
}

TEST_F(RunSummaryTest, SaysWhatWasLeftOut) {
  summary_.first_epoch = {.rows_read = 10, .rows_bad = 2};
  summary_.validation = {.rows_read = 5, .rows_bad = 1};
  EXPECT_EQ(printed(summary_),
            kHead +
                "tables: 1\nfirst epoch: 2 of 10 records read were bad and left out, see run/rejects\n"
                "validation: 1 of 5 records read were bad and left out, see run/rejects\n" +
                kTail);
}

TEST_F(RunSummaryTest, NamesTheSplitThatSaysMostAndHasFiles) {
  EXPECT_EQ(next_split(), "train");
  experiment_.mutable_data()->add_valid_files("valid.parquet");
  experiment_.mutable_data()->add_test_files("test-*.parquet");
  EXPECT_EQ(next_split(), "train") << "no file is there";
  write("valid.parquet", "rows");
  EXPECT_EQ(next_split(), "valid") << "the test split's may come later";
  write("test-0.parquet", "rows");
  EXPECT_EQ(next_split(), "test");
  experiment_.mutable_data()->add_test_files("more.parquet");
  EXPECT_EQ(next_split(), "valid") << "it is not whole";
}

TEST(RunNotes, SayWhatIsMissingAndThatTrainingGoesOn) {
  core::Metrics ones;
  ones.rows = ones.positives = 6;
  const std::string undefined =
      "step 3  the validation split has no AUC (6 rows, 6 of them positive): this evaluation is not the best one";
  EXPECT_EQ(describe_undefined(3, "AUC", ones, false), undefined);
  EXPECT_EQ(describe_undefined(3, "AUC", ones, true), undefined + ", and train.early_stop does not count it");
  EXPECT_EQ(core::describe_unsaved_model(3, "why"), "model of step 3 not saved, training continues: why");
  EXPECT_EQ(core::describe_failed_checkpoint("why"), "checkpoint failed, training continues: why");
}

}  // namespace
}  // namespace polyscene::testing
