// From the dense gradients of a step, summed over ranks, to new parameters: norm, clipping, optimiser. On the host at
// once; on a device the step is queued, and what it found is looked at kLag steps later, so that the host never waits
// for a step that it has just queued.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/session/parameter_store.h"
#include "dist/communicator.h"

namespace polyscene {

// What the optimiser keeps beside the parameters: by name flat buffers like ParameterStore::host_values(), and the
// number of steps taken.
struct DenseState {
  std::vector<std::pair<std::string, Tensor>> values;
  int64_t steps = 0;
};

class DenseUpdate {
 public:
  virtual ~DenseUpdate() = default;

  // One step on parameters' gradients; `loss` [1] is this rank's share. Collective where something is wrong: throws
  // Error naming tensor and ranks when the norm of this step's gradients, or of one up to lag() steps before, is not
  // finite. No parameter has changed since then.
  virtual void step(TensorView loss, double learning_rate_factor) = 0;

  // The sum of this rank's losses of all steps up to `steps` steps ago since the last call. Waits for a device where
  // steps < lag(); throws like step().
  [[nodiscard]] virtual double take_losses(int64_t steps) = 0;

  // Takes in the reports of all steps: waits for a device, throws like step().
  virtual void settle() {}

  // On a device, its memory: not 0 once a step's gradients were not finite; nullptr on the host, where step() throws.
  [[nodiscard]] virtual const int32_t* stopped() const { return nullptr; }

  // Copies on the host, and back again: the same names and sizes. May wait for a device.
  [[nodiscard]] virtual DenseState state() = 0;
  virtual void set_state(const DenseState& state) = 0;

  // How many steps ago the host learns of a step without waiting: 0 on the host.
  [[nodiscard]] virtual int64_t lag() const = 0;
};

// What they are made of must outlive them.
[[nodiscard]] std::unique_ptr<DenseUpdate> make_host_update(const config::Train& train, ParameterStore& parameters,
                                                            Communicator& communicator);
[[nodiscard]] std::unique_ptr<DenseUpdate> make_device_update(const config::Train& train, ParameterStore& parameters,
                                                              Communicator& communicator, Device& device);

// Matrices decay, biases do not: a flag per parameter, padding included.
[[nodiscard]] std::vector<bool> decayed(const ParameterStore& parameters);

// Names the tensors of `gradients`, a host buffer like ParameterStore::host_values(), that are not finite, and the
// ranks whose loss is not. Collective.
[[noreturn]] void fail_not_finite(const ParameterStore& parameters, const Tensor& gradients, double loss,
                                  Communicator& communicator);

}  // namespace polyscene
