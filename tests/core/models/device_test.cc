// Whole models on a device, executed by the emulator: loss, logits and every gradient as on the CPU.
#include <gtest/gtest.h>

#include "ops/autodiff.h"
#include "tests/core/models/model_cases.h"
#include "tests/core/models/model_harness.h"
#include "tests/support/compare.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/evaluate.h"

namespace polyscene::testing {
namespace {

Tensor in_float(const Tensor& t) {
  if (t.dtype() != DType::kFloat64) return t;
  Tensor narrow(DType::kFloat32, t.shape());
  std::ranges::transform(t.elements<double>(), narrow.elements<float>().begin(),
                         [](double x) { return static_cast<float>(x); });
  return narrow;
}

class ModelOnDevice : public ::testing::TestWithParam<ModelCase> {};

TEST_P(ModelOnDevice, HasTheNumbersOfTheCpu) {
  config::Experiment experiment = tiny_experiment();
  GetParam().change(*experiment.mutable_model());
  ModelHarness harness(experiment);
  harness.randomise(0.4);
  harness.bind(tiny_batch(13));
  // The same model in float32 has the same values in the same places.
  const core::Model model = build_model(experiment, core::FeatureSchema::from(experiment.data()));
  Feed feed;
  for (const auto& [id, tensor] : harness.inputs()) feed.emplace_back(Value{model.graph.get(), id}, in_float(tensor));
  std::vector<Value> wanted, trained;
  for (const Parameter& p : model.graph->parameters()) trained.push_back(p.value);
  for (const core::RowsInput& r : model.rows) trained.push_back(r.rows);
  for (const Value& g : gradients(model.loss, trained))
    if (g) wanted.push_back(g);
  EXPECT_EQ(wanted.size(), trained.size()) << "some of what is trained has no gradient";
  wanted.insert(wanted.end(), {model.loss, model.logit});

  EmulatedDevice device;
  const auto want = evaluate(*model.graph, wanted, feed);
  const auto got = evaluate(*model.graph, wanted, feed, {.device = &device});
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_TRUE(all_close(got[i], want[i], {.relative = 2e-5, .absolute = 2e-6})) << "result " << i;
}

INSTANTIATE_TEST_SUITE_P(Models, ModelOnDevice, ::testing::ValuesIn(model_cases()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace polyscene::testing
