// The configurations that come with the program.
#include <algorithm>

#include "config_files.h"

namespace polyscene::core {
namespace {

const std::filesystem::path kConfigs = std::filesystem::path(POLYSCENE_SOURCE_DIR) / "configs";

TEST(Shipped, EveryExperimentLoadsAndIsCalledAfterItsFile) {
  int experiments = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kConfigs / "experiments")) {
    if (entry.path().extension() != ".pbtxt") continue;
    SCOPED_TRACE(entry.path().string());
    const config::Experiment e = load_experiment(entry.path().string());
    EXPECT_EQ(e.name(), entry.path().stem().string());
    EXPECT_GT(e.data().train_files_size(), 0);
    EXPECT_EQ(e.model().label(), "is_click");
    ++experiments;
  }
  EXPECT_GE(experiments, 6);
}

using ShippedModels = ConfigTest;

TEST_F(ShippedModels, TakeDataOfTheUsers) {
  const std::string own = R"pb(
    data {
      feature {
        name: "user"
        categorical {}
        role: USER
      }
      feature {
        name: "item"
        categorical {}
        role: ITEM
      }
      feature {
        name: "scene"
        categorical {}
        role: SCENARIO
      }
      feature {
        name: "history"
        sequence { side { column: "seen" table: "item" target: "item" } }
      }
      label { name: "bought" }
    })pb";
  int models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kConfigs / "models")) {
    SCOPED_TRACE(entry.path().string());
    const bool pepnet = entry.path().stem() == "pepnet";
    const config::Experiment e = load("include: \"" + entry.path().string() + "\"\n" + own +
                                      (pepnet ? "model { pepnet { personal: \"user\" } }" : ""));
    EXPECT_FALSE(e.model().has_label());
    EXPECT_NE(e.model().kind_case(), config::Model::KIND_NOT_SET);
    ++models;
  }
  EXPECT_GE(models, 5);
}

TEST(Shipped, KuairandHas34ContextFieldsOneScenarioAndFourSides) {
  const config::Experiment e = load_experiment((kConfigs / "experiments/kuairand_sfpnet.pbtxt").string());
  const auto& features = e.data().feature();
  const auto count = [&](auto holds) { return std::count_if(features.begin(), features.end(), holds); };
  EXPECT_EQ(count([](const auto& f) { return !f.has_sequence() && f.role() != config::Feature::SCENARIO; }), 34);
  EXPECT_EQ(count([](const auto& f) { return f.role() == config::Feature::SCENARIO; }), 1);
  ASSERT_EQ(features.rbegin()->sequence().side_size(), 4);
  for (const auto& side : features.rbegin()->sequence().side()) EXPECT_EQ(side.table(), side.target());
}

// PPNet's prior in the paper: user, item and author.
TEST(Shipped, PepnetIsPersonalisedByIds) {
  const config::Experiment e = load_experiment((kConfigs / "experiments/kuairand_pepnet.pbtxt").string());
  const auto& personal = e.model().pepnet().personal();
  EXPECT_EQ(std::vector<std::string>(personal.begin(), personal.end()),
            (std::vector<std::string>{"user_id", "video_id", "author_id"}));
}

// A linear model needs one weight for "shown before" and another for "shown now".
TEST(Shipped, LinearModelsShareNoWeightsBetweenBehavioursAndTargets) {
  const config::Experiment e = load_experiment((kConfigs / "experiments/kuairand_lr.pbtxt").string());
  for (const auto& side : e.data().feature().rbegin()->sequence().side()) EXPECT_NE(side.table(), side.target());
}

}  // namespace
}  // namespace polyscene::core
