#include "dist/data_parallel/gradient_buckets.h"

#include <gtest/gtest.h>

#include "tests/dist/conformance/data.h"
#include "tests/dist/conformance/suite.h"

namespace polyscene::testing {
namespace {

// However the buffer is cut, the sums are bit for bit those of one all-reduce.
template <class T>
void check_buckets(dist::Communicator& communicator, size_t elements, int64_t bucket_bytes) {
  dist::GradientBuckets buckets(static_cast<int64_t>(elements), DTypeOf<T>::value, bucket_bytes);
  std::vector<T> gradients = values<T>(7, communicator.rank(), elements);
  buckets.all_reduce(communicator, std::span<T>(gradients));
  EXPECT_TRUE(same_bits(gradients, reduced<T>(7, communicator.size(), elements, dist::ReduceOp::kSum)))
      << who(communicator) << ", " << elements << " elements in buckets of " << bucket_bytes << " bytes";
}

}  // namespace

void conformance_gradient_buckets(dist::Communicator& communicator) {
  for (const size_t elements : {size_t{0}, size_t{1}, size_t{10}, size_t{1025}}) {
    for (const int64_t bucket_bytes :
         {int64_t{8}, int64_t{20}, int64_t{4096}, dist::GradientBuckets::kDefaultBucketBytes}) {
      check_buckets<float>(communicator, elements, bucket_bytes);
      check_buckets<double>(communicator, elements, bucket_bytes);
    }
  }
  const size_t many = long_length(communicator, 70'001);
  check_buckets<float>(communicator, many, static_cast<int64_t>(many) * 10 / 7);
}

}  // namespace polyscene::testing
