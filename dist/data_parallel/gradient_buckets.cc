#include "dist/data_parallel/gradient_buckets.h"

#include <algorithm>

namespace polyscene::dist {

GradientBuckets::GradientBuckets(int64_t elements, DType dtype, int64_t bucket_bytes)
    : elements_(elements), bucket_elements_(bucket_bytes / size_bytes(dtype)), dtype_(dtype) {
  require(elements >= 0, "[dist.gradient_buckets] wanted at least 0 elements, got ", elements);
  require(is_floating(dtype), "[dist.gradient_buckets] wanted float32 or float64 gradients, got ", name(dtype));
  require(bucket_elements_ >= 1, "[dist.gradient_buckets] wanted buckets of at least one ", name(dtype), ", got ",
          bucket_bytes, " bytes");
}

int64_t GradientBuckets::count() const { return (elements_ + bucket_elements_ - 1) / bucket_elements_; }

GradientBuckets::Range GradientBuckets::range(int64_t bucket) const {
  require(bucket >= 0 && bucket < count(), "[dist.gradient_buckets] wanted a bucket in [0, ", count(), "), got ",
          bucket);
  const int64_t end = elements_ - bucket * bucket_elements_;
  return {std::max(int64_t{0}, end - bucket_elements_), end};
}

template <class T>
void GradientBuckets::reduce_all(Communicator& communicator, std::span<T> gradients) {
  for (int64_t bucket = 0; bucket < count(); ++bucket) reduce_one(communicator, gradients, bucket);
}

template <class T>
void GradientBuckets::reduce_one(Communicator& communicator, std::span<T> gradients, int64_t bucket) {
  require(DTypeOf<T>::value == dtype_ && gradients.size() == static_cast<size_t>(elements_),
          "[dist.gradient_buckets] wanted ", elements_, " x ", name(dtype_), ", got ", gradients.size(), " x ",
          name(DTypeOf<T>::value));
  const Range place = range(bucket);
  communicator.all_reduce(gradients.subspan(place.begin, place.size()));
}

template void GradientBuckets::reduce_all(Communicator&, std::span<float>);
template void GradientBuckets::reduce_all(Communicator&, std::span<double>);
template void GradientBuckets::reduce_one(Communicator&, std::span<float>, int64_t);
template void GradientBuckets::reduce_one(Communicator&, std::span<double>, int64_t);

}  // namespace polyscene::dist
