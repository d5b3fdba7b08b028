// When a run saves, in which order a save is begun, finished and removed, and what a user reads of one that failed.
#include "core/train/run_saves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <regex>
#include <sstream>
#include <thread>

#include "dist/world.h"
#include "tests/core/models/model_harness.h"
#include "tests/core/session/random_batch.h"
#include "tests/support/memory_folder.h"
#include "tests/support/rank.h"
#include "tests/support/size_limit.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

core::Evaluation with_auc(double auc) {
  core::Evaluation evaluation;
  evaluation.overall.auc = auc;
  return evaluation;
}

// A run of one rank whose checkpoints are due at every second step.
class RunSavesTest : public MemoryFolderTest {
 protected:
  void SetUp() override {
    MemoryFolderTest::SetUp();
    write("train.parquet", "rows");
    fs::create_directories(path("run"));
    run_.emplace(path("run"));
    experiment_.mutable_embedding()->set_partitions(8);
    experiment_.mutable_data()->set_root(path(""));
    experiment_.mutable_data()->set_train_files(0, "train.parquet");
    experiment_.mutable_train()->mutable_checkpoint()->set_every_steps(2);
    open();
  }
  // As a job that is started anew.
  void open() {
    saves_.reset();
    session_.emplace(experiment_, schema_, on_host(*world_));
    saves_.emplace(experiment_, *run_, *session_);
  }
  void train(int64_t step) { session_->train_step(random_batch(schema_, 8, static_cast<uint64_t>(step)), 8, 1); }
  // Begins the checkpoint of a step, which is of so many steps; returns what is said then, without the folder's name.
  std::string begin(int64_t step) {
    train(step);
    return said([&] { return saves_->checkpoint({.step = step, .trained_steps = step}); });
  }
  std::string finish() {
    return said([&] { return saves_->finish_checkpoint(); });
  }
  void wait_until_written() {
    for (int i = 0; i < 2000 && !saves_->written(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(saves_->written());
  }
  template <class F>
  [[nodiscard]] std::string said(const F& f) const {
    const std::string words = f();
    return words.empty() ? "" : error_of<DataError>([&] { throw DataError(words); });
  }
  // "resume ..." and so on, without the folder's name, S in place of seconds.
  [[nodiscard]] std::string printed() const {
    return std::regex_replace(said([&] { return saves_->describe(); }), std::regex("[0-9]+\\.[0-9][0-9] s"), "S s");
  }
  [[nodiscard]] Names names_in(const std::string& folder) const {
    Names names;
    std::error_code error;
    for (fs::directory_iterator entry(path(folder), error); !error && entry != fs::directory_iterator();
         entry.increment(error))
      names.push_back(entry->path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] std::string checkpoint(int64_t step) const { return path(str("run/checkpoints/step-000000000", step)); }
  [[nodiscard]] size_t links(int64_t step) const { return core::chain_of(checkpoint(step)).size(); }
  // From then on no folder can be made there, not even by root.
  void close_checkpoints() const {
    fs::remove_all(path("run/checkpoints"));
    fs::create_directory_symlink("/proc", path("run/checkpoints"));
  }
  [[nodiscard]] static std::string not_begun(int64_t step) {
    return str("[checkpoint] cannot make the folder run/checkpoints/step-000000000", step,
               ".partial/tables: No such file or directory; there is no folder run/checkpoints/step-000000000", step,
               ".partial: make it first, or choose another place");
  }
  // What is said of a file of the step's checkpoint that a disk did not take.
  [[nodiscard]] static std::string dense_not_written(int64_t step) {
    return str("step ", step, ": [files] cannot write run/checkpoints/step-000000000", step,
               ".partial/dense.safetensors: File too large; wanted ");
  }
  // The first line, up to the number of bytes.
  [[nodiscard]] static std::string up_to_bytes(const std::string& words) {
    const std::string wanted = "wanted ";
    const size_t at = words.find(wanted);
    return at == std::string::npos ? words : words.substr(0, at + wanted.size());
  }

  config::Experiment experiment_ = tiny_experiment();
  core::FeatureSchema schema_ = core::FeatureSchema::from(experiment_.data());
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
  std::optional<core::RunFolder> run_;
  std::optional<core::Session> session_;
  std::optional<core::RunSaves> saves_;
};

TEST_F(RunSavesTest, ACheckpointIsDueAtEveryMultipleAndMissingUntilOneWasBegun) {
  EXPECT_FALSE(saves_->due(1));
  EXPECT_TRUE(saves_->due(2));
  EXPECT_FALSE(saves_->due(3));
  EXPECT_TRUE(saves_->due(4));
  EXPECT_TRUE(saves_->missing(2));
  EXPECT_EQ(begin(2), "");
  EXPECT_FALSE(saves_->missing(2)) << "it is about to be saved";
  EXPECT_TRUE(saves_->missing(3)) << "a run that ends there saves that step too";
  EXPECT_EQ(finish(), "");
  EXPECT_FALSE(saves_->missing(2));
}

TEST_F(RunSavesTest, WithoutCheckpointsNoneIsDueOrMissing) {
  experiment_.mutable_train()->clear_checkpoint();
  open();
  for (const int64_t step : {0, 1, 2, 100}) {
    EXPECT_FALSE(saves_->due(step));
    EXPECT_FALSE(saves_->missing(step));
  }
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(printed(), "model    run/model (saved 0 times, S s in all)\n");
}

TEST_F(RunSavesTest, FilesThatAreNotThereAreNamedAtTheStart) {
  const auto error = [&] {
    return error_of<Error>([&] { const core::RunSaves saves(experiment_, *run_, *session_); });
  };
  experiment_.mutable_data()->add_valid_files("gone.parquet");
  EXPECT_EQ(error().substr(0, error().find(" in folder")), "[data] no such file: \"gone.parquet\" of data.valid_files");
  experiment_.mutable_data()->set_train_files(0, "no_such.parquet");
  EXPECT_EQ(error().substr(0, error().find(" in folder")),
            "[data] no such file: \"no_such.parquet\" of data.train_files");
}

TEST_F(RunSavesTest, ACheckpointIsThereOnlyOnceItIsFinished) {
  EXPECT_FALSE(saves_->written());
  EXPECT_EQ(begin(2), "");
  wait_until_written();
  EXPECT_EQ(names_in("run/checkpoints"), Names{"step-0000000002.partial"});
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(names_in("run/checkpoints"), Names{"step-0000000002"});
  EXPECT_FALSE(saves_->written());
  EXPECT_EQ(finish(), "") << "there is none left to finish";
  EXPECT_EQ(core::position_of_checkpoint(checkpoint(2)), (core::TrainPosition{.step = 2, .trained_steps = 2}));
}

TEST_F(RunSavesTest, TheNextOneFinishesTheOneBefore) {
  EXPECT_EQ(begin(2), "");
  EXPECT_EQ(begin(4), "");
  EXPECT_EQ(names_in("run/checkpoints"), (Names{"step-0000000002", "step-0000000004.partial"}));
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(names_in("run/checkpoints"), (Names{"step-0000000002", "step-0000000004"}));
  EXPECT_EQ(printed(),
            "resume   run/checkpoints (saved 2 times, training waited S s in all, last at step 4)\n"
            "model    run/model (saved 0 times, S s in all)\n");
}

TEST_F(RunSavesTest, AnEarlierOneGoesOnlyOnceTheNextIsWhole) {
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_last(1);
  EXPECT_EQ(begin(2), "");
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(begin(4), "");
  wait_until_written();
  EXPECT_EQ(names_in("run/checkpoints"), (Names{"step-0000000002", "step-0000000004.partial"}));
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(names_in("run/checkpoints"), Names{"step-0000000004"});
}

TEST_F(RunSavesTest, OneThatIsNeverFinishedIsNone) {
  EXPECT_EQ(begin(2), "");
  saves_.reset();
  EXPECT_EQ(names_in("run/checkpoints"), Names{});
}

TEST_F(RunSavesTest, OneInSoManyHoldsAllRows) {
  experiment_.mutable_train()->mutable_checkpoint()->set_full_every(3);
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_last(9);
  for (const int64_t step : {1, 2, 3, 4, 5}) EXPECT_EQ(begin(step), "");
  EXPECT_EQ(finish(), "");
  std::vector<size_t> lengths;
  for (const int64_t step : {1, 2, 3, 4, 5}) lengths.push_back(links(step));
  EXPECT_EQ(lengths, (std::vector<size_t>{1, 2, 3, 1, 2}));
}

TEST_F(RunSavesTest, AJobThatGoesOnBeginsWithAllRows) {
  experiment_.mutable_train()->mutable_checkpoint()->set_full_every(3);
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_last(9);
  EXPECT_EQ(begin(1), "");
  EXPECT_EQ(begin(2), "");
  EXPECT_EQ(finish(), "");
  open();
  EXPECT_EQ(saves_->resume_from(checkpoint(2)), (core::TrainPosition{.step = 2, .trained_steps = 2}));
  EXPECT_FALSE(saves_->missing(2)) << "a run that has nothing left to do saves nothing";
  EXPECT_EQ(begin(3), "");
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(links(2), 2u);
  EXPECT_EQ(links(3), 1u);
}

TEST_F(RunSavesTest, AFailureWhileItIsWrittenIsSaidWhenItIsFinishedAndTheEarlierOneStays) {
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_last(1);
  EXPECT_EQ(begin(2), "");
  EXPECT_EQ(finish(), "");
  {
    const SizeLimit limit(0);
    EXPECT_EQ(begin(4), "");
    wait_until_written();
    EXPECT_EQ(up_to_bytes(finish()), dense_not_written(4));
  }
  EXPECT_EQ(names_in("run/checkpoints"), Names{"step-0000000002"});
  EXPECT_EQ(finish(), "") << "it is said once";
  EXPECT_FALSE(saves_->missing(4)) << "it was tried";
  const std::string summary = printed();
  EXPECT_EQ(up_to_bytes(summary),
            "resume   run/checkpoints (saved 1 time, training waited S s in all, last at step 2)\n"
            "a checkpoint could not be written, at " +
                dense_not_written(4));
  EXPECT_TRUE(
      summary.ends_with(" bytes, wrote 0; files of this size are forbidden here: raise ulimit -f or "
                        "choose another place\nmodel    run/model (saved 0 times, S s in all)\n"))
      << summary;
  EXPECT_EQ(begin(6), "");
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(names_in("run/checkpoints"), Names{"step-0000000006"});
}

TEST_F(RunSavesTest, AFailureIsSaidByTheNextThatIsDueWhichIsTriedAllTheSame) {
  const SizeLimit limit(0, 1);
  EXPECT_EQ(begin(2), "");
  wait_until_written();  // in vain
  EXPECT_EQ(up_to_bytes(begin(4)), dense_not_written(2));
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(names_in("run/checkpoints"), Names{"step-0000000004"});
  EXPECT_EQ(up_to_bytes(printed()),
            "resume   run/checkpoints (saved 1 time, training waited S s in all, last at step 4)\n"
            "a checkpoint could not be written, at " +
                dense_not_written(2));
}

TEST_F(RunSavesTest, OneThatCannotBeBegunSaysSoAtOnce) {
  close_checkpoints();
  const std::string failed = "step 2: " + not_begun(2);
  EXPECT_EQ(begin(2), failed);
  EXPECT_FALSE(saves_->written());
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(printed(),
            "a checkpoint could not be written, at " + failed + "\nmodel    run/model (saved 0 times, S s in all)\n");
}

TEST_F(RunSavesTest, TwoFailuresAtOnceAreTwoLinesInTheirOrder) {
  {
    const SizeLimit limit(0);
    EXPECT_EQ(begin(2), "");
    wait_until_written();
  }
  close_checkpoints();
  const std::string words = begin(4), second = words.substr(words.find('\n') + 1);
  EXPECT_EQ(up_to_bytes(words), dense_not_written(2));
  EXPECT_EQ(second, "step 4: " + not_begun(4));
  EXPECT_EQ(printed(),
            "a checkpoint could not be written, at " + second + "\nmodel    run/model (saved 0 times, S s in all)\n")
      << "the summary has the last one";
}

TEST_F(RunSavesTest, AFailedOneIsNoBaseOfTheNext) {
  experiment_.mutable_train()->mutable_checkpoint()->set_full_every(3);
  experiment_.mutable_train()->mutable_checkpoint()->set_keep_last(9);
  EXPECT_EQ(begin(1), "");
  EXPECT_EQ(finish(), "");
  {
    const SizeLimit limit(0);
    EXPECT_EQ(begin(2), "");
    wait_until_written();
    EXPECT_NE(finish(), "");
  }
  for (const int64_t step : {3, 4, 5}) EXPECT_EQ(begin(step), "");
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(core::chain_of(checkpoint(4)), (Names{checkpoint(4), checkpoint(3), checkpoint(1)}));
  EXPECT_EQ(links(5), 1u);
}

TEST_F(RunSavesTest, AModelThatFindsNoSpaceWaitsForTheCheckpointAndIsTriedAgain) {
  EXPECT_EQ(begin(2), "");
  wait_until_written();
  {
    const SizeLimit limit(0, 1);
    EXPECT_EQ(saves_->best().evaluated(with_auc(0.5), 3), core::BestModel::Verdict::kBest);
  }
  EXPECT_FALSE(saves_->written()) << "the checkpoint was finished first";
  EXPECT_EQ(names_in("run/checkpoints"), Names{"step-0000000002"});
  EXPECT_EQ(names_in("run/models"), Names{"step-0000000003"});
  EXPECT_EQ(fs::read_symlink(run_->best_model()), "models/step-0000000003");
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(printed(),
            "resume   run/checkpoints (saved 1 time, training waited S s in all, last at step 2)\n"
            "model    run/model (saved 1 time, S s in all)\n");
}

TEST_F(RunSavesTest, ACheckpointThatFailedMakesRoomForTheModelAndIsSaidWithTheNext) {
  {
    const SizeLimit limit(0, 2);  // the checkpoint's thread, and the model's first try
    EXPECT_EQ(begin(2), "");
    wait_until_written();
    EXPECT_EQ(saves_->best().evaluated(with_auc(0.5), 2), core::BestModel::Verdict::kBest);
  }
  EXPECT_EQ(names_in("run/checkpoints"), Names{});
  EXPECT_EQ(names_in("run/models"), Names{"step-0000000002"});
  EXPECT_EQ(up_to_bytes(finish()), dense_not_written(2));
  EXPECT_EQ(finish(), "") << "it is said once";
}

TEST_F(RunSavesTest, AModelThatFailsTwiceIsTheCallersToSayAndTheCheckpointsFailureIsNotLost) {
  {
    const SizeLimit limit(0);
    EXPECT_EQ(begin(2), "");
    wait_until_written();
    EXPECT_EQ(up_to_bytes(error_of<DataError>([&] { (void)saves_->best().evaluated(with_auc(0.5), 2); })),
              "[files] cannot write run/models/step-0000000002.partial/dense.safetensors: File too large; wanted ");
    EXPECT_FALSE(saves_->best().best());
    EXPECT_EQ(names_in("run/models"), Names{});
  }
  EXPECT_EQ(up_to_bytes(begin(4)), dense_not_written(2));
  EXPECT_EQ(finish(), "");
  EXPECT_EQ(names_in("run/checkpoints"), Names{"step-0000000004"});
  EXPECT_EQ(saves_->best().evaluated(with_auc(0.4), 4), core::BestModel::Verdict::kBest) << "a later one may fit";
}

TEST_F(RunSavesTest, WithoutACheckpointOnItsWayAModelIsTriedOnce) {
  const SizeLimit limit(0, 1);
  EXPECT_EQ(up_to_bytes(error_of<DataError>([&] { saves_->best().finish(2); })),
            "[files] cannot write run/models/step-0000000002.partial/dense.safetensors: File too large; wanted ");
  EXPECT_EQ(printed(), "model    run/model (saved 0 times, S s in all)\n");
  saves_->best().finish(2);
  EXPECT_EQ(printed(), "model    run/model (saved 1 time, S s in all)\n");
}

TEST_F(RunSavesTest, TheModelThatACheckpointNamesStays) {
  EXPECT_EQ(saves_->best().evaluated(with_auc(0.5), 2), core::BestModel::Verdict::kBest);
  EXPECT_EQ(begin(2), "");
  for (const int64_t step : {3, 4, 5})
    EXPECT_EQ(saves_->best().evaluated(with_auc(0.1 * static_cast<double>(step + 3)), step),
              core::BestModel::Verdict::kBest);
  EXPECT_EQ(names_in("run/models"), (Names{"step-0000000002", "step-0000000004", "step-0000000005"}))
      << "of an unfinished one";
  EXPECT_EQ(finish(), "");
  saves_->best().finish(6);
  EXPECT_EQ(names_in("run/models"), (Names{"step-0000000002", "step-0000000005", "step-0000000006"}))
      << "of a finished one";
}

TEST_F(RunSavesTest, GoingOnTakesOverTheBestEvaluation) {
  EXPECT_EQ(saves_->best().evaluated(with_auc(0.5), 2), core::BestModel::Verdict::kBest);
  EXPECT_EQ(begin(2), "");
  EXPECT_EQ(finish(), "");
  open();
  const core::TrainPosition position = saves_->resume_from(checkpoint(2));
  ASSERT_TRUE(position.best);
  EXPECT_EQ(position.best, saves_->best().best());
  EXPECT_EQ(position.best->value, 0.5);
  EXPECT_EQ(position.best->model, "step-0000000002");
  EXPECT_EQ(saves_->best().evaluated(with_auc(0.5), 4), core::BestModel::Verdict::kNotBetter);
  EXPECT_EQ(saves_->best().evaluated(with_auc(0.6), 6), core::BestModel::Verdict::kBest);
}

TEST_F(RunSavesTest, GoingOnWithOtherTrainingFilesIsRefused) {
  EXPECT_EQ(begin(2), "");
  EXPECT_EQ(finish(), "");
  write("train.parquet", "other rows");
  open();
  const std::string words = error_of<InvalidArgument>([&] { (void)saves_->resume_from(checkpoint(2)); });
  EXPECT_TRUE(
      words.starts_with("[checkpoint] wanted the training files that run/checkpoints/step-0000000002 was trained "
                        "on (1 files, 4 bytes, "))
      << words;
}

TEST_F(RunSavesTest, AllRanksLearnOfAFailureOfOne) {
  close_checkpoints();
  std::vector<std::string> words(2), ends(2);
  dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
    core::Session session(experiment_, schema_, on_host(communicator));
    core::RunSaves saves(experiment_, *run_, session);
    const auto rank = static_cast<size_t>(communicator.rank());
    words[rank] = said([&] { return saves.checkpoint({.step = 2}); });
    ends[rank] = saves.finish_checkpoint();
  });
  EXPECT_EQ(words[0], "step 2: " + not_begun(2));
  EXPECT_EQ(words[1], words[0]);
  EXPECT_EQ(ends, Names(2));
}

}  // namespace
}  // namespace polyscene::testing
