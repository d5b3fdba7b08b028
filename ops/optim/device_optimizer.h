// The optimiser of dense parameters on a device: the same formulas as DenseOptimizer, with clipping, and without a
// number that the host would have to wait for. Two reads of the gradients, whatever the number of parameters' tensors:
// one for their norm, one for the step.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "ops/device/device.h"
#include "ops/optim/dense_optimizer.h"

namespace polyscene {

// What a step found, in memory of the device until the host asks for it.
struct StepReport {
  double norm = 0;      // of the gradients, before clipping
  float loss = 0;       // this rank's share
  float scale = 1;      // that clipping applied
  int32_t stopped = 0;  // not 0: the norm was not finite, in this step (1) or before (2); then this report is that
                        // step's, and no parameter changes any more
  int32_t reserved = 0;
};

class DeviceOptimizer {
 public:
  // Parameters lie in groups of kGroup that decay alike; decay.size() is a multiple of it. clip_norm: 0 for none.
  // The device must outlive it and be one that programs with its kernels have.
  static constexpr int64_t kGroup = 16;
  DeviceOptimizer(const DenseOptimizerOptions& options, const std::vector<bool>& decay, double clip_norm,
                  Device& device);

  // Queues one step on params and grads [decay.size()] and fills *report() with it; `loss` [1] is copied there. All
  // are memory of the device, on multiples of 16 bytes.
  void step(float* params, const float* grads, const float* loss, double learning_rate_factor);

  // As of DenseOptimizer; memory of the device, [decay.size()] each.
  struct State {
    std::string_view name;
    float* values;
  };
  [[nodiscard]] std::vector<State> state() const;
  [[nodiscard]] int64_t step_count() const { return step_count_; }
  void set_step_count(int64_t steps) { step_count_ = steps; }

  // Memory of the device, valid until the next step is queued.
  [[nodiscard]] const StepReport* report() const { return static_cast<const StepReport*>(report_.get()); }
  // The gradients of the step that stopped it, [decay.size()] in memory of the device.
  [[nodiscard]] const float* stopped_at() const { return static_cast<const float*>(stopped_at_.get()); }

 private:
  DenseOptimizerOptions options_;
  double clip_norm_;
  Device& device_;
  int64_t size_, step_count_ = 0;
  std::shared_ptr<void> decay_, first_, second_;  // per group; the state: m and v, or an accumulator
  std::shared_ptr<void> partial_, report_, stopped_at_;
};

// ------------------------------------------------------------------------ the kernels, in device_optimizer_gpu.cu

struct DeviceNorm {
  const float* grads;
  int64_t size;
  double* partial;  // [norm_blocks(size)]
  const float* loss;
  double clip_norm;
  StepReport* report;
};

// Constants of one step, worked out in double by the host.
struct DeviceStep {
  DenseOptimizerOptions::Kind kind;
  float* params;
  const float* grads;
  float *first, *second;  // nullptr where the kind has none
  const float* decay;     // [size / kGroup]
  float* stopped_at;
  int64_t size;
  float rate, beta1, beta2, gain1, gain2, correct1, correct2, epsilon;
  const StepReport* report;
};

[[nodiscard]] constexpr int64_t norm_blocks(int64_t size) { return (size + 16383) / 16384; }
[[gnu::weak]] void device_norm_gpu(const Stream& stream, const DeviceNorm& norm);
[[gnu::weak]] void device_step_gpu(const Stream& stream, const DeviceStep& step);

}  // namespace polyscene
