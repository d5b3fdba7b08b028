#include "core/export/onnx/forms.h"

#include <gtest/gtest.h>

#include <set>

#include "ops/operators.h"

namespace polyscene::core {
namespace {

// An operator has a form or is named here: forgetting one of a new model would be found by its users.
TEST(OnnxForms, ThereIsOneForEveryOperatorThatScores) {
  const std::set<std::string_view> training = {
      "activation_backward",   "bce_with_logits", "bce_with_logits_gradient", "column_sum",   "constant",
      "dap_backward",          "gate_backward",   "linear_input_gradient",    "rtm_backward", "linear_weight_gradient",
      "rtm_distinct_backward", "scatter_add_rows"};
  std::set<std::string_view> all;
  for (const OpDefinition* op : all_ops()) {
    all.insert(op->name);
    EXPECT_NE(onnx_forms().contains(op->name), training.contains(op->name)) << op->name;
  }
  for (const auto& [name, form] : onnx_forms()) EXPECT_TRUE(all.contains(name)) << name;
  for (const std::string_view name : training) EXPECT_TRUE(all.contains(name)) << name;
}

}  // namespace
}  // namespace polyscene::core
