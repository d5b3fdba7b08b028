// The optimiser of dense parameters on a device: the formulas of DenseOptimizer with clipping, and without any result
// that the host has to wait for. It reads the gradients twice, however many parameter tensors there are: once for the
// norm, once for the step.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "ops/device/device.h"
#include "ops/optim/dense_optimizer.h"

namespace polyscene {

// The findings of a step, in device memory until the host reads them.
struct StepReport {
  double norm = 0;      // norm of the gradients, before clipping
  float loss = 0;       // this rank's part of the loss
  float scale = 1;      // factor that clipping applied
  int32_t stopped = 0;  // not 0: the norm was not finite, in this step (1) or an earlier one (2). Then the report
                        // is that of the failed step, and no parameter changes any more.
  int32_t reserved = 0;
};

class DeviceOptimizer {
 public:
  // Parameters are in groups of kGroup with the same weight decay; decay.size() is a multiple of kGroup. clip_norm: 0
  // for none. The device must outlive this object, and the program must link the device kernels.
  static constexpr int64_t kGroup = 16;
  DeviceOptimizer(const DenseOptimizerOptions& options, const std::vector<bool>& decay, double clip_norm,
                  Device& device);

  // Queues one step on params and grads [decay.size()] and fills *report(), into which `loss` [1] is copied. All of
  // them are in device memory, aligned to 16 bytes.
  void step(float* params, const float* grads, const float* loss, double learning_rate_factor);

  // Like DenseOptimizer::State, but in device memory, [decay.size()] each.
  struct State {
    std::string_view name;
    float* values;
  };
  [[nodiscard]] std::vector<State> state() const;
  [[nodiscard]] int64_t step_count() const { return step_count_; }
  void set_step_count(int64_t steps) { step_count_ = steps; }

  // In device memory, valid until the next step is queued.
  [[nodiscard]] const StepReport* report() const { return static_cast<const StepReport*>(report_.get()); }
  // The gradients of the step that stopped the optimiser, [decay.size()], in device memory.
  [[nodiscard]] const float* stopped_at() const { return static_cast<const float*>(stopped_at_.get()); }

 private:
  DenseOptimizerOptions options_;
  double clip_norm_;
  Device& device_;
  int64_t size_, step_count_ = 0;
  std::shared_ptr<void> decay_, first_, second_;  // by group: weight decay; the state: m and v, or an accumulator
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

// The constants of one step, computed in double by the host.
struct DeviceStep {
  DenseOptimizerOptions::Kind kind;
  float* params;
  const float* grads;
  float *first, *second;  // nullptr if the kind has none
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
