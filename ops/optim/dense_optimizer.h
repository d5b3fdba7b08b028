// Optimisers of dense parameters: one fused pass over all parameters of a model, which are in one flat buffer. They are
// not graph operators, because the ranks first sum and clip the gradients.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace polyscene {

struct DenseOptimizerOptions {
  enum class Kind : uint8_t {
    kAdam,     // Kingma and Ba, ICLR 2015, with bias correction
    kAdamW,    // the same with decoupled weight decay (Loshchilov and Hutter, ICLR 2019)
    kAdagrad,  // Duchi et al., JMLR 2011
    kSgd,
  };
  Kind kind = Kind::kAdam;
  double learning_rate = 0.001;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;    // added to the square root
  double weight_decay = 0;  // kAdamW: x -= rate * decay * x beside the step; other kinds add decay * x to the gradient
  double initial_accumulator = 0.1;  // kAdagrad
};

class DenseOptimizer {
 public:
  // For decay.size() parameters; those with decay[i] set are subject to weight decay (matrices, not biases).
  DenseOptimizer(const DenseOptimizerOptions& options, const std::vector<bool>& decay);

  // Makes one step: params -= learning_rate * factor * direction(grads). The result is the same for any number of
  // threads. Throws InvalidArgument if the sizes differ.
  void step(std::span<float> params, std::span<const float> grads, double learning_rate_factor = 1);

  // The state that a checkpoint keeps beside the parameters: "m" and "v" (Adam), "accumulator" (Adagrad), nothing
  // (SGD), each with one value per parameter, readable and writable; and the number of steps taken.
  struct State {
    std::string_view name;
    std::span<float> values;
  };
  [[nodiscard]] std::vector<State> state();
  [[nodiscard]] int64_t step_count() const { return step_count_; }
  void set_step_count(int64_t steps) { step_count_ = steps; }

 private:
  // Neighbouring parameters with the same weight decay.
  struct Piece {
    int64_t begin, end;
    float decay;
  };
  template <class Body>
  void for_each_piece(const Body& body) const;
  void adam(std::span<float> params, std::span<const float> grads, double rate);
  void adagrad(std::span<float> params, std::span<const float> grads, double rate);
  void sgd(std::span<float> params, std::span<const float> grads, double rate) const;

  DenseOptimizerOptions options_;
  int64_t size_;
  std::vector<Piece> pieces_;               // sorted; they cover all parameters
  std::vector<float> m_, v_, accumulator_;  // empty if the kind has none
  int64_t step_count_ = 0;
};

// The Euclidean norm over all elements, summed in double in a fixed order; not finite if an element is not.
[[nodiscard]] double global_norm(std::span<const float> grads);

// Scales grads, whose norm is `norm`, down to norm `limit`; does nothing if norm <= limit. limit > 0.
void clip_to_norm(std::span<float> grads, double norm, double limit);

}  // namespace polyscene
