// Hand-worked examples and one large random case per kernel with more than one path.
#include <gtest/gtest.h>

#include "ops/base/thread.h"
#include "ops/jagged/expand_rows.h"
#include "ops/jagged/gather_rows.h"
#include "ops/jagged/scatter_add_rows.h"
#include "ops/jagged/segment_sum.h"
#include "ops/jagged/source_lists.h"
#include "tests/support/compare.h"
#include "tests/support/evaluate.h"
#include "tests/support/message_of.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

class Jagged : public ::testing::Test {
 protected:
  Value input(const Tensor& t) {
    feed_.emplace_back(graph_.input(str("input ", feed_.size()), t.dtype(), SymbolicShape(t.shape())), t);
    return feed_.back().first;
  }
  void expect(Value v, Shape shape, std::initializer_list<float> values) {
    EXPECT_TRUE(same_bits(evaluate(graph_, {v}, feed_)[0], Tensor::of<float>(shape, values)));
  }
  Graph graph_;
  Feed feed_;
};

TEST_F(Jagged, GatherRows) {
  const Value rows = input(Tensor::of<float>({3, 2}, {1, 2, 3, 4, 5, 6}));
  expect(ops::gather_rows(rows, input(Tensor::of<int32_t>({4}, {2, -1, 0, 2}))), {4, 2}, {5, 6, 0, 0, 1, 2, 5, 6});
  expect(ops::gather_rows(rows, input(Tensor::of<int32_t>({2, 2}, {2, 1, -1, 0}))), {2, 4}, {5, 6, 3, 4, 0, 0, 1, 2});
}

TEST_F(Jagged, ScatterAddRows) {
  const Value g = input(Tensor::of<float>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
  const Value index = input(Tensor::of<int32_t>({2, 2}, {2, 0, -1, 2}));
  expect(ops::scatter_add_rows(g, index, 4), {4, 2}, {3, 4, 0, 0, 8, 10, 0, 0});
}

TEST_F(Jagged, SegmentsOfLengthTwoNoneAndOne) {
  const Value offsets = input(Tensor::of<int32_t>({4}, {0, 2, 2, 3}));
  const Value values = input(Tensor::of<float>({3, 2}, {1, 2, 3, 5, 7, 9}));
  expect(ops::segment_sum(values, offsets), {3, 2}, {4, 7, 0, 0, 7, 9});
  expect(ops::segment_sum(values, offsets, /*mean=*/true), {3, 2}, {2, 3.5f, 0, 0, 7, 9});
  expect(ops::expand_rows(values, offsets, 3), {3, 2}, {1, 2, 1, 2, 7, 9});
  expect(ops::expand_rows(values, offsets, 3, /*mean=*/true), {3, 2}, {0.5f, 1, 0.5f, 1, 7, 9});
}

// Lists of all kinds: none, short, and far longer than one piece, over several parts of the counting sort.
TEST_F(Jagged, ScatterAddRowsOfManySourcesSumsExactly) {
  constexpr int64_t kSources = 200000, kRows = 40000;
  Tensor index = random_index({kSources}, 1, -1, kRows);
  for (size_t i = 0; i < kSources; i += 3) index.elements<int32_t>()[i] = 17;
  Tensor g(DType::kFloat32, {kSources, 3});
  Tensor want(DType::kFloat32, {kRows, 3});
  const auto row_of = index.elements<int32_t>();
  for (size_t i = 0; i < kSources; ++i)
    for (size_t c = 0; c < 3; ++c) {
      g.elements<float>()[i * 3 + c] = static_cast<float>((i * 3 + c) % 7);  // small integers: any order is exact
      if (row_of[i] >= 0)
        want.elements<float>()[static_cast<size_t>(row_of[i]) * 3 + c] += g.elements<float>()[i * 3 + c];
    }
  const Value y = ops::scatter_add_rows(input(g), input(index), kRows);
  EXPECT_TRUE(same_bits(evaluate(graph_, {y}, feed_)[0], want));
}

TEST_F(Jagged, ScatterAddRowsHasTheSameBitsOnAnyNumberOfThreads) {
  constexpr int64_t kSources = 100000;
  Tensor index = random_index({kSources}, 1, -1, 5000);
  for (size_t i = 0; i < kSources; i += 5) index.elements<int32_t>()[i] = 17;
  const Value y = ops::scatter_add_rows(input(random_tensor<float>({kSources, 16}, 2)), input(index), 5000);
  const int before = thread_count();
  set_thread_count(1);
  const Tensor one = evaluate(graph_, {y}, feed_)[0];
  for (const int threads : {2, 3, 8}) {
    set_thread_count(threads);
    EXPECT_TRUE(same_bits(evaluate(graph_, {y}, feed_)[0], one)) << threads;
  }
  set_thread_count(before);
}

TEST(SourceLists, InvertsInOrder) {
  Scratch scratch;
  const int32_t index[] = {2, -1, 0, 2, 2, 0};
  const ops::SourceLists lists = ops::invert_index(index, 4, scratch);
  EXPECT_EQ(std::vector<int32_t>(lists.begin.begin(), lists.begin.end()), (std::vector<int32_t>{0, 2, 2, 5, 5}));
  EXPECT_EQ(std::vector<int32_t>(lists.order.begin(), lists.order.begin() + 5), (std::vector<int32_t>{2, 5, 0, 3, 4}));
}

TEST_F(Jagged, MessagesNameBothSides) {
  const Value x = input(Tensor(DType::kFloat32, {3, 5})), index = input(Tensor(DType::kInt32, {3, 2}));
  const Value offsets = input(Tensor(DType::kInt32, {3}));
  EXPECT_EQ(message_of([&] { (void)ops::gather_rows(x, x); }),
            "[ops.gather_rows] wanted floating rows [U, d] and int32 index [N] or [N, F], d and F > 0 static, got "
            "float32 [3, 5] and float32 [3, 5]");
  EXPECT_EQ(message_of([&] { (void)ops::scatter_add_rows(x, index, 3); }),
            "[ops.scatter_add_rows] wanted floating g [N, d] and int32 index [N], or g [N, F * d] and index [N, F], d "
            "and F > 0 static, got float32 [3, 5] and int32 [3, 2]");
  EXPECT_EQ(message_of([&] { (void)ops::segment_sum(x, index); }),
            "[ops.segment_sum] wanted floating values [T, C] and int32 offsets [B + 1], got float32 [3, 5] and int32 "
            "[3, 2]");
  EXPECT_EQ(message_of([&] { (void)ops::expand_rows(x, offsets, 7); }),
            "[ops.expand_rows] wanted floating x [B, C] and int32 offsets [B + 1], got float32 [3, 5] and int32 [3]");
}

}  // namespace
}  // namespace polyscene::testing
