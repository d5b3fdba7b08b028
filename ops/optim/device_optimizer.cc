#include "ops/optim/device_optimizer.h"

#include <algorithm>
#include <cmath>

#include "ops/base/error.h"

namespace polyscene {
namespace {

using Kind = DenseOptimizerOptions::Kind;

std::shared_ptr<void> copy_to(Device& device, const std::vector<float>& values, const std::string& consumer) {
  const int64_t bytes = values.size() * sizeof(float);
  std::shared_ptr<void> memory = device.allocate(bytes, consumer);
  device.copy_in(memory.get(), values.data(), bytes);
  return memory;
}

}  // namespace

DeviceOptimizer::DeviceOptimizer(const DenseOptimizerOptions& options, const std::vector<bool>& decay, double clip_norm,
                                 Device& device)
    : options_(options), clip_norm_(clip_norm), device_(device), size_(std::ssize(decay)) {
  require(size_ % kGroup == 0, "[ops.optim] wanted parameters in groups of ", kGroup, " on a device, got ", size_);
  const std::string consumer = "the state of the dense optimiser";
  std::vector<float> by_group;
  for (size_t i = 0; i < decay.size(); i += kGroup)
    by_group.push_back(decay[i] ? static_cast<float>(options.weight_decay) : 0);
  decay_ = copy_to(device, by_group, consumer);
  const bool adam = options.kind == Kind::kAdam || options.kind == Kind::kAdamW;
  if (adam || options.kind == Kind::kAdagrad)
    first_ = copy_to(
        device, std::vector<float>(decay.size(), adam ? 0 : static_cast<float>(options.initial_accumulator)), consumer);
  if (adam) second_ = copy_to(device, std::vector<float>(decay.size()), consumer);
  partial_ = device.allocate(norm_blocks(size_) * int64_t{sizeof(double)}, consumer);
  report_ = device.allocate(sizeof(StepReport), consumer);
  stopped_at_ = device.allocate(size_ * int64_t{sizeof(float)}, consumer);
  const StepReport none;
  device.copy_in(report_.get(), &none, sizeof(none));
}

std::vector<DeviceOptimizer::State> DeviceOptimizer::state() const {
  auto* const first = static_cast<float*>(first_.get());
  if (options_.kind == Kind::kAdagrad) return {{"accumulator", first}};
  if (second_) return {{"m", first}, {"v", static_cast<float*>(second_.get())}};
  return {};
}

void DeviceOptimizer::step(float* params, const float* grads, const float* loss, double learning_rate_factor) {
  ++step_count_;
  const auto steps = static_cast<double>(step_count_);
  auto* const report = static_cast<StepReport*>(report_.get());
  device_norm_gpu(device_.stream(), {grads, size_, static_cast<double*>(partial_.get()), loss, clip_norm_, report});
  device_step_gpu(device_.stream(), {.kind = options_.kind,
                                     .params = params,
                                     .grads = grads,
                                     .first = static_cast<float*>(first_.get()),
                                     .second = static_cast<float*>(second_.get()),
                                     .decay = static_cast<const float*>(decay_.get()),
                                     .stopped_at = static_cast<float*>(stopped_at_.get()),
                                     .size = size_,
                                     .rate = static_cast<float>(options_.learning_rate * learning_rate_factor),
                                     .beta1 = static_cast<float>(options_.beta1),
                                     .beta2 = static_cast<float>(options_.beta2),
                                     .gain1 = static_cast<float>(1 - options_.beta1),
                                     .gain2 = static_cast<float>(1 - options_.beta2),
                                     .correct1 = static_cast<float>(1 / (1 - std::pow(options_.beta1, steps))),
                                     .correct2 = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, steps))),
                                     .epsilon = static_cast<float>(options_.epsilon),
                                     .report = report});
}

}  // namespace polyscene
