// Which evaluation is the best, and which models the links of a run name, whatever happens to the run in whatever
// order.
#include "core/train/best_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <sstream>

#include "core/checkpoint/folders.h"
#include "core/checkpoint/held_model.h"
#include "core/checkpoint/manifest_file.h"
#include "dist/world.h"
#include "ops/base/error.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

namespace fs = std::filesystem;

Evaluation with_auc(std::optional<double> auc) {
  Evaluation evaluation;
  evaluation.overall.rows = 10;
  evaluation.overall.auc = auc;
  evaluation.overall.logloss = 0.5;
  return evaluation;
}

// Stands for a process that is killed while it saves.
struct Killed {};

// A run whose model is a text: the step it is of.
class RunOfTexts {
 public:
  explicit RunOfTexts(const std::string& folder) : run_(folder) {
    fs::create_directories(run_.checkpoints());
    train_.mutable_early_stop()->set_patience(1000);
    train_.clear_early_stop();
    start();
  }

  void evaluate(std::optional<double> auc) {
    ++step_;
    static_cast<void>(model_->evaluated(with_auc(auc), step_));
    if (auc && (!best_ || *auc > best_->first)) best_ = {*auc, step_};
    check_while_training();
  }
  void killed_in_a_save() {
    ++step_;
    kill_ = true;
    EXPECT_THROW(static_cast<void>(model_->evaluated(with_auc(2.0 + static_cast<double>(step_)), step_)), Killed);
    kill_ = false;
    resume();
  }
  void checkpoint() {
    const std::string name = checkpoint::name_of(step_);
    fs::create_directories(run_.checkpoints() + "/" + name + "/tables");
    checkpoint::Manifest manifest;
    manifest.set_schema(checkpoint::kFull);
    manifest.set_step(step_);
    manifest.set_ranks(1);
    if (const auto& best = model_->best()) {
      manifest.set_best(best->value);
      manifest.set_best_step(best->step);
      manifest.set_best_model(best->model);
    }
    checkpoint::write_manifest(run_.checkpoints() + "/" + name, manifest);
    saved_[step_] = {model_->best(), best_};
    if (saved_.size() > 2) lose(saved_.begin()->first);
  }
  // In place of whatever the process did next.
  void resume() {
    start();
    if (saved_.empty()) return;  // nobody goes on without one; a run that is begun anew has other tests
    step_ = saved_.rbegin()->first;
    best_ = saved_.rbegin()->second.second;
    EXPECT_EQ(model_->resume_from(saved_.rbegin()->second.first), "");
    check_while_training();
  }
  void lose_newest_and_resume() {
    if (saved_.size() > 1) lose(saved_.rbegin()->first);
    resume();
  }
  void end() {
    checkpoint();
    model_->finish(step_);
    check_links(train_.has_early_stop() && best_ ? best_->second : step_);
    resume();
  }
  void toggle_early_stop() {
    if (train_.has_early_stop())
      train_.clear_early_stop();
    else
      train_.mutable_early_stop()->set_patience(1000);
    end();
  }

 private:
  void start() {
    model_.emplace(train_, "", run_, *world_, [this](const std::string& folder) {
      fs::create_directories(folder + (kill_ ? ".partial" : ""));
      if (kill_) throw Killed();
      std::ofstream(folder + "/dense.safetensors") << step_;
      std::ofstream(HeldModel::lock_file(folder)) << "#";
    });
  }
  void lose(int64_t step) {
    fs::remove_all(run_.checkpoints() + "/" + checkpoint::name_of(step));
    saved_.erase(step);
  }
  [[nodiscard]] static std::string text(const std::string& folder) {
    std::ifstream file(folder + "/dense.safetensors");
    std::stringstream read;
    read << file.rdbuf();
    return read.str();
  }
  void check_while_training() {
    if (best_) check_links(best_->second);
  }
  void check_links(int64_t model) {
    EXPECT_EQ(text(HeldModel::of_run(run_.path(), false).path()), std::to_string(model));
    EXPECT_EQ(text(run_.best_model()), best_ ? std::to_string(best_->second) : "");
    ASSERT_EQ(model_->best().has_value(), best_.has_value());
    if (best_) {
      EXPECT_EQ(model_->best()->step, best_->second);
      EXPECT_EQ(model_->best()->value, best_->first);
    }
    for (const auto& [step, saved] : saved_)
      if (saved.first) {
        EXPECT_EQ(text(run_.models() + "/" + saved.first->model), std::to_string(saved.second->second));
      }
    // Two that links name, two that checkpoints name, and the ones before, which go with the next save.
    EXPECT_LE(std::distance(fs::directory_iterator(run_.models()), fs::directory_iterator()), 6);
  }

  using Best = std::optional<std::pair<double, int64_t>>;

  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
  RunFolder run_;
  config::Train train_;
  std::optional<BestModel> model_;
  std::map<int64_t, std::pair<std::optional<BestSoFar>, Best>> saved_;  // by step: as saved, and as it was
  Best best_;
  int64_t step_ = 0;
  bool kill_ = false;
};

// In memory where there is such a file system: thousands of small files reach no disk then.
class BestModels : public testing::FolderTest {
 protected:
  BestModels() {
    if (fs::is_directory("/dev/shm")) shared_ = str("/dev/shm/polyscene_best_", ::getpid());
  }
  ~BestModels() override {
    std::error_code none;
    if (!shared_.empty()) fs::remove_all(shared_, none);
  }
  [[nodiscard]] std::string folder() const { return shared_.empty() ? path("run") : shared_; }

 private:
  std::string shared_;
};

// All orders of three events, and some long ones.
TEST_F(BestModels, HoldInAnyOrderOfEvents) {
  const std::vector<std::pair<const char*, std::function<void(RunOfTexts&, double)>>> events = {
      {"better", [](RunOfTexts& run, double best) { run.evaluate(best); }},
      {"worse", [](RunOfTexts& run, double) { run.evaluate(0.1); }},
      {"undefined", [](RunOfTexts& run, double) { run.evaluate({}); }},
      {"checkpoint", [](RunOfTexts& run, double) { run.checkpoint(); }},
      {"kill", [](RunOfTexts& run, double) { run.resume(); }},
      {"kill in a save", [](RunOfTexts& run, double) { run.killed_in_a_save(); }},
      {"end", [](RunOfTexts& run, double) { run.end(); }},
      {"early stop on or off", [](RunOfTexts& run, double) { run.toggle_early_stop(); }},
      {"checkpoint lost", [](RunOfTexts& run, double) { run.lose_newest_and_resume(); }},
  };
  const size_t kinds = events.size();
  const auto happen = [&](const std::vector<size_t>& order) {
    fs::remove_all(folder());
    RunOfTexts run(folder());
    run.checkpoint();
    std::string names;
    double value = 0.5;
    for (const size_t kind : order) {
      names += str(", ", events[kind].first);
      events[kind].second(run, value += 0.01);
    }
    run.end();
    ASSERT_FALSE(HasFailure()) << "after a checkpoint" << names;
  };
  for (size_t order = 0; order < kinds * kinds * kinds; ++order) {
    happen({order % kinds, order / kinds % kinds, order / kinds / kinds});
    if (HasFailure()) return;
  }
  std::mt19937 random(1);
  for (int order = 0; order < 300 && !HasFailure(); ++order) {
    std::vector<size_t> order_of_events(10);
    for (size_t& kind : order_of_events) kind = random() % kinds;
    happen(order_of_events);
  }
}

class BestModelRules : public testing::FolderTest {
 protected:
  void SetUp() override {
    testing::FolderTest::SetUp();
    run_.emplace(path("run"));
    fs::create_directories(run_->checkpoints());
  }

  [[nodiscard]] BestModel make(const std::string& valid = "1 files") {
    return {train_, valid, *run_, *world_, [this](const std::string& folder) {
              fs::create_directories(folder);
              std::ofstream(folder + "/dense.safetensors") << ++saves_;
              std::ofstream(HeldModel::lock_file(folder)) << "#";
            }};
  }
  [[nodiscard]] std::vector<std::string> models() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(run_->models())) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
  std::optional<RunFolder> run_;
  config::Train train_;
  int saves_ = 0;
};

TEST_F(BestModelRules, EarlyStopCountsDefinedEvaluationsThatAreNotBetter) {
  train_.mutable_early_stop()->set_patience(2);
  train_.mutable_early_stop()->set_min_delta(0.1);
  BestModel best = make();
  EXPECT_EQ(best.evaluated(with_auc({}), 1), BestModel::Verdict::kUndefined);
  EXPECT_EQ(best.evaluated(with_auc(0.5), 2), BestModel::Verdict::kBest);
  EXPECT_EQ(best.evaluated(with_auc(0.55), 3), BestModel::Verdict::kNotBetter);
  EXPECT_EQ(best.evaluated(with_auc({}), 4), BestModel::Verdict::kUndefined);
  EXPECT_FALSE(best.should_stop());
  EXPECT_EQ(best.evaluated(with_auc(0.4), 5), BestModel::Verdict::kNotBetter);
  EXPECT_TRUE(best.should_stop());
  // A run that stopped has nothing left to do when it goes on; with more patience it has.
  BestModel again = make();
  EXPECT_EQ(again.resume_from(best.best()), "");
  EXPECT_TRUE(again.should_stop());
  train_.mutable_early_stop()->set_patience(3);
  EXPECT_FALSE(again.should_stop());
  // Without early stop nothing is counted.
  train_.clear_early_stop();
  BestModel without = make();
  EXPECT_EQ(without.resume_from(best.best()), "");
  EXPECT_EQ(without.evaluated(with_auc(0.4), 6), BestModel::Verdict::kNotBetter);
  EXPECT_EQ(without.best()->misses, 0);
}

TEST_F(BestModelRules, AnImprovementOfExactlyTheLeastIsNone) {
  train_.mutable_early_stop()->set_min_delta(0.25);  // such that sums and differences are exact
  BestModel best = make();
  EXPECT_EQ(best.evaluated(with_auc(0.25), 1), BestModel::Verdict::kBest);
  EXPECT_EQ(best.evaluated(with_auc(0.5), 2), BestModel::Verdict::kNotBetter);
  EXPECT_EQ(best.evaluated(with_auc(0.515625), 3), BestModel::Verdict::kBest);
  train_.mutable_early_stop()->set_min_delta(0);
  EXPECT_EQ(best.evaluated(with_auc(0.515625), 4), BestModel::Verdict::kNotBetter) << "as good is not better";
  EXPECT_EQ(best.best()->value, 0.515625);
  EXPECT_EQ(best.best()->step, 3);
}

TEST_F(BestModelRules, OfLoglossLessIsBetter) {
  train_.mutable_early_stop()->set_metric(config::EarlyStop::LOGLOSS);
  train_.mutable_early_stop()->set_min_delta(0.25);
  BestModel best = make();
  EXPECT_STREQ(best.metric_name(), "logloss");
  const auto evaluated = [&](std::optional<double> logloss, int64_t step) {
    Evaluation evaluation = with_auc(0.1 * static_cast<double>(step));  // which rises, and is not looked at
    evaluation.overall.logloss = logloss;
    return best.evaluated(evaluation, step);
  };
  EXPECT_EQ(evaluated({}, 1), BestModel::Verdict::kUndefined);
  EXPECT_EQ(evaluated(1.0, 2), BestModel::Verdict::kBest);
  EXPECT_EQ(evaluated(0.75, 3), BestModel::Verdict::kNotBetter);
  EXPECT_EQ(evaluated(0.5, 4), BestModel::Verdict::kBest);
  EXPECT_EQ(evaluated(2.0, 5), BestModel::Verdict::kNotBetter);
  EXPECT_EQ(best.best()->metric, "LOGLOSS");
  EXPECT_EQ(best.best()->value, 0.5);
}

TEST_F(BestModelRules, OfSGaucTheFirstOfTheGroupedOnesCounts) {
  train_.mutable_early_stop()->set_metric(config::EarlyStop::S_GAUC);
  BestModel best = make();
  EXPECT_STREQ(best.metric_name(), "S-GAUC");
  const auto evaluated = [&](std::vector<GroupedAuc> grouped, int64_t step) {
    Evaluation evaluation = with_auc(0.9);
    evaluation.grouped = std::move(grouped);
    return best.evaluated(evaluation, step);
  };
  const GroupedAuc of_users{.name = "GAUC(user)", .value = 0.99};
  EXPECT_EQ(evaluated({}, 1), BestModel::Verdict::kUndefined);
  EXPECT_EQ(evaluated({{.name = "S-GAUC", .value = {}}, of_users}, 2), BestModel::Verdict::kUndefined);
  EXPECT_EQ(evaluated({{.name = "S-GAUC", .value = 0.5}, of_users}, 3), BestModel::Verdict::kBest);
  EXPECT_EQ(evaluated({{.name = "S-GAUC", .value = 0.5}, of_users}, 4), BestModel::Verdict::kNotBetter);
  EXPECT_EQ(best.best()->metric, "S_GAUC");
  EXPECT_EQ(best.best()->value, 0.5);
}

TEST_F(BestModelRules, PatienceIsCountedAnewFromEachBestOne) {
  train_.mutable_early_stop();  // a patience of one
  BestModel best = make();
  EXPECT_STREQ(best.metric_name(), "AUC");
  EXPECT_FALSE(best.should_stop());
  EXPECT_EQ(best.evaluated(with_auc({}), 1), BestModel::Verdict::kUndefined);
  EXPECT_FALSE(best.should_stop()) << "without any that counts";
  EXPECT_FALSE(best.ends_with_best());
  EXPECT_EQ(best.evaluated(with_auc(0.5), 2), BestModel::Verdict::kBest);
  EXPECT_TRUE(best.ends_with_best());
  EXPECT_FALSE(best.should_stop());
  EXPECT_EQ(best.evaluated(with_auc(0.4), 3), BestModel::Verdict::kNotBetter);
  EXPECT_TRUE(best.should_stop());
  EXPECT_EQ(best.evaluated(with_auc(0.6), 4), BestModel::Verdict::kBest);
  EXPECT_FALSE(best.should_stop());
  EXPECT_EQ(best.best()->misses, 0);
  train_.clear_early_stop();
  EXPECT_FALSE(best.ends_with_best());
}

TEST_F(BestModelRules, AtTheEndTheModelIsTheBestWithEarlyStopAndElseTheLast) {
  BestModel best = make();
  static_cast<void>(best.evaluated(with_auc(0.5), 2));
  best.finish(2);
  EXPECT_EQ(saves_, 1) << "the best is the last";
  best.finish(3);
  EXPECT_EQ(fs::read_symlink(run_->model()), "models/step-0000000003");
  EXPECT_EQ(fs::read_symlink(run_->best_model()), "models/step-0000000002");
  train_.mutable_early_stop();
  best.finish(4);
  EXPECT_EQ(saves_, 2);
  EXPECT_EQ(fs::read_symlink(run_->model()), "models/step-0000000002");
}

TEST_F(BestModelRules, AModelThatCannotBeSavedIsNotTheBest) {
  bool full = false;
  BestModel best(train_, "", *run_, *world_, [&](const std::string& folder) {
    if (full) throw DataError("[test] the disk is full");
    fs::create_directories(folder);
    std::ofstream(folder + "/dense.safetensors") << "x";
  });
  static_cast<void>(best.evaluated(with_auc(0.5), 1));
  full = true;
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(best.evaluated(with_auc(0.9), 2)); }),
            "[test] the disk is full");
  EXPECT_EQ(best.best()->step, 1);
  EXPECT_EQ(fs::read_symlink(run_->best_model()), "models/step-0000000001");
  full = false;
  EXPECT_EQ(best.evaluated(with_auc(0.6), 3), BestModel::Verdict::kBest) << "better than the one that is there";
}

TEST_F(BestModelRules, WhatCannotBeComparedStartsAnewAndItsModelStays) {
  BestModel best = make();
  static_cast<void>(best.evaluated(with_auc(0.9), 1));
  const std::optional<BestSoFar> saved = best.best();
  const std::string anew =
      ": it is not compared with later evaluations; its model stays as " + path("run") + "/earlier_best_model";
  EXPECT_EQ(make("2 files").resume_from(saved),
            "the best evaluation so far, of step 1, is of other validation files (1 files; now 2 files)" + anew);
  EXPECT_EQ(fs::read_symlink(run_->earlier_best_model()), "models/step-0000000001");
  EXPECT_FALSE(fs::exists(run_->best_model()));
  train_.mutable_early_stop()->set_metric(config::EarlyStop::LOGLOSS);
  BestModel other = make();
  EXPECT_EQ(other.resume_from(saved),
            "the best evaluation so far, of step 1, is by AUC, and train.early_stop.metric is LOGLOSS now" + anew);
  EXPECT_EQ(other.evaluated(with_auc({}), 2), BestModel::Verdict::kBest);
  EXPECT_EQ(other.evaluated(with_auc({}), 3), BestModel::Verdict::kNotBetter);
  other.finish(4);
  EXPECT_EQ(models(), (std::vector<std::string>{"step-0000000001", "step-0000000002"}));
}

TEST_F(BestModelRules, WithoutItsModelNoneIsTheBest) {
  BestModel best = make();
  static_cast<void>(best.evaluated(with_auc(0.9), 1));
  fs::remove_all(run_->models());
  EXPECT_EQ(
      make().resume_from(best.best()),
      "the best evaluation so far, of step 1, has no model in " + run_->models() +
          " (copy models/ and its links with the checkpoints to keep it): it is not compared with later evaluations");
  EXPECT_FALSE(fs::is_symlink(run_->best_model()));
}

TEST_F(BestModelRules, FoldersOfEarlierProgramsMoveAndStay) {
  fs::create_directories(run_->model());
  fs::create_directories(run_->best_model());
  write("run/model/dense.safetensors", "old");
  write("run/best_model/dense.safetensors", "old best");
  BestModel best = make();
  EXPECT_TRUE(best.resume_from(BestSoFar{.value = 0.5, .step = 3})
                  .ends_with("; its model stays as " + run_->earlier_best_model()));
  EXPECT_EQ(fs::read_symlink(run_->earlier_best_model()), "models/earlier-best_model");
  EXPECT_TRUE(fs::exists(run_->model() + "/dense.safetensors"));
  best.finish(4);
  EXPECT_EQ(models(), (std::vector<std::string>{"earlier-best_model", "earlier-model", "step-0000000004"}));
  EXPECT_EQ(fs::read_symlink(run_->model()), "models/step-0000000004");
}

TEST_F(BestModelRules, AModelThatIsReadStays) {
  BestModel best = make();
  static_cast<void>(best.evaluated(with_auc(0.1), 1));
  {
    const HeldModel held = HeldModel::of_run(run_->path(), false);
    EXPECT_EQ(held.path(), path("run/models/step-0000000001"));
    for (const int64_t step : {2, 3, 4})
      static_cast<void>(best.evaluated(with_auc(0.1 * static_cast<double>(step)), step));
    // The one that is read, the one before the last, and the last.
    EXPECT_EQ(models(), (std::vector<std::string>{"step-0000000001", "step-0000000003", "step-0000000004"}));
  }
  best.finish(5);
  EXPECT_EQ(models(), (std::vector<std::string>{"step-0000000004", "step-0000000005"}));
}

TEST_F(BestModelRules, AModelThatAnyLinkNamesStays) {
  BestModel best = make();
  static_cast<void>(best.evaluated(with_auc(0.1), 1));
  fs::create_directory_symlink(fs::absolute(run_->models()) / "step-0000000001", run_->path() + "/good");
  static_cast<void>(best.evaluated(with_auc(0.2), 2));
  best.finish(3);
  EXPECT_EQ(models(), (std::vector<std::string>{"step-0000000001", "step-0000000002", "step-0000000003"}));
}

TEST_F(BestModelRules, ABestModelThatIsGoneIsNoOther) {
  BestModel best = make();
  static_cast<void>(best.evaluated(with_auc(0.1), 1));
  best.finish(2);
  fs::remove_all(run_->models() + "/step-0000000001");
  EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(HeldModel::of_run(run_->path(), true)); }),
            "[checkpoint] wanted the model of the best evaluation, but run/best_model names "
            "run/models/step-0000000001, which "
            "holds no dense.safetensors; restore it from a copy, or leave out --best");
}

TEST_F(BestModelRules, AnotherModelOfTheSameStepIsAnotherFolder) {
  BestModel best = make();
  best.finish(7);
  make().finish(7);
  EXPECT_EQ(fs::read_symlink(run_->model()), "models/step-0000000007-2");
  EXPECT_EQ(models(), (std::vector<std::string>{"step-0000000007-2"}));
}

TEST_F(BestModelRules, AFileSystemWithoutLinksIsNamed) {
  fs::create_directories(run_->models());
  const RunModels models(*run_);
  fs::create_directories(run_->models() + "/.link/in the way");
  EXPECT_EQ(error_of<DataError>([&] { models.link(run_->model(), "step-0000000001"); }),
            "[checkpoint] cannot make run/model"
            " a link to models/step-0000000001: File exists; choose an --output on a file system that has symbolic "
            "links, and that you may write to");
}

}  // namespace
}  // namespace polyscene::core
