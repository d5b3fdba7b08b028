#include <array>
#include <cmath>

#include "core/config/translate.h"
#include "core/session/dense_update.h"
#include "ops/optim/device_optimizer.h"

namespace polyscene::core {
namespace {

// Reports of the latest kLag steps are copied to pinned memory, one slot each. All ranks read the report of a step when
// they queue the step kLag later, because a bad report starts a collective.
class DeviceUpdate : public DenseUpdate {
 public:
  DeviceUpdate(const config::Train& train, ParameterStore& parameters, dist::Communicator& communicator, Device& device)
      : parameters_(parameters),
        communicator_(communicator),
        device_(device),
        optimizer_(to_dense_optimizer(train.optimizer()), decayed(parameters), train.clip_norm(), device),
        pinned_(device.allocate_pinned(kLag * int64_t{sizeof(StepReport)})) {}

  void step(TensorView loss, double learning_rate_factor) override {
    if (queued_ - read_ == kLag) read_next(HostWait::kThrottle);
    optimizer_.step(parameters_.values().data(), parameters_.gradients().data(), loss.as<float>(),
                    learning_rate_factor);
    device_.copy_out_later(place(queued_), optimizer_.report(), sizeof(StepReport));
    arrived_[queued_ % kLag] = device_.record();
    ++queued_;
  }

  double take_losses(int64_t steps) override {
    while (read_ < queued_ - steps) read_next(HostWait::kResult);
    return std::exchange(losses_, 0);
  }
  void settle() override {
    while (read_ < queued_) read_next(HostWait::kResult);
  }
  const int32_t* stopped() const override { return &optimizer_.report()->stopped; }
  DenseState state() override {
    DenseState copy{.values = {}, .steps = optimizer_.step_count()};
    for (const DeviceOptimizer::State& s : optimizer_.state()) {
      Tensor values(DType::kFloat32, {std::ssize(parameters_.values())});
      device_.copy_out(values.view().data, s.values, values.view().bytes());
      copy.values.emplace_back(s.name, std::move(values));
    }
    return copy;
  }
  void set_state(const DenseState& state) override {
    const std::vector<DeviceOptimizer::State> mine = optimizer_.state();
    for (size_t i = 0; i < mine.size(); ++i) {
      const TensorView values = state.values[i].second.view();
      device_.copy_in(mine[i].values, values.data, values.bytes());
    }
    optimizer_.set_step_count(state.steps);
  }
  int64_t lag() const override { return kLag; }

 private:
  static constexpr int64_t kLag = 8;

  [[nodiscard]] StepReport* place(int64_t step) const { return static_cast<StepReport*>(pinned_.get()) + step % kLag; }

  void read_next(HostWait why) {
    arrived_[read_ % kLag]->wait(why);
    const StepReport& report = *place(read_);
    if (report.stopped != 0) {
      const Tensor gradients(DType::kFloat32, {std::ssize(parameters_.gradients())});
      device_.copy_out(gradients.view().data, optimizer_.stopped_at(), gradients.view().bytes());
      fail_not_finite(parameters_, gradients, report.loss, communicator_);
    }
    losses_ += report.loss;
    ++read_;
  }

  ParameterStore& parameters_;
  dist::Communicator& communicator_;
  Device& device_;
  DeviceOptimizer optimizer_;
  std::shared_ptr<void> pinned_;
  std::array<std::shared_ptr<Event>, kLag> arrived_;
  int64_t queued_ = 0, read_ = 0;  // number of steps
  double losses_ = 0;
};

}  // namespace

std::unique_ptr<DenseUpdate> make_device_update(const config::Train& train, ParameterStore& parameters,
                                                dist::Communicator& communicator, Device& device) {
  return std::make_unique<DeviceUpdate>(train, parameters, communicator, device);
}

}  // namespace polyscene::core
