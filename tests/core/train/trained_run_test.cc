// A run that is opened again has the numbers of its files, and what cannot be opened is refused with words.
#include "core/train/trained_run.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "core/session/evaluator.h"
#include "tests/core/train/small_run.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

// A run of five steps, with a validation split where nothing improves: its best model is that of the first step.
class TrainedRunTest : public SmallRunTest {
 protected:
  static constexpr int64_t kScored = 60;  // 40 rows with the items of training, and 20 with unknown ones

  void SetUp() override {
    SmallRunTest::SetUp();
    write_rows("valid.parquet", kScored, 0);
    experiment_.mutable_data()->add_valid_files("valid.parquet");
    train_config().set_eval_every(1);
    run(job("run"));
  }
  [[nodiscard]] core::ScoreJob scoring() const {
    core::ScoreJob job;
    job.run = path("run");
    job.split = core::Split::kValid;
    return job;
  }
  [[nodiscard]] std::string refused(const core::ScoreJob& job) const {
    return error_of<Error>([&] { core::TrainedRun run(job, on_host(*world_)); });
  }
  // What logistic regression says of the row with this item, by the weights in a model's files.
  [[nodiscard]] std::vector<float> logits_by_hand(const std::string& model) const {
    const auto weights = [&](const std::string& table) {
      const core::SafetensorsFile file(
          path(str("run/models/", model, "/tables/", table, "-00000-of-00001.safetensors")));
      const auto keys = file.tensor("keys").elements<const int64_t>();
      const auto values = file.tensor("values").elements<const float>();
      std::map<int64_t, float> all;
      for (size_t i = 0; i < keys.size(); ++i) all[keys[i]] = values[i];
      return all;
    };
    std::map<int64_t, float> item = weights("item"), kind = weights("kind");
    const core::SafetensorsFile dense(path("run/models/" + model + "/dense.safetensors"));
    const float bias = dense.tensor("lr/b").elements<const float>()[0];
    std::vector<float> logits;
    for (int64_t row = 0; row < kScored; ++row) logits.push_back(bias + item[row] + kind[row % 2]);
    return logits;
  }
  void expect_logits(const core::ScoreJob& job, const std::string& model) const {
    core::TrainedRun run(job, on_host(*world_));
    const core::Predictions got = predict_all(run.session(), run.source());
    const std::vector<float> want = logits_by_hand(model);
    ASSERT_EQ(got.logits.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i)
      EXPECT_NEAR(got.logits[i], want.at(static_cast<size_t>(got.row_keys[i])), 1e-6) << "row " << got.row_keys[i];
  }
};

TEST_F(TrainedRunTest, HasTheModelOfTheLastStepOrTheBestOne) {
  expect_logits(scoring(), "step-0000000005");
  core::ScoreJob best = scoring();
  best.best = true;
  expect_logits(best, "step-0000000001");
  fs::remove(path("run/best_model"));
  expect_logits(best, "step-0000000005");
  EXPECT_NE(logits_by_hand("step-0000000001"), logits_by_hand("step-0000000005"));
}

TEST_F(TrainedRunTest, ScoringChangesNoTable) {
  core::TrainedRun run(scoring(), on_host(*world_));
  const std::vector<int64_t> before = run.session().tables().global_rows();
  EXPECT_EQ(before, (std::vector<int64_t>{40, 2}));
  EXPECT_EQ(predict_all(run.session(), run.source()).logits.size(), 60u) << "20 of them of items without a row";
  EXPECT_EQ(run.session().tables().global_rows(), before);
}

TEST_F(TrainedRunTest, AnyNumberOfRanksReadsIt) {
  core::TrainedRun alone(scoring(), on_host(*world_));
  const std::string want = evaluate_split(alone.session(), alone.source()).to_json();
  dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
    core::TrainedRun run(scoring(), on_host(communicator));
    EXPECT_EQ(evaluate_split(run.session(), run.source()).to_json(), want);
  });
}

TEST_F(TrainedRunTest, OverridesReplaceItsConfiguration) {
  write_rows("other.parquet", 12, 0);
  core::ScoreJob job = scoring();
  EXPECT_EQ(core::TrainedRun(job, on_host(*world_)).source().total_rows(), 60);
  job.overrides = {"data.valid_files=other.parquet", "train.eval_batch_size=5"};
  core::TrainedRun run(job, on_host(*world_));
  EXPECT_EQ(run.source().total_rows(), 12);
  EXPECT_EQ(run.source().steps_per_epoch(), 3) << "the last batch has the 2 rows that are left";
  job.overrides = {"train.eval_batch=5"};
  EXPECT_EQ(refused(job),
            "[config] --set train.eval_batch=5: unknown field \"eval_batch\" in train; did you mean "
            "\"eval_batch_size\"?");
}

TEST_F(TrainedRunTest, APredictionNeedsNoLabelAndAnEvaluationDoes) {
  const auto column = [](const char* name) {
    return core::test::TestColumn{name, "int64",
                                  core::test::json_list(3, [](int64_t i) { return std::to_string(i % 2); })};
  };
  core::test::write_parquet(path("valid.parquet"), {column("item"), column("kind"), column("more")});
  core::ScoreJob job = scoring();
  EXPECT_EQ(refused(job),
            "[data] \"valid.parquet\" has no column \"click\", wanted by label \"click\"; there are item, kind, more");
  job.predicts = true;
  job.carry = {"more"};
  core::TrainedRun run(job, on_host(*world_));
  EXPECT_EQ(run.labels(), std::vector<std::string>());
  EXPECT_EQ(run.source().carried_schema()->field_names(), (std::vector<std::string>{"row_key", "more"}));
  job.carry = {};
  write_rows("valid.parquet", 12, 0);
  EXPECT_EQ(core::TrainedRun(job, on_host(*world_)).labels(), std::vector<std::string>{"click"});
}

TEST_F(TrainedRunTest, AFolderWithoutAModelIsRefused) {
  core::ScoreJob job = scoring();
  job.run = path("nowhere");
  EXPECT_EQ(refused(job), "[checkpoint] wanted the folder of a run with a saved model, there is no folder nowhere");
  EXPECT_EQ(error_of<InvalidArgument>([&] { static_cast<void>(load_run_config(job)); }), refused(job));
  fs::create_directories(path("empty"));
  job.run = path("empty");
  EXPECT_EQ(refused(job),
            "[checkpoint] wanted the folder of a run with a saved model, empty holds no model/dense.safetensors; "
            "pass the folder that `polyscene train --output` wrote");
  fs::create_directories(path("empty/.replaced"));
  fs::copy(path("run/models/step-0000000005"), path("empty/.replaced/model"), fs::copy_options::recursive);
  EXPECT_EQ(refused(job),
            "[checkpoint] wanted the folder of a run with a saved model, empty holds no model/dense.safetensors; "
            "the run that it replaces is in empty/.replaced");
}

TEST_F(TrainedRunTest, ABestModelThatIsGoneIsNamed) {
  fs::remove_all(path("run/models/step-0000000001"));
  core::ScoreJob job = scoring();
  expect_logits(job, "step-0000000005");
  job.best = true;
  EXPECT_EQ(
      refused(job),
      "[checkpoint] wanted the model of the best evaluation, but run/best_model names "
      "run/models/step-0000000001, which holds no dense.safetensors; restore it from a copy, or leave out --best");
}

TEST_F(TrainedRunTest, ASplitWithoutFilesIsRefused) {
  core::ScoreJob job = scoring();
  job.split = core::Split::kTest;
  EXPECT_EQ(refused(job), "[data] wanted files of split test, but data.test_files is empty; try --split valid");
}

TEST_F(TrainedRunTest, BadRecordsAreListedInPlaceOfEarlierLists) {
  core::test::write_parquet(
      path("valid.parquet"),
      {{"item", "int64", "[1, null, 3]"}, {"kind", "int64", "[1, 0, 1]"}, {"click", "int64", "[1, 0, 1]"}});
  const std::string list = "{\"file\": \"earlier\"}\n";
  for (const char* name : {"valid-rank0.jsonl", "valid-rank3.jsonl", "train-rank0.jsonl"})
    write(str("rejects/", name), list);
  core::ScoreJob job = scoring();
  job.rejects = path("rejects");
  job.overrides = {"data.max_bad_share=1"};
  core::TrainedRun run(job, on_host(*world_));
  EXPECT_EQ(predict_all(run.session(), run.source()).logits.size(), 2u);
  std::map<std::string, std::string> lists = files("rejects");
  EXPECT_EQ(lists.size(), 2u) << "a rank that there is no more has no list";
  EXPECT_EQ(lists["train-rank0.jsonl"], list) << "of another split";
  EXPECT_NE(lists["valid-rank0.jsonl"].find("\"column\": \"item\""), std::string::npos) << lists["valid-rank0.jsonl"];
  EXPECT_EQ(lists["valid-rank0.jsonl"].find("earlier"), std::string::npos);
}

TEST_F(TrainedRunTest, AnothersFileIsNotReplacedByAList) {
  write("rejects/valid-rank3.jsonl", "my notes\n");
  core::ScoreJob job = scoring();
  job.rejects = path("rejects");
  EXPECT_EQ(refused(job),
            "[train] wanted to write the list of bad records to rejects/valid-rank3.jsonl, which exists and is not "
            "such a list; choose another folder for --rejects");
  EXPECT_EQ(read("rejects/valid-rank3.jsonl"), "my notes\n");
  job.rejects = path("train.parquet");
  EXPECT_EQ(refused(job), "[train] cannot make the folder train.parquet: Not a directory; choose another place");
}

}  // namespace
}  // namespace polyscene::testing
