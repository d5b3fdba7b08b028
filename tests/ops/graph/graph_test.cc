#include "ops/graph/graph.h"

#include <gtest/gtest.h>

#include "ops/dense/add.h"
#include "ops/dense/scale.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

struct PairAttributes {
  int first = 1;
  double second = 0.5;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"first", first}, Field{"second", second}}; }
};

TEST(Attributes, CompareAndPrintByField) {
  const Attributes a = Attributes::of(PairAttributes{1, 0.5});
  EXPECT_EQ(a, Attributes::of(PairAttributes{1, 0.5}));
  EXPECT_FALSE(a == Attributes::of(PairAttributes{1, 0.25}));
  EXPECT_FALSE(a == Attributes::of(NoAttributes{}));
  EXPECT_EQ(str(a), "{first=1, second=0.5}");
  EXPECT_EQ(str(Attributes::of(NoAttributes{})), "{}");
  EXPECT_THROW((void)a.as<NoAttributes>(), std::bad_cast);
}

TEST(Graph, NamesValuesAfterInputsOrProducers) {
  Graph graph;
  const Value x = graph.input("x", DType::kFloat32, {graph.symbol("batch"), 3});
  const Value y = ops::add(ops::scale(x, 2), x);
  EXPECT_EQ(graph.describe(x), "x");
  EXPECT_EQ(graph.describe(y), "add#1");
  EXPECT_EQ(graph.producer(x), -1);
  EXPECT_EQ(graph.producer(y), 1);
  EXPECT_EQ(str(y.shape()), "[s0, 3]");
  EXPECT_EQ(graph.find("x"), x);
}

TEST(Graph, ParametersHaveTheGraphsType) {
  Graph graph(DType::kFloat64);
  const Value w = graph.parameter("w", {2, 3}, Init::kZeros);
  EXPECT_EQ(w.dtype(), DType::kFloat64);
  ASSERT_EQ(graph.parameters().size(), 1u);
  EXPECT_EQ(graph.parameters()[0].name, "w");
}

TEST(Graph, MessagesNameWhatWasWanted) {
  Graph graph, other;
  const Value x = graph.input("x", DType::kFloat32, {2});
  const Value w = graph.parameter("w", {2}, Init::kZeros);
  EXPECT_EQ(message_of([&] { graph.input("x", DType::kFloat32, {3}); }),
            "[ops.graph] wanted a new name for an input, \"x\" is taken");
  EXPECT_EQ(message_of([&] {
              graph.parameter("p", {graph.symbol("batch"), 3}, Init::kZeros);
            }),
            "[ops.graph] parameter \"p\" wants a static shape, got [s0, 3]");
  EXPECT_EQ(message_of([&] { (void)graph.find("z"); }),
            "[ops.graph] wanted an input or parameter \"z\"; there are: x, w");
  const Value y = other.input("y", DType::kFloat32, {2});
  EXPECT_EQ(message_of([&] { (void)ops::add(w, y); }),
            "[ops.add] wanted inputs of one graph, got a value of none or another");
  EXPECT_EQ(message_of([&] { (void)ops::add(x, Value{}); }),
            "[ops.add] wanted inputs of one graph, got a value of none or another");
}

}  // namespace
}  // namespace polyscene::testing
