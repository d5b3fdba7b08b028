// Gradients of whole models against central differences, in double, on every tensor: each switch of SFPNet and each
// baseline.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/core/models/model_harness.h"

namespace polyscene::testing {
namespace {

using config::Sfpnet;

struct Case {
  std::string name;
  std::function<void(config::Model&)> change;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

template <class Setter>
Case sfpnet(std::string name, Setter set) {
  return {std::move(name), [set](config::Model& m) { set(*m.mutable_sfpnet()); }};
}

std::vector<Case> cases() {
  return {
      sfpnet("defaults", [](Sfpnet&) {}),
      sfpnet("one_block", [](Sfpnet& c) { c.set_blocks(1); }),
      sfpnet("gate_of_scenario", [](Sfpnet& c) { c.set_gate_input(Sfpnet::SCENARIO_ONLY); }),
      sfpnet("gate_not_stopped", [](Sfpnet& c) { c.set_gate_input(Sfpnet::SCENARIO_AND_FEATURES); }),
      sfpnet("gate_per_field", [](Sfpnet& c) { c.set_gate_grain(Sfpnet::FIELD); }),
      sfpnet("gate_one_layer", [](Sfpnet& c) { c.set_gate_form(Sfpnet::ONE_LAYER); }),
      sfpnet("gate_table", [](Sfpnet& c) { c.set_gate_form(Sfpnet::SCENARIO_TABLE); }),
      sfpnet("gate_c_only", [](Sfpnet& c) { c.set_gate_scope(Sfpnet::C_ONLY); }),
      sfpnet("dap_variance", [](Sfpnet& c) { c.set_dap(Sfpnet::MEAN_VARIANCE); }),
      sfpnet("dap_mean", [](Sfpnet& c) { c.set_dap(Sfpnet::MEAN); }),
      sfpnet("rtm_add", [](Sfpnet& c) { c.set_rtm_form(Sfpnet::ADD); }),
      sfpnet("rtm_gated", [](Sfpnet& c) { c.set_rtm_form(Sfpnet::GATED); }),
      sfpnet("context_not_carried", [](Sfpnet& c) { c.set_carry_context(false); }),
      sfpnet("target_attention", [](Sfpnet& c) { c.set_readout(Sfpnet::READOUT_DAP_AND_TARGET_ATTENTION); }),
      sfpnet("no_sam", [](Sfpnet& c) { c.set_use_sam(false); }),
      sfpnet("no_rtm", [](Sfpnet& c) { c.set_use_rtm(false); }),
      {"lr", [](config::Model& m) { m.mutable_lr(); }},
      {"mlp", [](config::Model& m) { m.mutable_mlp(); }},
      {"din", [](config::Model& m) { m.mutable_din(); }},
      {"pepnet",
       [](config::Model& m) {
         m.mutable_pepnet()->set_gate_hidden(6);
         m.mutable_pepnet()->add_personal("user");
         m.mutable_pepnet()->add_personal("item");
       }},
  };
}

// The stop gradient makes the analytic gradient differ from the loss's true slope wherever a value also feeds a gate
// through it: central differences then hold the stopped copies fixed by moving only what is downstream of nothing
// stopped. Parameters of block 0 and the rows are upstream of such copies and are left to the switches without a stop.
bool upstream_of_stop(const config::Model& model, const std::string& name) {
  if (model.has_pepnet()) return name.starts_with("rows/") || name.starts_with("pepnet/epnet");
  if (!model.has_sfpnet()) return false;
  const Sfpnet& c = model.sfpnet();
  const bool stops = c.use_sam() && c.gate_input() == Sfpnet::SCENARIO_AND_FEATURES_STOPPED &&
                     c.gate_form() != Sfpnet::SCENARIO_TABLE;
  if (!stops) return false;
  return name.starts_with("rows/") || (c.blocks() > 1 && name.starts_with("sfpnet/stb0"));
}

class GradientTest : public ::testing::TestWithParam<Case> {};

TEST_P(GradientTest, AgreesWithCentralDifferences) {
  config::Experiment experiment = tiny_experiment();
  GetParam().change(*experiment.mutable_model());
  ModelHarness harness(experiment);
  harness.randomise(0.4);
  harness.bind(tiny_batch(13));

  std::vector<Value> tensors;
  for (const Parameter& p : harness.model().graph->parameters()) tensors.push_back(p.value);
  for (const RowsInput& r : harness.model().rows) tensors.push_back(r.rows);
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

INSTANTIATE_TEST_SUITE_P(Models, GradientTest, ::testing::ValuesIn(cases()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace polyscene::testing
