#include "ops/autodiff.h"

#include <gtest/gtest.h>

#include "ops/dense/activation_backward.h"
#include "ops/dense/add.h"
#include "ops/dense/mul.h"
#include "ops/dense/reshape.h"
#include "ops/dense/row_sum.h"
#include "ops/dense/scale.h"
#include "ops/dense/stop_gradient.h"
#include "tests/support/evaluate.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

class Autodiff : public ::testing::Test {
 protected:
  // The value of `g` with x = 3 and w = 5.
  double at(Value g) {
    return evaluate(graph_, {g}, {{x_, Tensor::of<double>({1}, {3})}, {w_, Tensor::of<double>({1}, {5})}})[0]
        .elements<double>()[0];
  }
  std::vector<Value> of(Value loss) { return gradients(loss, std::vector{x_, w_}); }

  Graph graph_{DType::kFloat64};
  Value x_ = graph_.parameter("x", {1}, Init::kZeros);
  Value w_ = graph_.parameter("w", {1}, Init::kZeros);
};

TEST_F(Autodiff, ProductRule) {
  const auto g = of(ops::mul(x_, w_));
  EXPECT_EQ(at(g[0]), 5);
  EXPECT_EQ(at(g[1]), 3);
}

TEST_F(Autodiff, PathsThroughSharedValuesAdd) {
  const Value square = ops::mul(x_, x_);                                     // used twice below, x twice in it
  const auto g = of(ops::add(ops::mul(square, w_), ops::scale(square, 2)));  // w x^2 + 2 x^2
  EXPECT_EQ(at(g[0]), 2 * 3 * 5 + 4 * 3);
  EXPECT_EQ(at(g[1]), 9);
}

TEST_F(Autodiff, StopGradientCutsOnePathOnly) {
  const auto g = of(ops::add(ops::mul(x_, ops::stop_gradient(x_)), w_));  // x * const + w
  EXPECT_EQ(at(g[0]), 3);
  EXPECT_EQ(at(g[1]), 1);
}

TEST_F(Autodiff, NoPathNoValue) {
  const auto g = of(ops::mul(x_, ops::stop_gradient(w_)));
  EXPECT_TRUE(g[0]);
  EXPECT_FALSE(g[1]);
}

TEST_F(Autodiff, LossIsItsOwnParameter) {
  const auto g = gradients(x_, std::vector{x_, w_});
  EXPECT_EQ(at(g[0]), 1);
  EXPECT_FALSE(g[1]);
}

TEST_F(Autodiff, GradientsOfGradients) {
  const Value cube = ops::mul(ops::mul(x_, x_), x_);
  const Value first = of(cube)[0];
  EXPECT_EQ(at(of(first)[0]), 6 * 3);
}

// An operator without a gradient of its own, of two values of one element.
Value slope_of_tanh(Value y, Value dy) {
  const auto matrix = [](Value v) { return ops::reshape(v, {1, 1}); };
  return ops::reshape(ops::activation_backward(matrix(y), matrix(dy), ops::Activation::kTanh).dz, {1});
}

TEST_F(Autodiff, AbsentRuleIsNamedWithItsReason) {
  EXPECT_EQ(message_of([&] { of(slope_of_tanh(x_, w_)); }),
            "[ops.autodiff] the loss depends on its parameters through activation_backward, which has no gradient: it "
            "is a gradient itself, and second derivatives are not supported");
}

TEST_F(Autodiff, AbsentRuleOffThePathDoesNotMatter) {
  const Value slope = slope_of_tanh(ops::stop_gradient(x_), ops::stop_gradient(w_));
  EXPECT_EQ(at(of(ops::add(slope, x_))[0]), 1);
}

TEST_F(Autodiff, LossHasOneElement) {
  const Value y = graph_.parameter("y", {2, 3}, Init::kZeros);
  EXPECT_EQ(message_of([&] { of(ops::row_sum(y)); }),
            "[ops.autodiff] wanted a loss of one element, got row_sum#0 [2, 1]");
}

TEST_F(Autodiff, ThroughAliases) {
  const Value matrix = ops::reshape(x_, {1, 1});
  const auto g = of(ops::mul(ops::reshape(ops::row_sum(ops::scale(matrix, 4)), {1}), w_));
  EXPECT_EQ(at(g[0]), 20);
  EXPECT_EQ(g[0].type(), x_.type());
}

}  // namespace
}  // namespace polyscene::testing
