// Update of dense parameters from a step's gradients, summed over ranks: norm, clipping, optimiser. On the host the
// update is immediate. On a device it is queued, and the host reads its report kLag steps later, so it never waits for
// a step that it has just queued.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/session/parameter_store.h"
#include "dist/communicator.h"

namespace polyscene::core {

// State of the optimiser: named flat buffers, laid out like ParameterStore::host_values(), and the number of steps
// taken.
struct DenseState {
  std::vector<std::pair<std::string, Tensor>> values;
  int64_t steps = 0;
};

class DenseUpdate {
 public:
  virtual ~DenseUpdate() = default;

  // Makes one optimiser step with the gradients in ParameterStore. `loss` [1] is this rank's share of the loss. Throws
  // Error naming tensor and ranks, which is collective, when the norm of the gradients of this step, or of one up to
  // lag() steps before, is not finite; parameters have not changed since that step.
  virtual void step(TensorView loss, double learning_rate_factor) = 0;

  // Sum of this rank's losses since the last call, without those of the newest `steps` steps. Waits for the device when
  // steps < lag(). Throws like step().
  [[nodiscard]] virtual double take_losses(int64_t steps) = 0;

  // Reads the reports of all steps: waits for the device, throws like step().
  virtual void settle() {}

  // A flag in device memory, not 0 after a step whose gradients were not finite; nullptr on the host, where step()
  // throws.
  [[nodiscard]] virtual const int32_t* stopped() const { return nullptr; }

  // Copies the state to the host, and back; set_state() wants the names and sizes of state(). Both may wait for the
  // device.
  [[nodiscard]] virtual DenseState state() = 0;
  virtual void set_state(const DenseState& state) = 0;

  // Number of steps after which the host reads a step's report without waiting; 0 on the host.
  [[nodiscard]] virtual int64_t lag() const = 0;
};

// The arguments must outlive the update.
[[nodiscard]] std::unique_ptr<DenseUpdate> make_host_update(const config::Train& train, ParameterStore& parameters,
                                                            dist::Communicator& communicator);
[[nodiscard]] std::unique_ptr<DenseUpdate> make_device_update(const config::Train& train, ParameterStore& parameters,
                                                              dist::Communicator& communicator, Device& device);

// For each value of ParameterStore::values(), whether weight decay applies: to matrices, not to biases.
[[nodiscard]] std::vector<bool> decayed(const ParameterStore& parameters);

// Collective. Throws Error naming the tensors of `gradients` that are not finite, and the ranks whose loss is not.
// `gradients` is a host buffer, laid out like ParameterStore::host_values().
[[noreturn]] void fail_not_finite(const ParameterStore& parameters, const Tensor& gradients, double loss,
                                  dist::Communicator& communicator);

}  // namespace polyscene::core
