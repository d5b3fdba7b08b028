// Gradients of whole models against central differences, in double, on every tensor that no stopped gradient lies
// behind: each switch of SFPNet and each baseline.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/core/models/model_cases.h"
#include "tests/core/models/model_harness.h"

namespace polyscene::testing {
namespace {

using config::Sfpnet;

// The stop gradient makes the analytic gradient differ from the loss's true slope wherever a value also feeds a gate
// through it: central differences then hold the stopped copies fixed by moving only what is downstream of nothing
// stopped. Parameters of block 0 and the rows are upstream of such copies and are left to the switches without a stop.
// PEPNet has no such switch: its rows and first gate are not checked here.
bool upstream_of_stop(const config::Model& model, const std::string& name) {
  if (model.has_pepnet()) return name.starts_with("rows/") || name.starts_with("pepnet/epnet");
  if (!model.has_sfpnet()) return false;
  const Sfpnet& c = model.sfpnet();
  const bool stops =
      c.use_sam() && c.gate_input() == Sfpnet::SCENARIO_AND_FEATURES_STOPPED && c.gate_form() != Sfpnet::SCENARIO_TABLE;
  if (!stops) return false;
  return name.starts_with("rows/") || (c.blocks() > 1 && name.starts_with("sfpnet/stb0"));
}

class GradientTest : public ::testing::TestWithParam<ModelCase> {};

TEST_P(GradientTest, AgreesWithCentralDifferences) {
  config::Experiment experiment = tiny_experiment();
  GetParam().change(*experiment.mutable_model());
  ModelHarness harness(experiment);
  harness.randomise(0.4);
  harness.bind(tiny_batch(13));

  std::vector<Value> tensors;
  for (const Parameter& p : harness.model().graph->parameters()) tensors.push_back(p.value);
  for (const core::RowsInput& r : harness.model().rows) tensors.push_back(r.rows);
  int checked = 0;
  for (const Value& v : tensors) {
    const std::string name = harness.model().graph->describe(v);
    if (upstream_of_stop(experiment.model(), name)) continue;
    const std::vector<double> analytic = harness.gradient(v);
    const auto elements = harness.inputs().at(v.id).elements<double>();
    ASSERT_EQ(analytic.size(), elements.size()) << name;
    double scale = 0;
    for (double g : analytic) scale = std::max(scale, std::abs(g));
    for (size_t i = 0; i < elements.size(); i += 1 + elements.size() / 40) {
      const double at = elements[i], h = 1e-6;
      elements[i] = at + h;
      const double up = harness.loss();
      elements[i] = at - h;
      const double down = harness.loss();
      elements[i] = at;
      const double numeric = (up - down) / (2 * h);
      EXPECT_TRUE(std::abs(numeric - analytic[i]) <= 1e-6 * scale + 1e-9)
          << name << "[" << i << "] analytic " << analytic[i] << " numeric " << numeric;
      ++checked;
    }
  }
  EXPECT_GT(checked, 15);
}

INSTANTIATE_TEST_SUITE_P(Models, GradientTest, ::testing::ValuesIn(model_cases()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace polyscene::testing
