#include "ops/dense/samples.h"

#include "ops/base/philox.h"

namespace polyscene::ops {

Tensor sample_tensor(Shape shape, uint64_t seed) {
  Tensor t(DType::kFloat64, shape);
  PhiloxStream random(seed, 1);
  for (double& x : t.elements<double>()) {
    const double magnitude = 0.1 + 0.9 * random.next_uniform();
    x = static_cast<float>(random.next_below(2) == 0 ? magnitude : -magnitude);
  }
  return t;
}

Tensor sample_positive(Shape shape, uint64_t seed) {
  Tensor t = sample_tensor(std::move(shape), seed);
  for (double& x : t.elements<double>()) x = static_cast<float>(x * x + 0.5);
  return t;
}

Tensor sample_index(Shape shape, int64_t rows, uint64_t seed, MissingRows missing) {
  Tensor t(DType::kInt32, shape);
  PhiloxStream random(seed, 2);
  for (int32_t& i : t.elements<int32_t>()) {
    const bool left_out = missing == MissingRows::kSome && random.next_below(8) == 0;
    i = left_out ? -1 : static_cast<int32_t>(random.next_below(rows));
  }
  return t;
}

Tensor sample_offsets(std::vector<int32_t> lengths) {
  Tensor t(DType::kInt32, Shape{std::ssize(lengths) + 1});
  const auto offsets = t.elements<int32_t>();
  for (size_t i = 0; i < lengths.size(); ++i) offsets[i + 1] = offsets[i] + lengths[i];
  return t;
}

}  // namespace polyscene::ops
