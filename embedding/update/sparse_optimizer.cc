#include "embedding/update/sparse_optimizer.h"

#include <cmath>
#include <string_view>

#include "ops/base/error.h"

namespace polyscene::embedding {
namespace {

using Kind = SparseOptimizer::Kind;

// `extent` is a std::integral_constant for common dims, so that the loops below unroll into whole vectors.
template <class Extent>
void lazy_adam(const OptimizerStep& s, Extent extent, const RowUpdate& row) {
  const int64_t dim = extent;
  float* __restrict w = row.values;
  float* __restrict m = row.state;
  float* __restrict v = row.state + dim;
  const float* __restrict gradient = row.gradient;
#pragma omp simd
  for (int64_t i = 0; i < dim; ++i) {
    const float g = gradient[i] + s.weight_decay * w[i];
    m[i] = s.beta1 * m[i] + s.gain1 * g;
    v[i] = s.beta2 * v[i] + s.gain2 * g * g;
    w[i] -= s.rate * m[i] / (std::sqrt(v[i]) + s.epsilon);
  }
}

template <class Extent>
void row_wise_adagrad(const OptimizerStep& s, Extent extent, const RowUpdate& row) {
  const int64_t dim = extent;
  float* __restrict w = row.values;
  const float* __restrict gradient = row.gradient;
  float squares = 0;
#pragma omp simd reduction(+ : squares)
  for (int64_t i = 0; i < dim; ++i) {
    const float g = gradient[i] + s.weight_decay * w[i];
    squares += g * g;
  }
  row.state[0] += squares / static_cast<float>(dim);
  const float rate = s.rate / (std::sqrt(row.state[0]) + s.epsilon);
#pragma omp simd
  for (int64_t i = 0; i < dim; ++i) w[i] -= rate * (gradient[i] + s.weight_decay * w[i]);
}

template <class Extent>
void adagrad(const OptimizerStep& s, Extent extent, const RowUpdate& row) {
  const int64_t dim = extent;
  float* __restrict w = row.values;
  float* __restrict a = row.state;
  const float* __restrict gradient = row.gradient;
#pragma omp simd
  for (int64_t i = 0; i < dim; ++i) {
    const float g = gradient[i] + s.weight_decay * w[i];
    a[i] += g * g;
    w[i] -= s.rate * g / (std::sqrt(a[i]) + s.epsilon);
  }
}

template <class Extent>
void sgd(const OptimizerStep& s, Extent extent, const RowUpdate& row) {
  const int64_t dim = extent;
  float* __restrict w = row.values;
  const float* __restrict gradient = row.gradient;
#pragma omp simd
  for (int64_t i = 0; i < dim; ++i) w[i] -= s.rate * (gradient[i] + s.weight_decay * w[i]);
}

void prefetch(const float* from, int64_t floats) {
  constexpr int64_t kLine = 64 / sizeof(float);
  for (int64_t i = 0; i < floats; i += kLine) __builtin_prefetch(from + i, 1);
}

template <class Extent>
void update_all(const OptimizerStep& step, Extent dim, int64_t state_width, std::span<const RowUpdate> rows) {
  constexpr size_t kAhead = 6;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) {
      prefetch(rows[i + kAhead].values, dim);
      prefetch(rows[i + kAhead].state, state_width);
    }
    const RowUpdate& row = rows[i];
    switch (step.kind) {
      case Kind::kLazyAdam:
        lazy_adam(step, dim, row);
        break;
      case Kind::kRowWiseAdagrad:
        row_wise_adagrad(step, dim, row);
        break;
      case Kind::kAdagrad:
        adagrad(step, dim, row);
        break;
      case Kind::kSgd:
        sgd(step, dim, row);
        break;
    }
  }
}

int64_t state_width_of(Kind kind, int64_t dim) {
  switch (kind) {
    case Kind::kLazyAdam:
      return 2 * dim;
    case Kind::kRowWiseAdagrad:
      return 1;
    case Kind::kAdagrad:
      return dim;
    case Kind::kSgd:
      return 0;
  }
  return 0;
}

template <int64_t kDim>
using Fixed = std::integral_constant<int64_t, kDim>;

}  // namespace

int64_t SparseOptimizer::state_width(int64_t dim) const { return state_width_of(kind, dim); }

float SparseOptimizer::initial_state() const {
  const bool accumulates = kind == Kind::kAdagrad || kind == Kind::kRowWiseAdagrad;
  return accumulates ? static_cast<float>(initial_accumulator) : 0.0f;
}

void check_optimizer(const SparseOptimizer& o, std::string_view table) {
  const auto check = [&](bool ok, std::string_view field, std::string_view wanted, double got) {
    require(ok && std::isfinite(got), "[embedding.update] table \"", table, "\": wanted optimizer.", field, " ", wanted,
            ", got ", got);
  };
  check(o.learning_rate >= 0, "learning_rate", "of at least 0", o.learning_rate);
  check(o.beta1 >= 0 && o.beta1 < 1, "beta1", "in [0, 1)", o.beta1);
  check(o.beta2 >= 0 && o.beta2 < 1, "beta2", "in [0, 1)", o.beta2);
  // An epsilon of zero would divide by zero on the first zero gradient.
  check(static_cast<float>(o.epsilon) > 0, "epsilon", "above 0 in float32", o.epsilon);
  check(o.initial_accumulator >= 0, "initial_accumulator", "of at least 0", o.initial_accumulator);
  check(o.weight_decay >= 0, "weight_decay", "of at least 0", o.weight_decay);
}

OptimizerStep optimizer_step(const SparseOptimizer& o, int64_t step, double learning_rate_factor) {
  double rate = o.learning_rate * learning_rate_factor;
  if (o.kind == Kind::kLazyAdam) {
    const double t = static_cast<double>(step);
    rate *= std::sqrt(1 - std::pow(o.beta2, t)) / (1 - std::pow(o.beta1, t));
  }
  return {.kind = o.kind,
          .rate = static_cast<float>(rate),
          .beta1 = static_cast<float>(o.beta1),
          .gain1 = static_cast<float>(1 - o.beta1),
          .beta2 = static_cast<float>(o.beta2),
          .gain2 = static_cast<float>(1 - o.beta2),
          .epsilon = static_cast<float>(o.epsilon),
          .weight_decay = static_cast<float>(o.weight_decay)};
}

void update_rows(const OptimizerStep& step, int64_t dim, std::span<const RowUpdate> rows) {
  const int64_t width = state_width_of(step.kind, dim);
  switch (dim) {
    case 8:
      return update_all(step, Fixed<8>{}, width, rows);
    case 16:
      return update_all(step, Fixed<16>{}, width, rows);
    case 32:
      return update_all(step, Fixed<32>{}, width, rows);
    case 64:
      return update_all(step, Fixed<64>{}, width, rows);
    default:
      return update_all(step, dim, width, rows);
  }
}

}  // namespace polyscene::embedding
