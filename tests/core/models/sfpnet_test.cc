// What SFPNet must do whatever the paper leaves open.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ops/dense/column_sum.h"
#include "ops/dense/reshape.h"
#include "ops/dense/row_sum.h"
#include "tests/core/models/model_harness.h"

namespace polyscene::testing {
namespace {

using config::Sfpnet;

constexpr int kScenarioField = 3;

// Outputs of the last node of an op, in graph order `from_end` (0: the last).
Value output_of(const core::Model& model, std::string_view op, int from_end = 0) {
  const auto nodes = model.graph->nodes();
  for (size_t n = nodes.size(); n-- > 0;)
    if (nodes[n].op->name == op && from_end-- == 0) return nodes[n].outputs[0];
  ADD_FAILURE() << "no node " << op;
  return {};
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(std::abs(a[i] - b[i]) <= tolerance) << i << ": " << a[i] << " " << b[i];
}

TEST(Sfpnet, EveryBlockIsTheIdentityAtTheStart) {
  ModelHarness harness(tiny_experiment());
  harness.bind(tiny_batch(13));
  const core::Model& model = harness.model();
  // G = 1: both parts of the gated base vector are those of the base vector itself, bit for bit; so are the behaviours
  // after the last block.
  const Node& gate = model.graph->nodes()[static_cast<size_t>(model.graph->producer(output_of(model, "gate")))];
  ASSERT_EQ(gate.outputs.size(), 2u);
  for (size_t k = 0; k < 2; ++k) EXPECT_EQ(harness.compute(gate.outputs[k]), harness.compute(gate.inputs[k]));
  const Value first =
      model.graph->nodes()[static_cast<size_t>(model.graph->producer(output_of(model, "rtm_distinct")))].inputs[0];
  const auto b0 = harness.compute(first), bk = harness.compute(output_of(model, "rtm"));
  const auto index = harness.inputs().at(model.sequences[0].index.id).elements<int32_t>();
  const size_t width = b0.size() / static_cast<size_t>(*std::ranges::max_element(index) + 1);
  for (size_t t = 0; t < index.size(); ++t)
    for (size_t k = 0; k < width; ++k) EXPECT_EQ(bk[t * width + k], b0[static_cast<size_t>(index[t]) * width + k]);
}

TEST(Sfpnet, TheOrderOfBehavioursDoesNotMatter) {
  ModelHarness harness(tiny_experiment());
  harness.randomise(0.4);
  TinyBatch batch = tiny_batch(13);
  harness.bind(batch);
  const auto before = harness.logits();
  for (auto& sample : batch.behaviours) std::ranges::reverse(sample);
  harness.bind(batch);
  expect_near(before, harness.logits(), 1e-12);
}

TEST(Sfpnet, OneBehaviourHasNoDeviationAndNoneHasNoMean) {
  ModelHarness harness(tiny_experiment());
  harness.randomise(0.4);
  TinyBatch batch = tiny_batch(2);  // lengths 0 and 1
  harness.bind(batch);
  const core::Model& model = harness.model();
  const auto nodes = model.graph->nodes();
  const auto first_dap = std::ranges::find_if(nodes, [](const Node& n) { return n.op->name == "dap"; });
  const auto v = harness.compute(first_dap->outputs[0]);
  const size_t width = v.size() / 4;
  for (size_t k = 0; k < width; ++k) {
    EXPECT_EQ(v[k], 0) << "mean of nothing";
    EXPECT_NEAR(v[width + k], 1e-3, 1e-15) << "sqrt(eps)";
    EXPECT_NEAR(v[3 * width + k], 1e-3, 1e-9) << "deviation of one";
  }
  for (const core::RowsInput& r : model.rows)
    for (double g : harness.gradient(r.rows)) EXPECT_TRUE(std::isfinite(g));
}

TEST(Sfpnet, RepeatingEveryBehaviourChangesNothing) {
  ModelHarness harness(tiny_experiment());
  harness.randomise(0.4);
  TinyBatch batch = tiny_batch(13);
  harness.bind(batch);
  const auto before = harness.logits();
  for (auto& sample : batch.behaviours) {
    const auto copy = sample;
    sample.insert(sample.end(), copy.begin(), copy.end());
  }
  harness.bind(batch);
  expect_near(before, harness.logits(), 1e-10);
}

TEST(Sfpnet, AddedContextMovesTheMeanAndLeavesTheDeviation) {
  config::Experiment experiment = tiny_experiment();
  experiment.mutable_model()->mutable_sfpnet()->set_blocks(1);
  experiment.mutable_model()->mutable_sfpnet()->set_rtm_form(Sfpnet::ADD);
  ModelHarness harness(experiment);
  harness.randomise(0.4);
  harness.bind(tiny_batch(13));
  const auto before = harness.compute(output_of(harness.model(), "dap", 1));
  const auto after = harness.compute(output_of(harness.model(), "dap"));
  const size_t width = before.size() / 13 / 2;
  double moved = 0;
  for (size_t sample = 1; sample < 13; ++sample) {
    if (sample % 6 == 0) continue;  // no behaviours
    for (size_t k = 0; k < width; ++k) {
      const size_t at = sample * 2 * width + k;
      moved = std::max(moved, std::abs(after[at] - before[at]));
      EXPECT_NEAR(after[at + width], before[at + width], 1e-9);
    }
  }
  EXPECT_GT(moved, 1e-3);
}

TEST(Sfpnet, TheGateSendsNoGradientToItsStoppedInputs) {
  config::Experiment experiment = tiny_experiment();
  experiment.mutable_model()->mutable_sfpnet()->set_blocks(1);
  ModelHarness harness(experiment);
  harness.randomise(0.4);
  harness.bind(tiny_batch(13));
  const core::Model& model = harness.model();
  // A loss on G alone: on the logits of the gate, its last input.
  const Value gated = output_of(model, "gate");
  const Value p = model.graph->nodes()[static_cast<size_t>(model.graph->producer(gated))].inputs.back();
  const Value scalar = ops::reshape(ops::column_sum(ops::row_sum(p)), {1});
  const auto g = harness.gradient(model.rows[0].rows, scalar);
  ASSERT_FALSE(g.empty()) << "the scenario's slice is not stopped";
  const int scenario_table = model.fields[0].tables[0];
  double scenario_gradient = 0;
  const size_t dim = 3;
  for (int table = 0; table < static_cast<int>(model.tables.size()); ++table)
    for (int64_t key = 0; key < 5; ++key) {
      if (!harness.has_row(table, key)) continue;
      for (size_t k = 0; k < dim; ++k) {
        const double value = g[static_cast<size_t>(harness.row_number(table, key)) * dim + k];
        if (table == scenario_table) {
          scenario_gradient = std::max(scenario_gradient, std::abs(value));
        } else {
          EXPECT_EQ(value, 0) << "table " << model.tables[static_cast<size_t>(table)].name;
        }
      }
    }
  EXPECT_GT(scenario_gradient, 0);
}

TEST(Sfpnet, ScenariosDifferThroughTheirEmbeddingsOnly) {
  ModelHarness harness(tiny_experiment());
  harness.randomise(0.4);
  TinyBatch batch = tiny_batch(5);
  for (int64_t& s : batch.fields[kScenarioField]) s = 100;
  const int table = harness.model().fields[0].tables[0];
  harness.row(table, 101) = harness.row(table, 100);
  const auto run = [&](int64_t scenario) {
    for (int64_t& s : batch.fields[kScenarioField]) s = scenario;
    harness.bind(batch);
    return std::pair{harness.logits(), harness.compute(output_of(harness.model(), "rtm"))};
  };
  const auto first = run(100), equal = run(101), other = run(102);
  EXPECT_EQ(first.first, equal.first);
  EXPECT_EQ(first.second, equal.second);
  EXPECT_NE(first.first, other.first);
  EXPECT_NE(first.second, other.second) << "behaviours after the last block follow the scenario";
}

}  // namespace
}  // namespace polyscene::testing
