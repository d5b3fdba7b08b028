// The loop over steps: how many it makes, on which rows, and what it evaluates, logs and saves when.
#include "core/train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "core/checkpoint/checkpoint.h"
#include "tests/core/train/small_run.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

using Steps = std::vector<int64_t>;

class TrainerTest : public SmallRunTest {
 protected:
  config::Checkpoint& checkpoints() { return *train_config().mutable_checkpoint(); }
  // Steps of the checkpoints that a run has.
  [[nodiscard]] Steps saved(const std::string& folder) const {
    Steps steps;
    for (const auto& entry : fs::directory_iterator(path(folder + "/checkpoints")))
      steps.push_back(core::position_of_checkpoint(entry.path().string()).step);
    std::ranges::sort(steps);
    return steps;
  }
  [[nodiscard]] core::TrainPosition position(const std::string& folder) const {
    return core::position_of_checkpoint(core::find_checkpoint(path(folder)));
  }
  [[nodiscard]] core::TrainJob resumed(const std::string& folder,
                                       const std::vector<std::string>& overrides = {}) const {
    const std::string checkpoint = core::find_checkpoint(path(folder));
    return {
        .experiment = core::load_resume_config(checkpoint, overrides), .output = path(folder), .resume = checkpoint};
  }
  // The model in a link of a run.
  [[nodiscard]] std::string model(const std::string& folder, const std::string& link) const {
    return fs::read_symlink(path(folder + "/" + link)).filename().string();
  }
};

TEST_F(TrainerTest, MakesTheStepsOfAllEpochs) {
  train_config().set_epochs(2);
  checkpoints().set_every_steps(100);
  const std::string printed = run(job("run"));
  EXPECT_EQ(logged_steps("run", "train"), (Steps{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_NE(printed.find("done: 10 steps, 80 samples, "), std::string::npos) << printed;
  const core::TrainPosition end = position("run");
  EXPECT_EQ(end.step, 10);
  EXPECT_EQ(end.trained_steps, 10);
  EXPECT_EQ(end.rows_trained, 80);
  EXPECT_EQ(trained_items("run").size(), 40u);
}

TEST_F(TrainerTest, StopsAtMaxStepsInTheMiddleOfAnEpoch) {
  train_config().set_epochs(3);
  train_config().set_max_steps(7);
  checkpoints().set_every_steps(100);
  run(job("run"));
  EXPECT_EQ(logged_steps("run", "train").back(), 7);
  EXPECT_EQ(position("run"),
            (core::TrainPosition{.step = 7, .trained_steps = 7, .epoch = 1, .batches = 2, .rows_trained = 56}));
}

// The model starts at 0, so each row has the probability 1/2, and half of the rows of any batch are near: the first
// loss is ln 2, and all weights move as the gradient of one batch says.
TEST_F(TrainerTest, TheFirstStepIsThatOfTheGradient) {
  train_config().set_batch_size(kRows);
  run(job("run"));
  ASSERT_EQ(logged_steps("run", "train"), (Steps{1}));
  const nlohmann::json line = logged("run", "train")[0];
  EXPECT_NEAR(line["loss"], std::log(2.0), 1e-7);
  EXPECT_EQ(line["learning_rate"], 0.5);
  EXPECT_EQ(line["epoch"], 1.0);
  // Each of the 20 rows of a kind adds (1/2 - click) / 40 to the gradient of its weight.
  const core::SafetensorsFile kinds(path("run/model/tables/kind-00000-of-00001.safetensors"));
  const auto keys = kinds.tensor("keys").elements<const int64_t>();
  const auto weights = kinds.tensor("values").elements<const float>();
  ASSERT_EQ(keys.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_NEAR(weights[i], keys[i] == 1 ? 0.125 : -0.125, 1e-7);
}

TEST_F(TrainerTest, LogsEveryFewStepsAndAtTheEndOfAnEpoch) {
  train_config().set_epochs(2);
  train_config().set_log_every(3);
  run(job("run"));
  EXPECT_EQ(logged_steps("run", "train"), (Steps{3, 5, 6, 9, 10}));
}

TEST_F(TrainerTest, SavesAtTheStepsThatAreNamedAndAtTheEnd) {
  train_config().set_epochs(2);
  checkpoints().set_every_steps(3);
  checkpoints().set_keep_last(10);
  run(job("run"));
  EXPECT_EQ(saved("run"), (Steps{3, 6, 9, 10}));
  checkpoints().clear_every_steps();
  run(job("none"));
  EXPECT_FALSE(fs::exists(path("none/checkpoints/step-0000000010")));
}

TEST_F(TrainerTest, EvaluatesAtTheEndOfEachEpochOrEveryFewSteps) {
  write_rows("valid.parquet", 12, 1);
  experiment_.mutable_data()->add_valid_files("valid.parquet");
  train_config().set_epochs(2);
  run(job("epochs"));
  EXPECT_EQ(logged_steps("epochs", "evaluation"), (Steps{5, 10}));
  train_config().set_eval_every(4);
  run(job("steps"));
  EXPECT_EQ(logged_steps("steps", "evaluation"), (Steps{4, 8, 10}));
  const nlohmann::json last = logged("steps", "evaluation").back()["metrics"];
  EXPECT_EQ(last["rows"], 12);
  EXPECT_EQ(last["auc"], 1.0) << "the click follows from the kind";
}

// Every row has an item of its own, and a table has rows of the items that were trained.
TEST_F(TrainerTest, AResumedRunGoesOnAtTheNextRow) {
  checkpoints().set_every_steps(2);
  train_config().set_max_steps(2);
  run(job("run"));
  EXPECT_EQ(trained_items("run").size(), 16u);
  const std::string printed = run(resumed("run", {"train.max_steps=4"}));
  EXPECT_EQ(trained_items("run").size(), 32u) << "another 16";
  EXPECT_NE(printed.find("done: 4 steps, 32 samples, "), std::string::npos) << printed;
  run(resumed("run", {"train.max_steps=0"}));
  EXPECT_EQ(trained_items("run").size(), 40u);
  EXPECT_EQ(logged_steps("run", "train"), (Steps{1, 2, 3, 4, 5}));
  EXPECT_EQ(position("run").rows_trained, 40);
}

TEST_F(TrainerTest, AResumedRunEndsWithTheModelOfOneThatWasNotStopped) {
  checkpoints().set_every_steps(3);
  train_config().set_epochs(2);
  run(job("whole"));
  train_config().set_max_steps(7);
  run(job("stopped"));
  EXPECT_EQ(trained_items("stopped").size(), 40u);
  run(resumed("stopped", {"train.max_steps=0"}));
  EXPECT_EQ(read("stopped/model/dense.safetensors"), read("whole/model/dense.safetensors"));
  for (const char* table : {"item", "kind"}) {
    const std::string name = str("/model/tables/", table, "-00000-of-00001.safetensors");
    EXPECT_EQ(read("stopped" + name), read("whole" + name));
  }
}

TEST_F(TrainerTest, ARunThatHasEndedTrainsNoStepMore) {
  checkpoints().set_every_steps(3);
  run(job("run"));
  const std::string before = read("run/model/dense.safetensors");
  const std::string printed = run(resumed("run"));
  EXPECT_EQ(logged_steps("run", "train"), (Steps{1, 2, 3, 4, 5}));
  EXPECT_EQ(read("run/model/dense.safetensors"), before);
  EXPECT_NE(printed.find(", 40 samples\n"), std::string::npos) << printed;
}

// What is clicked for validation is what is not clicked for training, so the AUC is 0 after the first step and stays
// there: nothing is better than the first evaluation.
TEST_F(TrainerTest, StopsEarlyOnceNothingImproves) {
  write_rows("valid.parquet", 12, 0);
  experiment_.mutable_data()->add_valid_files("valid.parquet");
  train_config().set_epochs(10);
  train_config().set_eval_every(1);
  train_config().mutable_early_stop()->set_patience(2);
  checkpoints().set_every_steps(100);
  const std::string printed = run(job("run"));
  EXPECT_EQ(logged_steps("run", "evaluation"), (Steps{1, 2, 3}));
  for (const nlohmann::json& line : logged("run", "evaluation")) EXPECT_EQ(line["metrics"]["auc"], 0.0);
  EXPECT_EQ(position("run").step, 3);
  EXPECT_EQ(model("run", "model"), "step-0000000001");
  EXPECT_EQ(model("run", "best_model"), "step-0000000001");
  run(resumed("run"));
  EXPECT_EQ(logged_steps("run", "train"), (Steps{1, 2, 3})) << "a run that has stopped stays stopped";
}

TEST_F(TrainerTest, WithoutEarlyStopTheModelIsThatOfTheLastStep) {
  write_rows("valid.parquet", 12, 0);
  experiment_.mutable_data()->add_valid_files("valid.parquet");
  train_config().set_eval_every(1);
  run(job("run"));
  EXPECT_EQ(logged_steps("run", "evaluation"), (Steps{1, 2, 3, 4, 5}));
  EXPECT_EQ(model("run", "model"), "step-0000000005");
  EXPECT_EQ(model("run", "best_model"), "step-0000000001");
}

TEST_F(TrainerTest, ARequestToStopEndsItAfterTheStep) {
  const std::atomic<bool> stop = true;
  checkpoints().set_every_steps(100);
  core::TrainJob asked = job("run");
  asked.stop = &stop;
  run(asked);
  EXPECT_EQ(position("run"),
            (core::TrainPosition{.step = 1, .trained_steps = 1, .epoch = 0, .batches = 1, .rows_trained = 8}));
}

// One rank is asked, and all stop at the same step.
TEST_F(TrainerTest, RanksCountTheRowsOfAllAndStopTogether) {
  const std::atomic<bool> stop = true;
  checkpoints().set_every_steps(100);
  const core::TrainJob plain = job("whole");
  core::TrainJob asked = job("stopped");
  std::ostringstream out, nothing;
  dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
    const bool is_leader = communicator.rank() == 0;
    train(plain, on_host(communicator), is_leader ? out : nothing);
    core::TrainJob mine = asked;
    if (!is_leader) mine.stop = &stop;
    train(mine, on_host(communicator), is_leader ? out : nothing);
  });
  EXPECT_EQ(nothing.str(), "") << "the first rank speaks for all";
  EXPECT_NE(out.str().find("done: 5 steps, 40 samples, "), std::string::npos) << out.str();
  EXPECT_EQ(position("whole").rows_trained, 40);
  EXPECT_EQ(position("stopped").step, 1);
  EXPECT_EQ(position("stopped").rows_trained, 8);
}

TEST_F(TrainerTest, ARunIsNotReplacedUnlessThatIsAskedFor) {
  run(job("run"));
  EXPECT_THROW(run(job("run")), InvalidArgument);
  EXPECT_EQ(logged_steps("run", "train"), (Steps{1, 2, 3, 4, 5}));
  train_config().set_max_steps(2);
  core::TrainJob again = job("run");
  again.overwrite = true;
  run(again);
  EXPECT_EQ(logged_steps("run", "train"), (Steps{1, 2}));
}

TEST_F(TrainerTest, AnEpochWithoutAGoodRowIsRefused) {
  experiment_.mutable_data()->set_max_bad_share(1);
  core::test::write_parquet(path("train.parquet"),
                            {{"item", "int64", core::test::json_list(16, [](int64_t) { return "null"; })},
                             {"kind", "int64", core::test::json_list(16, [](int64_t) { return "0"; })},
                             {"click", "int64", core::test::json_list(16, [](int64_t) { return "0"; })}});
  EXPECT_EQ(error_of<DataError>([&] { run(job("run")); }),
            "[train] nothing was trained: of the rows of 2 steps 16 were bad and 0 of other scenarios than "
            "data.only_scenarios; see run/rejects, and polyscene data inspect");
}

}  // namespace
}  // namespace polyscene::testing
