#include <gtest/gtest.h>

#include <algorithm>

#include "tests/dist/conformance/data.h"
#include "tests/dist/conformance/suite.h"

namespace polyscene::testing {
namespace {

template <class T>
void check_all_reduce(dist::Communicator& communicator, size_t count, dist::ReduceOp op, uint64_t seed) {
  std::vector<T> data = values<T>(seed, communicator.rank(), count);
  communicator.all_reduce<T>(data, op);
  EXPECT_TRUE(same_bits(data, reduced<T>(seed, communicator.size(), count, op)))
      << who(communicator) << ", " << count << " x " << name(DTypeOf<T>::value) << ", op " << static_cast<int>(op);
}

template <class T>
void check_reduce_scatter(dist::Communicator& communicator, size_t count, uint64_t seed) {
  const size_t ranks = static_cast<size_t>(communicator.size()),
               begin = static_cast<size_t>(communicator.rank()) * count;
  const std::vector<T> input = values<T>(seed, communicator.rank(), count * ranks);
  const std::vector<T> all = reduced<T>(seed, communicator.size(), count * ranks, dist::ReduceOp::kSum);
  std::vector<T> output(count);
  communicator.reduce_scatter<T>(input, output);
  EXPECT_TRUE(same_bits(std::span<const T>(output), std::span<const T>(all).subspan(begin, count)))
      << who(communicator) << ", " << count << " x " << name(DTypeOf<T>::value);
}

// Adding from the last rank to the first must give something else, or the order of the sums would not be tested.
void check_order_matters(int ranks) {
  bool differs = ranks < 3;
  for (size_t i = 0; i < 1000 && !differs; ++i) {
    float forward = value<float>(1, 0, i), backward = value<float>(1, ranks - 1, i);
    for (int r = 1; r < ranks; ++r) forward += value<float>(1, r, i), backward += value<float>(1, ranks - 1 - r, i);
    differs = forward != backward;
  }
  EXPECT_TRUE(differs);
}

}  // namespace

void conformance_all_reduce(dist::Communicator& communicator) {
  check_order_matters(communicator.size());
  uint64_t seed = 1;
  for_each_dtype([&]<class T>() {
    for (const dist::ReduceOp op : {dist::ReduceOp::kSum, dist::ReduceOp::kMin, dist::ReduceOp::kMax}) {
      for (const size_t count : kLengths) check_all_reduce<T>(communicator, count, op, ++seed);
    }
  });
  check_all_reduce<float>(communicator, long_length(communicator, 1 << 20), dist::ReduceOp::kSum, 2);
  check_all_reduce<double>(communicator, long_length(communicator, 1 << 18), dist::ReduceOp::kMax, 3);
}

void conformance_all_reduce_special_values(dist::Communicator& communicator) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  const bool last = communicator.rank() == communicator.size() - 1;
  for (const dist::ReduceOp op : {dist::ReduceOp::kSum, dist::ReduceOp::kMin, dist::ReduceOp::kMax}) {
    std::vector<float> first_nan(5, communicator.rank() == 0 ? kNaN : 1.0f), last_nan(5, last ? kNaN : 1.0f);
    communicator.all_reduce<float>(first_nan, op);
    communicator.all_reduce<float>(last_nan, op);
    for (const float x : first_nan) EXPECT_TRUE(std::isnan(x)) << who(communicator);
    for (const float x : last_nan) EXPECT_TRUE(std::isnan(x)) << who(communicator);
  }
  std::vector<double> infinite(3, last ? static_cast<double>(kInf) : 1.0);
  communicator.all_reduce<double>(infinite, dist::ReduceOp::kMax);
  for (const double x : infinite) EXPECT_TRUE(std::isinf(x));
  std::vector<int32_t> wrapping(9, std::numeric_limits<int32_t>::max());
  communicator.all_reduce<int32_t>(wrapping);
  const uint32_t sum = static_cast<uint32_t>(communicator.size()) * uint32_t{0x7fffffff};
  for (const int32_t x : wrapping) EXPECT_EQ(x, static_cast<int32_t>(sum));
}

void conformance_reduce_scatter(dist::Communicator& communicator) {
  uint64_t seed = 100;
  for_each_dtype([&]<class T>() {
    for (const size_t count : kLengths) check_reduce_scatter<T>(communicator, count, ++seed);
  });
  check_reduce_scatter<float>(communicator, long_length(communicator, 1 << 18), 4);
}

}  // namespace polyscene::testing
