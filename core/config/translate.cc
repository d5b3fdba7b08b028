#include "core/config/translate.h"

namespace polyscene::core {

embedding::SparseOptimizer to_sparse_optimizer(const config::SparseOptimizer& c) {
  using Kind = embedding::SparseOptimizer::Kind;
  embedding::SparseOptimizer o;
  switch (c.kind()) {
    case config::SparseOptimizer::LAZY_ADAM:
      o.kind = Kind::kLazyAdam;
      break;
    case config::SparseOptimizer::ROW_WISE_ADAGRAD:
      o.kind = Kind::kRowWiseAdagrad;
      break;
    case config::SparseOptimizer::ADAGRAD:
      o.kind = Kind::kAdagrad;
      break;
    case config::SparseOptimizer::SGD:
      o.kind = Kind::kSgd;
      break;
  }
  o.learning_rate = c.learning_rate();
  o.beta1 = c.beta1();
  o.beta2 = c.beta2();
  o.epsilon = c.epsilon();
  o.initial_accumulator = c.initial_accumulator();
  o.weight_decay = c.weight_decay();
  return o;
}

DenseOptimizerOptions to_dense_optimizer(const config::DenseOptimizer& c) {
  using Kind = DenseOptimizerOptions::Kind;
  DenseOptimizerOptions o;
  switch (c.kind()) {
    case config::DenseOptimizer::ADAM:
      o.kind = Kind::kAdam;
      break;
    case config::DenseOptimizer::ADAMW:
      o.kind = Kind::kAdamW;
      break;
    case config::DenseOptimizer::ADAGRAD:
      o.kind = Kind::kAdagrad;
      break;
    case config::DenseOptimizer::SGD:
      o.kind = Kind::kSgd;
      break;
  }
  o.learning_rate = c.learning_rate();
  o.beta1 = c.beta1();
  o.beta2 = c.beta2();
  o.epsilon = c.epsilon();
  o.weight_decay = c.weight_decay();
  o.initial_accumulator = c.initial_accumulator();
  return o;
}

ProductPrecision to_precision(config::Train::Precision precision) {
  switch (precision) {
    case config::Train::BF16:
      return ProductPrecision::kBfloat16;
    case config::Train::TF32:
      return ProductPrecision::kTf32;
    case config::Train::FP32:
      break;
  }
  return ProductPrecision::kFloat32;
}

}  // namespace polyscene::core
