#include "ops/optim/dense_optimizer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene {
namespace {

using Kind = DenseOptimizerOptions::Kind;
constexpr int64_t kGrain = 16384;

bool is_adam(Kind kind) { return kind == Kind::kAdam || kind == Kind::kAdamW; }

}  // namespace

DenseOptimizer::DenseOptimizer(const DenseOptimizerOptions& options, const std::vector<bool>& decay)
    : options_(options), size_(std::ssize(decay)) {
  for (auto begin = decay.begin(); begin != decay.end();) {
    const auto end = std::find(begin, decay.end(), !*begin);
    pieces_.push_back(
        {begin - decay.begin(), end - decay.begin(), *begin ? static_cast<float>(options.weight_decay) : 0});
    begin = end;
  }
  if (is_adam(options.kind)) {
    m_.resize(decay.size());
    v_.resize(decay.size());
  }
  if (options.kind == Kind::kAdagrad)
    accumulator_.assign(decay.size(), static_cast<float>(options.initial_accumulator));
}

void DenseOptimizer::step(std::span<float> params, std::span<const float> grads, double learning_rate_factor) {
  require(std::ssize(params) == size_ && std::ssize(grads) == size_, "[ops.optim] wanted ", size_,
          " parameters and as many gradients, got ", params.size(), " and ", grads.size());
  ++step_count_;
  const double rate = options_.learning_rate * learning_rate_factor;
  switch (options_.kind) {
    case Kind::kAdam:
    case Kind::kAdamW:
      return adam(params, grads, rate);
    case Kind::kAdagrad:
      return adagrad(params, grads, rate);
    case Kind::kSgd:
      return sgd(params, grads, rate);
  }
}

std::vector<DenseOptimizer::State> DenseOptimizer::state() {
  if (is_adam(options_.kind)) return {{"m", m_}, {"v", v_}};
  if (options_.kind == Kind::kAdagrad) return {{"accumulator", accumulator_}};
  return {};
}

// Calls body(begin, end, decay), in parallel, for ranges that cover all parameters.
template <class Body>
void DenseOptimizer::for_each_piece(const Body& body) const {
  parallel_for(size_, kGrain, [&](int64_t begin, int64_t end) {
    auto piece = std::ranges::upper_bound(pieces_, begin, {}, &Piece::end);
    for (; piece != pieces_.end() && piece->begin < end; ++piece)
      body(std::max(begin, piece->begin), std::min(end, piece->end), piece->decay);
  });
}

void DenseOptimizer::adam(std::span<float> params, std::span<const float> grads, double learning_rate) {
  const auto steps = static_cast<double>(step_count_);
  const bool decoupled = options_.kind == Kind::kAdamW;
  const auto beta1 = static_cast<float>(options_.beta1), beta2 = static_cast<float>(options_.beta2);
  const auto gain1 = static_cast<float>(1 - options_.beta1), gain2 = static_cast<float>(1 - options_.beta2);
  const auto rate = static_cast<float>(learning_rate), epsilon = static_cast<float>(options_.epsilon);
  const auto correct1 = static_cast<float>(1 / (1 - std::pow(options_.beta1, steps)));
  const auto correct2 = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, steps)));
  for_each_piece(
      [=, p = params.data(), g = grads.data(), m = m_.data(), v = v_.data()](int64_t begin, int64_t end, float decay) {
        const float into_gradient = decoupled ? 0 : decay, beside = decoupled ? decay : 0;
        for (int64_t i = begin; i < end; ++i) {
          const float gradient = g[i] + into_gradient * p[i];
          m[i] = beta1 * m[i] + gain1 * gradient;
          v[i] = beta2 * v[i] + gain2 * gradient * gradient;
          p[i] -= rate * (m[i] * correct1 / (std::sqrt(v[i]) * correct2 + epsilon) + beside * p[i]);
        }
      });
}

void DenseOptimizer::adagrad(std::span<float> params, std::span<const float> grads, double learning_rate) {
  const auto rate = static_cast<float>(learning_rate), epsilon = static_cast<float>(options_.epsilon);
  for_each_piece(
      [=, p = params.data(), g = grads.data(), sum = accumulator_.data()](int64_t begin, int64_t end, float decay) {
        for (int64_t i = begin; i < end; ++i) {
          const float gradient = g[i] + decay * p[i];
          sum[i] += gradient * gradient;
          p[i] -= rate * gradient / (std::sqrt(sum[i]) + epsilon);
        }
      });
}

void DenseOptimizer::sgd(std::span<float> params, std::span<const float> grads, double learning_rate) const {
  const auto rate = static_cast<float>(learning_rate);
  for_each_piece([=, p = params.data(), g = grads.data()](int64_t begin, int64_t end, float decay) {
    for (int64_t i = begin; i < end; ++i) p[i] -= rate * (g[i] + decay * p[i]);
  });
}

double global_norm(std::span<const float> grads) {
  const auto size = std::ssize(grads);
  std::vector<double> partial((size + kGrain - 1) / kGrain);
  parallel_for(size, kGrain, [&, g = grads.data()](int64_t begin, int64_t end) {
    double lane[8] = {};  // eight parallel sums, in an order that the compiler may vectorise
    int64_t i = begin;
    for (; i + 8 <= end; i += 8)
      for (int64_t k = 0; k < 8; ++k) lane[k] += double{g[i + k]} * double{g[i + k]};
    for (; i < end; ++i) lane[0] += double{g[i]} * double{g[i]};
    partial[begin / kGrain] = std::accumulate(lane, lane + 8, 0.0);
  });
  return std::sqrt(std::accumulate(partial.begin(), partial.end(), 0.0));
}

void clip_to_norm(std::span<float> grads, double norm, double limit) {
  if (norm <= limit) return;
  const auto factor = static_cast<float>(limit / norm);
  parallel_for(std::ssize(grads), kGrain, [factor, g = grads.data()](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) g[i] *= factor;
  });
}

}  // namespace polyscene
