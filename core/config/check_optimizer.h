// The settings that dense and sparse optimisers share.
#pragma once

#include <cmath>
#include <string>

#include "core/config/problems.h"

namespace polyscene::core::config_text {

// Optimizer: config::DenseOptimizer or config::SparseOptimizer. A setting that its kind does not read is an error: it
// would be a silent no-op.
template <class Optimizer>
void check_optimizer(const std::string& path, const Optimizer& o, bool adam, bool adagrad, Problems& problems) {
  const std::string& kind = Optimizer::Kind_Name(o.kind());
  const auto positive = [](double x) { return x > 0 && std::isfinite(x); };
  const auto not_negative = [](double x) { return x >= 0 && std::isfinite(x); };
  const auto unused = [&](bool given, bool read, const char* field) {
    problems.require(!given || read, path + "." + field, " has no effect with kind ", kind,
                     "; remove it or choose another kind");
  };
  problems.require(positive(o.learning_rate()), path + ".learning_rate", " wants a number above 0, got ",
                   o.learning_rate());
  problems.require(o.beta1() >= 0 && o.beta1() < 1, path + ".beta1", " wants 0 <= beta1 < 1, got ", o.beta1());
  problems.require(o.beta2() >= 0 && o.beta2() < 1, path + ".beta2", " wants 0 <= beta2 < 1, got ", o.beta2());
  problems.require(positive(o.epsilon()), path + ".epsilon", " wants a number above 0, got ", o.epsilon());
  problems.require(not_negative(o.initial_accumulator()), path + ".initial_accumulator", " wants at least 0, got ",
                   o.initial_accumulator());
  problems.require(not_negative(o.weight_decay()), path + ".weight_decay", " wants at least 0, got ", o.weight_decay());
  unused(o.has_beta1(), adam, "beta1");
  unused(o.has_beta2(), adam, "beta2");
  unused(o.has_epsilon(), adam || adagrad, "epsilon");
  unused(o.has_initial_accumulator(), adagrad, "initial_accumulator");
}

}  // namespace polyscene::core::config_text
