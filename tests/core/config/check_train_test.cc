#include "config_files.h"

namespace polyscene::core {
namespace {

class CheckTrainTest : public ConfigTest {
 protected:
  std::string error_with(const std::string& inside, const std::string& base = kRich) const {
    const std::string error = error_of("train { " + inside + " }\n" + base), prefix = "[config] x.pbtxt:1:";
    return error.starts_with(prefix) ? error.substr(prefix.size()) : "unexpected: " + error;
  }
};

TEST_F(CheckTrainTest, Sizes) {
  EXPECT_EQ(error_with("batch_size: 0"), "9: train.batch_size wants 1 to 16777216 rows, got 0");
  EXPECT_EQ(error_with("eval_batch_size: 0"), "9: train.eval_batch_size wants 1 to 16777216 rows, got 0");
  EXPECT_EQ(error_with("epochs: 0"), "9: train.epochs wants at least 1, got 0; to stop sooner set train.max_steps");
  EXPECT_EQ(error_with("max_steps: -1"), "9: train.max_steps wants at least 0 (0: as many as the epochs have), got -1");
  EXPECT_EQ(error_with("clip_norm: -1"), "9: train.clip_norm wants at least 0 (0: off), got -1");
  EXPECT_EQ(error_with("min_tail_share: 2"), "9: train.min_tail_share wants a share from 0 to 1, got 2");
  EXPECT_EQ(error_with("eval_every: -1"),
            "9: train.eval_every wants at least 0 steps (0: at the end of each epoch), got -1");
  EXPECT_EQ(error_with("log_every: 0"), "9: train.log_every wants at least 1 step, got 0");
}

TEST_F(CheckTrainTest, VirtualRanks) {
  EXPECT_EQ(error_with("virtual_ranks: -1"),
            "9: train.virtual_ranks wants at least 0 (0: as many as there are ranks), got -1");
  EXPECT_EQ(error_with("virtual_ranks: 17"),
            "9: train.virtual_ranks wants at most data.lanes (16), since a rank reads whole lanes, got 17");
}

TEST_F(CheckTrainTest, Optimizer) {
  EXPECT_EQ(error_with("optimizer { learning_rate: nan }"),
            "21: train.optimizer.learning_rate wants a number above 0, got nan");
  EXPECT_EQ(error_with("optimizer { kind: SGD beta2: 0.5 }"),
            "31: train.optimizer.beta2 has no effect with kind SGD; remove it or choose another kind");
}

TEST_F(CheckTrainTest, Schedule) {
  EXPECT_EQ(error_with("schedule { warmup_steps: -1 }"), "20: train.schedule.warmup_steps wants at least 0, got -1");
  EXPECT_EQ(error_with("max_steps: 10 schedule { warmup_steps: 10 }"),
            "34: train.schedule.warmup_steps wants fewer than train.max_steps (10), got 10; the full learning rate "
            "would never be reached");
  EXPECT_EQ(error_with("schedule { decay: LINEAR decay_steps: -1 }"),
            "34: train.schedule.decay_steps wants at least 0 (0: to the end of training), got -1");
  EXPECT_EQ(error_with("schedule { decay: COSINE final_factor: 1.5 }"),
            "34: train.schedule.final_factor wants a factor from 0 to 1, got 1.5");
  EXPECT_EQ(
      error_with("schedule { decay_steps: 5 }"),
      "20: train.schedule.decay_steps has no effect with decay CONSTANT; add decay: LINEAR, COSINE or EXPONENTIAL");
  EXPECT_EQ(
      error_with("schedule { final_factor: 0.5 }"),
      "20: train.schedule.final_factor has no effect with decay CONSTANT; add decay: LINEAR, COSINE or EXPONENTIAL");
  EXPECT_EQ(
      error_with("schedule { decay: EXPONENTIAL }"),
      "9: train.schedule.final_factor wants more than 0 with decay EXPONENTIAL (the factor per decay_steps), got 0\n"
      "[config] x.pbtxt:1:9: train.schedule.decay_steps wants at least 1 with decay EXPONENTIAL, got 0");
}

TEST_F(CheckTrainTest, EvaluationNeedsRows) {
  EXPECT_EQ(error_with("eval_every: 5", kLeast),
            "9: train.eval_every wants rows to evaluate, but data.valid_files is empty; add valid_files or remove "
            "eval_every");
  EXPECT_EQ(error_with("early_stop {}", kLeast),
            "9: train.early_stop wants rows to evaluate, but data.valid_files is empty; add valid_files or remove "
            "early_stop");
}

TEST_F(CheckTrainTest, EarlyStop) {
  EXPECT_EQ(error_with("early_stop { patience: 0 }"),
            "22: train.early_stop.patience wants at least 1 evaluation, got 0");
  EXPECT_EQ(error_with("early_stop { min_delta: -1 }"), "22: train.early_stop.min_delta wants at least 0, got -1");
  EXPECT_EQ(error_of(kRich, {"data.scenario_column=", "train.early_stop.metric=S_GAUC"}),
            "[config] --set train.early_stop.metric=S_GAUC: train.early_stop.metric S_GAUC wants to know each row's "
            "scenario; set "
            "data.scenario_column or choose AUC");
}

}  // namespace
}  // namespace polyscene::core
