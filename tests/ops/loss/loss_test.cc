#include <gtest/gtest.h>

#include <cmath>

#include "ops/autodiff.h"
#include "ops/dense/scale.h"
#include "ops/dense/stop_gradient.h"
#include "ops/loss/bce_with_logits.h"
#include "tests/support/compare.h"
#include "tests/support/evaluate.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

class Bce : public ::testing::Test {
 protected:
  // Loss and gradient of the logits.
  std::vector<Tensor> run(std::initializer_list<float> logits, std::initializer_list<float> labels, float weight) {
    const auto rows = static_cast<int64_t>(logits.size());
    return evaluate(graph_, {loss_, gradients(loss_, std::vector{logit_})[0]},
                    {{logit_, Tensor::of<float>({rows, 1}, logits)},
                     {label_, Tensor::of<float>({rows, 1}, labels)},
                     {weight_, Tensor::of<float>({1}, {weight})}});
  }
  Graph graph_;
  Dim batch_ = graph_.symbol("batch");
  Value logit_ = graph_.input("logit", DType::kFloat32, {batch_, 1});
  Value label_ = graph_.input("label", DType::kFloat32, {batch_, 1});
  Value weight_ = graph_.input("weight", DType::kFloat32, {1});
  Value loss_ = ops::bce_with_logits(logit_, label_, weight_);
};

TEST_F(Bce, HandWorked) {
  // -log(1/2) - log(sigmoid(2)) = 0.693147 + 0.126928, halved
  const auto r = run({0, 2}, {0, 1}, 0.5f);
  EXPECT_NEAR(r[0].elements<float>()[0], 0.41003758, 1e-7);
  EXPECT_TRUE(all_close(r[1], Tensor::of<double>({2, 1}, {0.25, -0.05960146}), {.relative = 1e-5}));
}

TEST_F(Bce, LargeLogitsStayFinite) {
  const auto r = run({1000, -1000, 1000, -1000}, {1, 0, 0, 1}, 1);
  EXPECT_EQ(r[0].elements<float>()[0], 2000);
  EXPECT_TRUE(all_close(r[1], Tensor::of<float>({4, 1}, {0, 0, 1, -1}), {.absolute = 1e-30}));
}

TEST_F(Bce, RowsWithNegativeLabelsAreNoSamples) {
  const auto r = run({0, 5, 2, -7}, {0, -1, 1, -1}, 0.5f);
  EXPECT_NEAR(r[0].elements<float>()[0], 0.41003758, 1e-7);
  EXPECT_TRUE(all_close(r[1], Tensor::of<double>({4, 1}, {0.25, 0, -0.05960146, 0}), {.relative = 1e-5}));
}

TEST_F(Bce, NoRowsNoLoss) {
  const auto r = run({}, {}, 1);
  EXPECT_EQ(r[0].elements<float>()[0], 0);
  EXPECT_EQ(r[1].shape(), (Shape{0, 1}));
}

TEST_F(Bce, LabelsAreNotTrained) {
  const Value trained = graph_.parameter("trained", {4, 1}, Init::kZeros);
  const Value loss = ops::bce_with_logits(ops::scale(trained, 2), trained, weight_);
  EXPECT_EQ(
      message_of([&] { (void)gradients(loss, std::vector{trained}); }),
      "[ops.bce_with_logits] wanted label and weight that need no gradient, got one that does; try stop_gradient");
  EXPECT_NO_THROW((void)gradients(ops::bce_with_logits(ops::scale(trained, 2), ops::stop_gradient(trained), weight_),
                                  std::vector{trained}));
}

TEST_F(Bce, MessageNamesTheShapes) {
  EXPECT_EQ(message_of([&] { (void)ops::bce_with_logits(logit_, weight_, weight_); }),
            "[ops.bce_with_logits] wanted logit [B, 1], label [B, 1] and weight [1] of one floating type, got float32 "
            "[s0, 1] and float32 [1] and float32 [1]");
}

}  // namespace
}  // namespace polyscene::testing
