// Optimisers of embedding rows. A step updates the rows that the batch looked up and no other ("lazy"): neither decay
// nor momentum changes a row between two lookups, so the cost of a step follows the batch and not the table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace polyscene::embedding {

struct SparseOptimizer {
  // g is the row's gradient summed over the global batch, plus weight_decay * w; r is learning_rate * factor.
  enum class Kind : uint8_t {
    // m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w -= r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)
    // (Kingma and Ba 2015, end of section 2). t counts the steps of the table, not the lookups of the row, like
    // torch.optim.SparseAdam and TensorFlow's LazyAdam; README.md gives the reason.
    kLazyAdam,
    // a += mean(g^2); w -= r g / (sqrt(a) + epsilon): one accumulator per row.
    kRowWiseAdagrad,
    // a += g^2; w -= r g / (sqrt(a) + epsilon) (Duchi et al. 2011).
    kAdagrad,
    // w -= r g
    kSgd,
  };

  Kind kind = Kind::kLazyAdam;
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double initial_accumulator = 0.1;  // Adagrad and row-wise Adagrad
  double weight_decay = 0;           // L2, on looked-up rows

  // The floats of state beside a row of `dim` values: lazy Adam m[dim] v[dim], Adagrad a[dim], row-wise a[1], SGD none.
  [[nodiscard]] int64_t state_width(int64_t dim) const;
  // The initial value of every float of state of a new row.
  [[nodiscard]] float initial_state() const;

  friend bool operator==(const SparseOptimizer&, const SparseOptimizer&) = default;
};

// Throws InvalidArgument naming the table and the field when a value is out of range or not finite.
void check_optimizer(const SparseOptimizer& optimizer, std::string_view table);

// The optimiser's constants at one step, in the precision of the rows. gain = 1 - beta is computed before rounding: for
// beta = 0.999, float32 arithmetic would give 0.00100005.
struct OptimizerStep {
  SparseOptimizer::Kind kind;
  float rate, beta1, gain1, beta2, gain2, epsilon, weight_decay;
};

// `step` counts from 1.
[[nodiscard]] OptimizerStep optimizer_step(const SparseOptimizer& optimizer, int64_t step, double learning_rate_factor);

// One row to update: values [dim] and state [state_width] in the table, gradient [dim].
struct RowUpdate {
  float* values;
  float* state;
  const float* gradient;
};

void update_rows(const OptimizerStep& step, int64_t dim, std::span<const RowUpdate> rows);

}  // namespace polyscene::embedding
