// Synchronous data-parallel gradients: one flat buffer holds all dense gradients and is summed over ranks bucket by
// bucket. Buckets are reduced in the order 0, 1, ..., and bucket 0 is the end of the buffer. Parameters are stored in
// the order of the forward pass, so the backward pass completes the last ones first, and a bucket can be reduced as
// soon as it is complete. The cut into buckets does not change results: every sum is over ranks in rank order, bit for
// bit.
#pragma once

#include <cstdint>
#include <span>

#include "dist/communicator.h"

namespace polyscene::dist {

class GradientBuckets {
 public:
  // At 4 MiB the all-reduce runs at its full bandwidth (see the README), while a model of some tens of MiB still has
  // enough buckets for reduction to begin early in the backward pass.
  static constexpr int64_t kDefaultBucketBytes = int64_t{4} << 20;

  // The position of a bucket in the flat buffer, in elements.
  struct Range {
    int64_t begin, end;
    [[nodiscard]] int64_t size() const { return end - begin; }
    bool operator==(const Range&) const = default;
  };

  // For a flat buffer of `elements` elements of `dtype` (floating). Every bucket but the last (the start of the buffer)
  // holds as many elements as fit into bucket_bytes. Throws InvalidArgument.
  GradientBuckets(int64_t elements, DType dtype, int64_t bucket_bytes = kDefaultBucketBytes);

  [[nodiscard]] int64_t count() const;
  // 0 <= bucket < count().
  [[nodiscard]] Range range(int64_t bucket) const;

  // Sums the whole flat buffer `gradients` [elements] over ranks, in place. T must be the dtype given. Collective.
  void all_reduce(Communicator& communicator, std::span<float> gradients) { reduce_all(communicator, gradients); }
  void all_reduce(Communicator& communicator, std::span<double> gradients) { reduce_all(communicator, gradients); }
  // The same for one bucket; all ranks must process buckets in the same order.
  void all_reduce_bucket(Communicator& communicator, std::span<float> gradients, int64_t bucket) {
    reduce_one(communicator, gradients, bucket);
  }
  void all_reduce_bucket(Communicator& communicator, std::span<double> gradients, int64_t bucket) {
    reduce_one(communicator, gradients, bucket);
  }

 private:
  template <class T>
  void reduce_all(Communicator& communicator, std::span<T> gradients);
  template <class T>
  void reduce_one(Communicator& communicator, std::span<T> gradients, int64_t bucket);

  int64_t elements_, bucket_elements_;
  DType dtype_;
};

}  // namespace polyscene::dist
