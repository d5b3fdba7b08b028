// The kernel of reductions, on its emulator, against the arithmetic of the host.
#include "dist/device/ordered_reduce.h"

#include <gtest/gtest.h>

#include "dist/reduce.h"
#include "tests/dist/conformance/data.h"
#include "tests/support/emulator/emulator.h"

namespace polyscene::testing {
namespace {

// `self` is a rank whose part lies where the result goes, as in an all-reduce.
template <class T>
void check_ordered_reduce(dist::ReduceOp op, int ranks, int self, size_t count, size_t stride) {
  const auto at = [&](int rank) { return static_cast<size_t>(rank) * stride; };
  std::vector<T> received(static_cast<size_t>(ranks) * stride), own = values<T>(3, self, count), want(count);
  std::vector<const void*> sources;
  for (int r = 0; r < ranks; ++r) {
    const std::vector<T> theirs = values<T>(3, r, count);
    std::copy(theirs.begin(), theirs.end(), received.begin() + static_cast<std::ptrdiff_t>(at(r)));
    sources.push_back(received.data() + at(r));
  }
  void* const to = want.data();
  reduce_in_order(DTypeOf<T>::value, op, sources, {&to, 1}, count);
  for (size_t i = 0; i < count; ++i) received[at(self) + i] = T{77};  // nobody has sent anything there
  ordered_reduce({}, DTypeOf<T>::value, op,
                 {received.data(), own.data(), static_cast<int64_t>(count), static_cast<int64_t>(stride), ranks, self},
                 own.data());
  EXPECT_TRUE(same_bits(own, want)) << name(DTypeOf<T>::value) << ", " << count << " of " << ranks << " ranks";
}

TEST(OrderedReduce, GivesTheBitsOfTheHost) {
  for_each_dtype([&]<class T>() {
    for (const dist::ReduceOp op : {dist::ReduceOp::kSum, dist::ReduceOp::kMin, dist::ReduceOp::kMax}) {
      for (const size_t count : {0, 1, 31, 33, 257}) check_ordered_reduce<T>(op, 3, 1, count, count + 5);
      for (const int self : {0, 3}) check_ordered_reduce<T>(op, 4, self, 65, 65);
      check_ordered_reduce<T>(op, 1, 0, 9, 9);
    }
  });
}

TEST(OrderedReduce, AnyNaNWins) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  for (const dist::ReduceOp op : {dist::ReduceOp::kSum, dist::ReduceOp::kMin, dist::ReduceOp::kMax}) {
    std::vector<float> received = {0, 0, kNaN, 1, 1, 1}, own = {kNaN, 1};
    ordered_reduce({}, DType::kFloat32, op, {received.data(), own.data(), 2, 2, 3, 0}, own.data());
    EXPECT_TRUE(std::isnan(own[0]));
    EXPECT_EQ(own[1], op == dist::ReduceOp::kSum ? 3.0f : 1.0f);
    own = {1, 1};
    ordered_reduce({}, DType::kFloat32, op, {received.data(), own.data(), 2, 2, 3, 0}, own.data());
    EXPECT_TRUE(std::isnan(own[0]));
  }
}

}  // namespace
}  // namespace polyscene::testing
