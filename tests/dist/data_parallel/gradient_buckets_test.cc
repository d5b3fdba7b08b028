#include "dist/data_parallel/gradient_buckets.h"

#include <gtest/gtest.h>

#include <vector>

#include "dist/world.h"

namespace polyscene::dist {
namespace {

std::string invalid(const std::function<void()>& call) {
  try {
    call();
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "no error";
}

// Ten floats in buckets of 16 bytes: [6, 10), then [2, 6), then what is left.
TEST(GradientBuckets, BeginAtTheEndOfTheBuffer) {
  const GradientBuckets buckets(10, DType::kFloat32, 16);
  ASSERT_EQ(buckets.count(), 3);
  EXPECT_EQ(buckets.range(0), (GradientBuckets::Range{6, 10}));
  EXPECT_EQ(buckets.range(1), (GradientBuckets::Range{2, 6}));
  EXPECT_EQ(buckets.range(2), (GradientBuckets::Range{0, 2}));
}

TEST(GradientBuckets, NothingToReduceIsNoBucket) { EXPECT_EQ(GradientBuckets(0, DType::kFloat64).count(), 0); }

TEST(GradientBuckets, OneBucketAtATimeLeavesTheOthersAlone) {
  run_local_ranks(2, [](Communicator& communicator) {
    GradientBuckets buckets(5, DType::kFloat64, 16);
    std::vector<double> gradients = {1, 2, 3, 4, 5};
    buckets.all_reduce_bucket(communicator, std::span<double>(gradients), 1);
    EXPECT_EQ(gradients, (std::vector<double>{1, 4, 6, 4, 5}));
  });
}

TEST(GradientBuckets, ErrorsSayWhatWasWanted) {
  EXPECT_EQ(invalid([] { GradientBuckets(-1, DType::kFloat32); }),
            "[dist.gradient_buckets] wanted at least 0 elements, got -1");
  EXPECT_EQ(invalid([] { GradientBuckets(1, DType::kInt32); }),
            "[dist.gradient_buckets] wanted float32 or float64 gradients, got int32");
  EXPECT_EQ(invalid([] { GradientBuckets(1, DType::kFloat64, 7); }),
            "[dist.gradient_buckets] wanted buckets of at least one float64, got 7 bytes");
  EXPECT_EQ(invalid([] { static_cast<void>(GradientBuckets(4, DType::kFloat32, 16).range(1)); }),
            "[dist.gradient_buckets] wanted a bucket in [0, 1), got 1");
  const auto world = make_single_world();
  std::vector<float> gradients(3);
  EXPECT_EQ(invalid([&] { GradientBuckets(4, DType::kFloat64).all_reduce(*world, std::span<float>(gradients)); }),
            "[dist.gradient_buckets] wanted 4 x float64, got 3 x float32");
}

}  // namespace
}  // namespace polyscene::dist
