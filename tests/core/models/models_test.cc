// Baselines against their formulas, parameters by name, and what models refuse.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "ops/base/error.h"
#include "tests/core/models/model_harness.h"

namespace polyscene::testing {
namespace {

std::set<std::string> parameter_names(const config::Experiment& experiment) {
  std::set<std::string> names;
  const core::Model model = build_model(experiment, core::FeatureSchema::from(experiment.data()));
  for (const Parameter& p : model.graph->parameters()) names.insert(p.name);
  return names;
}

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const InvalidArgument& e) {
    return e.what();
  }
  return "no error";
}

TEST(Models, LogisticRegressionIsASumOfWeights) {
  config::Experiment experiment = tiny_experiment();
  experiment.mutable_model()->mutable_lr();
  experiment.mutable_model()->clear_head();
  ModelHarness harness(experiment);
  harness.randomise(0.5);
  const TinyBatch batch = tiny_batch(9);
  harness.bind(batch);
  const core::Model& model = harness.model();
  const auto logits = harness.logits();
  for (size_t i = 0; i < logits.size(); ++i) {
    double expected = harness.parameter("lr/b").elements<double>()[0];
    for (size_t f = 0; f < 4; ++f) expected += harness.row(model.fields[0].tables[f], batch.fields[f][i])[0];
    for (const auto& behaviour : batch.behaviours[i])
      for (size_t side = 0; side < 2; ++side)
        expected += harness.row(model.sequences[0].tables[side], behaviour[side])[0] /
                    static_cast<double>(batch.behaviours[i].size());
    EXPECT_NEAR(logits[i], expected, 1e-12);
  }
}

TEST(Models, LossIsTheMeanCrossEntropy) {
  ModelHarness harness(tiny_experiment());
  harness.randomise(0.5);
  const TinyBatch batch = tiny_batch(9);
  harness.bind(batch);
  const auto logits = harness.logits();
  double expected = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double p = 1 / (1 + std::exp(-logits[i]));
    expected -= batch.labels[i] * std::log(p) + (1 - batch.labels[i]) * std::log(1 - p);
  }
  EXPECT_NEAR(harness.loss(), expected / 9, 1e-12);
}

TEST(Models, TargetAndHistoryShareTables) {
  const config::Experiment experiment = tiny_experiment();
  const core::Model model = build_model(experiment, core::FeatureSchema::from(experiment.data()));
  ASSERT_EQ(model.tables.size(), 4u);
  const core::FieldsInput& context = model.fields[1];  // user, item, category; the scenario comes first
  EXPECT_EQ(model.sequences[0].tables[0], context.tables[1]);
  EXPECT_EQ(model.sequences[0].tables[1], context.tables[2]);
}

TEST(Models, SfpnetParametersHaveTheNamesOfTheReadme) {
  std::set<std::string> expected;
  for (const std::string block : {"sfpnet/stb0/", "sfpnet/stb1/"})
    for (const std::string part : {"sam/w1", "sam/c1", "sam/w2", "sam/c2", "context/w", "context/c", "rtm/wb", "rtm/wh",
                                   "rtm/ch", "rtm/wo", "rtm/co"})
      expected.insert(block + part);
  for (const std::string part : {"head/0/w", "head/0/b", "head/1/w", "head/1/b", "head/2/w", "head/2/b"})
    expected.insert(part);
  EXPECT_EQ(parameter_names(tiny_experiment()), expected);
}

TEST(Models, SfpnetHasTheNumberOfParametersCountedByHand) {
  // F = 20, d = 16, d_b = 48, d_s = 16, H_g = 128, d_c = 64, H_r = 96: 152,304 per block.
  config::Experiment e;
  config::Data& data = *e.mutable_data();
  for (int f = 0; f < 21; ++f) {
    config::Feature& feature = *data.add_feature();
    feature.set_name("f" + std::to_string(f));
    feature.mutable_categorical();
    if (f == 20) feature.set_role(config::Feature::SCENARIO);
  }
  config::Feature& history = *data.add_feature();
  history.set_name("history");
  for (int side = 0; side < 3; ++side) {
    auto& s = *history.mutable_sequence()->add_side();
    s.set_column("h" + std::to_string(side));
    s.set_table("f" + std::to_string(side));
  }
  data.add_label()->set_name("click");
  e.mutable_model()->mutable_sfpnet()->set_blocks(1);
  const core::Model model = build_model(e, core::FeatureSchema::from(data));
  int64_t size = 0;
  for (const Parameter& p : model.graph->parameters())
    if (p.name.starts_with("sfpnet/stb0")) size += p.value.shape().resolve({}).elements();
  EXPECT_EQ(size, 152304);
}

// PPNet's gates see the named ids and nothing else of user and item, beside what EPNet lets through.
TEST(Models, PepnetIsPersonalisedByTheNamedIds) {
  config::Experiment experiment = tiny_experiment();
  config::Pepnet& pepnet = *experiment.mutable_model()->mutable_pepnet();
  const auto prior_width = [&] {
    const core::Model model = build_model(experiment, core::FeatureSchema::from(experiment.data()));
    return model.graph->find("pepnet/ppnet/0/a/w").shape()[0].constant;
  };
  const int64_t dim = 3, gated = (2 + 3 + 1) * dim;  // behaviours; user, item, category; scenario
  pepnet.add_personal("item");
  EXPECT_EQ(prior_width(), dim + gated);
  pepnet.add_personal("user");
  EXPECT_EQ(prior_width(), 2 * dim + gated);
}

TEST(Models, RefusesDataThatTheyCannotUse) {
  config::Experiment no_scenario = tiny_experiment();
  no_scenario.mutable_data()->mutable_feature(3)->set_role(config::Feature::CONTEXT);
  EXPECT_EQ(message_of([&] { (void)parameter_names(no_scenario); }),
            "[config] model.sfpnet wants a scenario vector, but no feature has role: SCENARIO; give it to the feature "
            "that tells the scenario");

  config::Experiment no_sequence = tiny_experiment();
  no_sequence.mutable_data()->mutable_feature()->RemoveLast();
  EXPECT_EQ(message_of([&] { (void)parameter_names(no_sequence); }),
            "[config] model.sfpnet wants exactly one sequence of behaviours, the data has 0; add one, or choose mlp or "
            "pepnet");
  no_sequence.mutable_model()->mutable_din();
  EXPECT_EQ(message_of([&] { (void)parameter_names(no_sequence); }),
            "[config] model.din wants a sequence of behaviours, the data has none; add one, or choose mlp or pepnet");

  config::Experiment no_target = tiny_experiment();
  no_target.mutable_data()->mutable_feature(4)->mutable_sequence()->mutable_side(0)->clear_target();
  no_target.mutable_model()->mutable_din();
  EXPECT_EQ(message_of([&] { (void)parameter_names(no_target); }),
            "[config] data.feature[4].sequence.side[0] wants a target, because model.din compares behaviours with "
            "targets; add e.g. target: \"video_id\"");

  config::Experiment no_ids = tiny_experiment();
  no_ids.mutable_model()->mutable_pepnet();
  EXPECT_EQ(message_of([&] { (void)parameter_names(no_ids); }),
            "[config] model.pepnet wants the features that tell user, item and author apart, whose embeddings "
            "personalise the layers; add e.g. personal: [\"user_id\", \"video_id\"]");
  no_ids.mutable_model()->mutable_pepnet()->add_personal("history");
  EXPECT_EQ(message_of([&] { (void)parameter_names(no_ids); }),
            "[config] model.pepnet.personal[0] wants a categorical feature or a number with boundaries, but "
            "\"history\" is neither; there are user, item, category, scenario");

  config::Experiment no_model = tiny_experiment();
  no_model.mutable_model()->clear_kind();
  EXPECT_EQ(message_of([&] { (void)parameter_names(no_model); }),
            "[config] model wants a kind: one of sfpnet { }, lr { }, mlp { }, din { }, pepnet { }");
}

}  // namespace
}  // namespace polyscene::testing
