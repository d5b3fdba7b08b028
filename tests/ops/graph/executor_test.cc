#include "ops/graph/executor.h"

#include <gtest/gtest.h>

#include <limits>

#include "ops/autodiff.h"
#include "ops/dense/add.h"
#include "ops/dense/column_sum.h"
#include "ops/dense/mul.h"
#include "ops/dense/reshape.h"
#include "ops/dense/scale.h"
#include "ops/jagged/gather_rows.h"
#include "ops/jagged/segment_sum.h"
#include "tests/support/compare.h"
#include "tests/support/evaluate.h"
#include "tests/support/message_of.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

class ExecutorTest : public ::testing::Test {
 protected:
  Graph graph_;
  Dim batch_ = graph_.symbol("batch");
  Value a_ = graph_.input("a", DType::kFloat32, {batch_, 2});
  Value b_ = graph_.input("b", DType::kFloat32, {batch_, 2});
};

TEST_F(ExecutorTest, UnboundInputIsNamed) {
  Executor executor(graph_, {ops::add(a_, b_)});
  const Tensor a(DType::kFloat32, {1, 2});
  executor.bind(a_, a.view());
  EXPECT_EQ(message_of([&] { executor.run(); }), "[ops.executor] input \"b\" is not bound");
}

TEST_F(ExecutorTest, OnlyWhatTheOutputsNeedIsRunAndBound) {
  const Value wanted = ops::scale(a_, 2);
  (void)ops::add(a_, b_);
  EXPECT_TRUE(same_bits(evaluate(graph_, {wanted}, {{a_, Tensor::of<float>({1, 2}, {1, -3})}})[0],
                        Tensor::of<float>({1, 2}, {2, -6})));
}

TEST_F(ExecutorTest, ContradictingShapesAreNamed) {
  Executor executor(graph_, {ops::add(a_, b_)});
  const Tensor a(DType::kFloat32, {3, 2}), b(DType::kFloat32, {4, 2}), wide(DType::kFloat32, {3, 5});
  executor.bind(a_, a.view());
  executor.bind(b_, b.view());
  EXPECT_EQ(message_of([&] { executor.run(); }),
            "[ops.executor] input \"b\" wants shape [s0, 2] with s0 batch = 3, got [4, 2]");
  executor.bind(b_, wide.view());
  EXPECT_EQ(message_of([&] { executor.run(); }),
            "[ops.executor] input \"b\" wants shape [s0, 2] with s0 batch = 3, got [3, 5]");
  executor.bind(b_, a.view());
  EXPECT_NO_THROW(executor.run());
}

TEST_F(ExecutorTest, TypesAreCheckedWhenBinding) {
  Executor executor(graph_, {ops::add(a_, b_)});
  EXPECT_EQ(message_of([&] {
              executor.bind(a_, Tensor(DType::kFloat64, {1, 2}).view());
            }),
            "[ops.executor] a wants float32, got float64");
}

TEST_F(ExecutorTest, ResultsAreThoseAskedFor) {
  const Value sum = ops::add(a_, b_);
  const Executor executor(graph_, {ops::scale(sum, 2)});
  EXPECT_EQ(message_of([&] { (void)executor.result(sum); }),
            "[ops.executor] add#0 is not an output that the executor was built for");
}

TEST_F(ExecutorTest, SizesChangeFromRunToRun) {
  const Value y = ops::column_sum(ops::mul(ops::add(a_, b_), a_));
  Executor executor(graph_, {y});
  for (const int64_t rows : {3, 1000, 0, 1, 40}) {
    const Tensor a = random_tensor<float>({rows, 2}, 1), b = random_tensor<float>({rows, 2}, 2);
    executor.bind(a_, a.view());
    executor.bind(b_, b.view());
    executor.run();
    EXPECT_TRUE(same_bits(copy_of(executor.result(y)), evaluate(graph_, {y}, {{a_, a}, {b_, b}})[0])) << rows;
  }
}

TEST_F(ExecutorTest, RebindingNewDataOfTheSameShapeIsSeen) {
  const Value y = ops::scale(a_, 3);
  Executor executor(graph_, {y});
  const Tensor first = Tensor::of<float>({1, 2}, {1, 2}), second = Tensor::of<float>({1, 2}, {4, 5});
  executor.bind(a_, first.view());
  executor.run();
  executor.bind(a_, second.view());
  executor.run();
  EXPECT_TRUE(same_bits(copy_of(executor.result(y)), Tensor::of<float>({1, 2}, {12, 15})));
}

TEST_F(ExecutorTest, SymbolsAreReadBehindConstants) {
  const Value offsets = graph_.input("offsets", DType::kInt32, {batch_ + 1});
  const Value values = graph_.input("values", DType::kFloat32, {graph_.symbol("behaviours"), 1});
  Executor executor(graph_, {ops::segment_sum(values, offsets)});
  const Tensor o = Tensor::of<int32_t>({3}, {0, 2, 3}), v = Tensor::of<float>({3, 1}, {1, 2, 4});
  const Tensor none(DType::kInt32, {0});
  executor.bind(values, v.view());
  executor.bind(offsets, none.view());
  EXPECT_EQ(message_of([&] { executor.run(); }),
            "[ops.executor] input \"offsets\" wants shape [s0+1] with s0 batch = ?, s1 behaviours = ?, got [0]");
  executor.bind(offsets, o.view());
  EXPECT_NO_THROW(executor.run());
}

TEST_F(ExecutorTest, ExtentsMayComeFromInputsThatNoNodeReads) {
  const Value rows = graph_.input("rows", DType::kFloat32, {graph_.symbol("distinct"), 1});
  const Value index = graph_.input("index", DType::kInt32, {batch_});
  const Value loss = ops::reshape(ops::column_sum(ops::gather_rows(rows, index)), {1, 1});
  const Value g = gradients(loss, std::vector{rows})[0];  // reads the index, not the rows
  const Tensor i = Tensor::of<int32_t>({3}, {1, -1, 1});
  EXPECT_TRUE(same_bits(evaluate(graph_, {g}, {{index, i}, {rows, Tensor(DType::kFloat32, {4, 1})}})[0],
                        Tensor::of<float>({4, 1}, {0, 2, 0, 0})));
  EXPECT_EQ(
      message_of([&] {
        (void)evaluate(graph_, {g}, {{index, i}});
      }),
      str("[ops.executor] ", graph_.describe(g),
          " [s1, 1] depends on s1 \"distinct\", which no bound input determines; bind one that has it in its shape"));
}

TEST_F(ExecutorTest, OutputsGoWhereTheyAreBound) {
  const Value sum = ops::add(a_, b_), twice = ops::scale(sum, 2);
  const Tensor a = random_tensor<float>({5, 2}, 1), b = random_tensor<float>({5, 2}, 2);
  const Tensor place = random_tensor<float>({5, 2}, 3), other(DType::kFloat32, {6, 2});
  Executor executor(graph_, {sum, twice});
  executor.bind(a_, a.view());
  executor.bind(b_, b.view());
  executor.bind(sum, other.view());
  EXPECT_EQ(message_of([&] { executor.run(); }),
            "[ops.executor] add#0 is bound to memory of shape [6, 2], its shape is [5, 2]");
  executor.bind(sum, place.view());
  executor.run();
  EXPECT_EQ(executor.result(sum).data, place.view().data);
  const auto plain = evaluate(graph_, {sum, twice}, {{a_, a}, {b_, b}});
  EXPECT_TRUE(same_bits(place, plain[0]));
  EXPECT_TRUE(same_bits(copy_of(executor.result(twice)), plain[1]));
}

TEST_F(ExecutorTest, AliasesShareMemoryAndKeepItAlive) {
  const Value sum = ops::add(a_, b_);
  const Value flat = ops::reshape(sum, {batch_ * 2});
  Value other = ops::scale(a_, 1);  // many values that would take the place of `sum` if it were thought dead
  for (int i = 0; i < 10; ++i) other = ops::mul(ops::scale(other, 1.5), b_);
  const Value late = ops::scale(flat, 2);
  const Tensor a = random_tensor<float>({50, 2}, 1), b = random_tensor<float>({50, 2}, 2);
  const Feed feed = {{a_, a}, {b_, b}};
  const auto planned = evaluate(graph_, {other, late, flat}, feed);
  const auto apart = evaluate(graph_, {other, late, flat}, feed, {.plan_memory = false});
  for (size_t i = 0; i < planned.size(); ++i) EXPECT_TRUE(same_bits(planned[i], apart[i])) << i;
  EXPECT_EQ(planned[2].shape(), (Shape{100}));

  Executor executor(graph_, {flat});
  EXPECT_EQ(message_of([&] { executor.bind(flat, Tensor(DType::kFloat32, {100}).view()); }),
            "[ops.executor] reshape#1 shares the memory of its input and cannot be bound");
}

TEST_F(ExecutorTest, AnInputMayBeAnOutputAndBehindAnAlias) {
  const Value flat = ops::reshape(a_, {batch_ * 2});
  const Tensor a = random_tensor<float>({3, 2}, 1);
  Executor executor(graph_, {a_, flat});
  executor.bind(a_, a.view());
  executor.run();
  EXPECT_EQ(executor.result(a_).data, a.view().data);
  EXPECT_EQ(executor.result(flat).data, a.view().data);
  EXPECT_EQ(executor.result(flat).shape, (Shape{6}));
}

TEST_F(ExecutorTest, PlanningSavesMemory) {
  Value x = a_;
  for (int i = 0; i < 20; ++i) x = ops::scale(x, 1.01);
  const Tensor a = random_tensor<float>({1000, 2}, 1);
  const auto arena_bytes = [&](bool plan) {
    Executor executor(graph_, {x}, {.plan_memory = plan});
    executor.bind(a_, a.view());
    executor.run();
    return executor.arena_bytes();
  };
  EXPECT_LT(arena_bytes(true) * 5, arena_bytes(false));
}

TEST_F(ExecutorTest, NotFiniteIsNamedWhereItArises) {
  const Value product = ops::mul(ops::scale(a_, 1), b_);
  const Value y = ops::scale(product, 0.5);
  const Feed feed = {{a_, Tensor::of<float>({1, 2}, {1e30f, 1})}, {b_, Tensor::of<float>({1, 2}, {1e30f, 1})}};
  EXPECT_NO_THROW((void)evaluate(graph_, {y}, feed));
  EXPECT_EQ(
      message_of<Error>([&] { (void)evaluate(graph_, {y}, feed, {.check_finite = true, .where = "rank 3"}); }),
      "[ops.executor] rank 3: output 0 of mul#1 {} is not finite; its inputs: scale#0[1, 2], b[1, 2]; try a lower "
      "learning rate, clipped gradients or a look at the data");
}

TEST_F(ExecutorTest, NotFiniteInputsAreMarked) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Feed feed = {{a_, Tensor::of<float>({1, 2}, {nan, 1})}, {b_, Tensor::of<float>({1, 2}, {1, 1})}};
  const std::string message =
      message_of<Error>([&] { (void)evaluate(graph_, {ops::add(a_, b_)}, feed, {.check_finite = true}); });
  EXPECT_NE(message.find("its inputs: a[1, 2] (not finite), b[1, 2];"), std::string::npos) << message;
}

TEST_F(ExecutorTest, ProfileCountsCallsPerOp) {
  Executor executor(graph_, {ops::scale(ops::scale(ops::add(a_, b_), 2), 3)}, {.profile = true});
  const Tensor a(DType::kFloat32, {4, 2});
  executor.bind(a_, a.view());
  executor.bind(b_, a.view());
  executor.run();
  executor.run();
  const auto profile = executor.profile();
  ASSERT_EQ(profile.size(), 2u);
  for (const OpTime& t : profile) EXPECT_EQ(t.calls, t.op == "scale" ? 4 : 2) << t.op;
  executor.reset_profile();
  EXPECT_EQ(executor.profile()[0].calls, 0);
}

TEST(Scratch, RegionsOfOneKernelAreApart) {
  Scratch scratch;
  const auto a = scratch.get<float>(100);
  const auto b = scratch.get<double>(10);
  EXPECT_NE(static_cast<void*>(a.data()), static_cast<void*>(b.data()));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b.data()) % 64, 0u);
  scratch.reset();
  EXPECT_EQ(scratch.get<float>(100).data(), a.data());
}

}  // namespace
}  // namespace polyscene::testing
