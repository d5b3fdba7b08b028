// Hand-worked examples; shapes, gradients and precision are the battery's.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/dense/activation_backward.h"
#include "ops/dense/activation_math.h"
#include "ops/dense/add.h"
#include "ops/dense/add_bias.h"
#include "ops/dense/column_sum.h"
#include "ops/dense/concat.h"
#include "ops/dense/constant.h"
#include "ops/dense/mul.h"
#include "ops/dense/repeat_cols.h"
#include "ops/dense/reshape.h"
#include "ops/dense/row_sum.h"
#include "ops/dense/scale.h"
#include "ops/dense/scale_rows.h"
#include "ops/dense/slice_cols.h"
#include "ops/dense/sub.h"
#include "tests/support/compare.h"
#include "tests/support/evaluate.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

class Dense : public ::testing::Test {
 protected:
  Value input(const Tensor& t) {
    feed_.emplace_back(graph_.input(str("input ", feed_.size()), t.dtype(), SymbolicShape(t.shape())), t);
    return feed_.back().first;
  }
  Value input(Shape shape, std::initializer_list<float> values) { return input(Tensor::of<float>(shape, values)); }
  void expect(Value v, Shape shape, std::initializer_list<float> values) {
    EXPECT_TRUE(same_bits(evaluate(graph_, {v}, feed_)[0], Tensor::of<float>(shape, values)));
  }
  Graph graph_;
  Feed feed_;
};

TEST_F(Dense, Arithmetic) {
  const Value a = input({3}, {1, -2, 0.5f}), b = input({3}, {4, 3, -0.5f});
  expect(ops::add(a, b), {3}, {5, 1, 0});
  expect(ops::sub(a, b), {3}, {-3, -5, 1});
  expect(ops::mul(a, b), {3}, {4, -6, -0.25f});
  expect(ops::scale(a, -2, 1), {3}, {-1, 5, 0});
  expect(ops::constant(graph_, a.type(), 7), {3}, {7, 7, 7});
}

TEST_F(Dense, ReluHasNoSlopeAtZero) {
  const Value y = input({1, 3}, {0, 0, 2}), dy = input({1, 3}, {5, 6, 7});
  expect(ops::activation_backward(y, dy, ops::Activation::kRelu).dz, {1, 3}, {0, 0, 7});
}

// The vectorised float functions over their whole range, against the standard library in double.
TEST(ActivationMath, FollowsTheStandardLibrary) {
  for (double x = -86; x <= 86; x += 0.0037) {
    const auto narrow = static_cast<float>(x);
    const auto exact = static_cast<double>(narrow);
    EXPECT_TRUE(close(ops::fast_exp(narrow), std::exp(exact), {.relative = 2.5e-7})) << x;
    EXPECT_TRUE(close(ops::fast_tanh(narrow), std::tanh(exact), {.relative = 2.5e-7})) << x;
    EXPECT_TRUE(close(ops::sigmoid(narrow), 1 / (1 + std::exp(-exact)), {.relative = 5e-7})) << x;
  }
  for (const float x : {1e-30f, 1e-7f, 1e-3f, -1e-3f}) EXPECT_TRUE(close(ops::fast_tanh(x), x, {.relative = 1e-6}));
}

TEST(ActivationMath, ExtremesAndNan) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(ops::sigmoid(inf), 1);
  EXPECT_NEAR(ops::sigmoid(-inf), 0, 1e-37);
  EXPECT_EQ(ops::fast_tanh(inf), 1);
  EXPECT_EQ(ops::fast_tanh(-inf), -1);
  EXPECT_TRUE(std::isfinite(ops::fast_exp(inf)));
  for (const float y :
       {ops::fast_exp(nan), ops::sigmoid(nan), ops::fast_tanh(nan), ops::activated<ops::Activation::kRelu>(nan)})
    EXPECT_TRUE(std::isnan(y));
}

TEST_F(Dense, ColumnsSideBySide) {
  const Value a = input({2, 2}, {1, 2, 3, 4}), b = input({2, 1}, {5, 6});
  const Value both = ops::concat({a, b});
  expect(both, {2, 3}, {1, 2, 5, 3, 4, 6});
  expect(ops::slice_cols(both, 1, 3), {2, 2}, {2, 5, 4, 6});
  EXPECT_EQ(ops::concat({a}), a);
}

TEST_F(Dense, Sums) {
  const Value x = input({2, 3}, {1, 2, 3, 10, 20, 30});
  expect(ops::column_sum(x), {3}, {11, 22, 33});
  expect(ops::row_sum(x), {2, 1}, {6, 60});
}

TEST_F(Dense, AlongRowsAndColumns) {
  const Value x = input({2, 2}, {1, 2, 3, 4});
  expect(ops::add_bias(x, input({2}, {10, 20})), {2, 2}, {11, 22, 13, 24});
  expect(ops::scale_rows(x, input({2, 1}, {2, -1})), {2, 2}, {2, 4, -3, -4});
  expect(ops::repeat_cols(x, 3), {2, 6}, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4});
}

// Cancellation: in float alone the sum of 1e8, 1, -1e8 over many rows would lose the ones.
TEST_F(Dense, ColumnSumAddsBlocksInDouble) {
  Tensor x(DType::kFloat32, {3 * 256, 1});
  for (size_t i = 0; i < 256; ++i) {
    x.elements<float>()[i] = 1e6f;
    x.elements<float>()[256 + i] = 0.001f;
    x.elements<float>()[512 + i] = -1e6f;
  }
  const Tensor sum = evaluate(graph_, {ops::column_sum(input(x))}, feed_)[0];
  EXPECT_NEAR(sum.elements<float>()[0], 0.256, 1e-5);
}

TEST_F(Dense, ReshapeCountsSymbolically) {
  const Dim n = graph_.symbol("batch"), m = graph_.symbol("other");
  const Value x = graph_.input("x", DType::kFloat32, {n, 6});
  EXPECT_EQ(str(ops::reshape(x, {n * 3, 2}).shape()), "[3*s0, 2]");
  EXPECT_EQ(str(ops::reshape(x, {2, 3, n}).shape()), "[2, 3, s0]");
  EXPECT_EQ(message_of([&] {
              (void)ops::reshape(x, {m, 6});
            }),
            "[ops.reshape] wanted as many elements as [s0, 6] has, got [s1, 6]");
  EXPECT_EQ(message_of([&] {
              (void)ops::reshape(x, {n + 1, 6});
            }),
            "[ops.reshape] wanted as many elements as [s0, 6] has, got [s0+1, 6]");
}

TEST_F(Dense, MessagesNameBothSides) {
  const Value x = input({2, 3}, {1, 2, 3, 4, 5, 6}), y = input({2, 2}, {1, 2, 3, 4}), z = input({3, 1}, {1, 2, 3});
  const Value open = graph_.input("open", DType::kFloat32, {2, graph_.symbol("cols")});
  const auto starts = [](const std::string& message, const std::string& start) {
    EXPECT_EQ(message.substr(0, start.size()), start);
  };
  starts(message_of([&] { (void)ops::add(x, y); }),
         "[ops.add] wanted inputs of one shape and one floating type, got float32 [2, 3] and float32 [2, 2]");
  starts(message_of([&] {
           (void)ops::concat({x, z});
         }),
         "[ops.concat] wanted parts of one floating type that differ only in a static last extent, got float32 [2, 3] "
         "and float32 [3, 1]");
  starts(message_of([&] { (void)ops::concat({x, open}); }), "[ops.concat] wanted parts");
  starts(message_of([&] { (void)ops::concat({}); }), "[ops.concat] wanted at least one part, got none");
  starts(message_of([&] { (void)ops::slice_cols(x, 1, 4); }),
         "[ops.slice_cols] wanted columns within x [2, 3], got [1, 4)");
  starts(message_of([&] { (void)ops::add_bias(x, z); }),
         "[ops.add_bias] wanted x [N, C] and b [C] of one floating type, got float32 [2, 3] and float32 [3, 1]");
  starts(message_of([&] { (void)ops::scale_rows(x, z); }), "[ops.scale_rows] wanted x [N, C]");
  starts(message_of([&] { (void)ops::row_sum(open); }), "[ops.row_sum] wanted a floating x [N, C] with a static C");
  starts(message_of([&] { (void)ops::repeat_cols(x, -1); }), "[ops.repeat_cols] wanted times >= 0, got -1");
  starts(message_of([&] {
           (void)ops::constant(graph_, {DType::kInt32, {2}}, 1);
         }),
         "[ops.constant] wanted float32 or float64, got int32");
}

}  // namespace
}  // namespace polyscene::testing
