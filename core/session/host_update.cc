#include <algorithm>
#include <cmath>

#include "core/config/translate.h"
#include "core/session/dense_update.h"
#include "ops/optim/dense_optimizer.h"

namespace polyscene::core {
namespace {

class HostUpdate : public DenseUpdate {
 public:
  HostUpdate(const config::Train& train, ParameterStore& parameters, dist::Communicator& communicator)
      : parameters_(parameters),
        communicator_(communicator),
        clip_norm_(train.clip_norm()),
        optimizer_(to_dense_optimizer(train.optimizer()), decayed(parameters)) {}

  void step(TensorView loss, double learning_rate_factor) override {
    const double share = loss.elements<float>()[0];
    const std::span<float> gradients = parameters_.gradients();
    const double norm = global_norm(std::span<const float>(gradients));
    if (!std::isfinite(norm)) fail_not_finite(parameters_, parameters_.host_gradients(), share, communicator_);
    if (clip_norm_ > 0) clip_to_norm(gradients, norm, clip_norm_);
    optimizer_.step(parameters_.values(), std::span<const float>(gradients), learning_rate_factor);
    losses_ += share;
  }
  double take_losses(int64_t /*steps*/) override { return std::exchange(losses_, 0); }
  DenseState state() override {
    DenseState copy{.values = {}, .steps = optimizer_.step_count()};
    for (const DenseOptimizer::State& s : optimizer_.state()) {
      Tensor values(DType::kFloat32, {std::ssize(s.values)});
      std::ranges::copy(s.values, values.elements<float>().begin());
      copy.values.emplace_back(s.name, std::move(values));
    }
    return copy;
  }
  void set_state(const DenseState& state) override {
    const std::vector<DenseOptimizer::State> mine = optimizer_.state();
    for (size_t i = 0; i < mine.size(); ++i)
      std::ranges::copy(state.values[i].second.elements<const float>(), mine[i].values.begin());
    optimizer_.set_step_count(state.steps);
  }
  int64_t lag() const override { return 0; }

 private:
  ParameterStore& parameters_;
  dist::Communicator& communicator_;
  double clip_norm_;
  DenseOptimizer optimizer_;
  double losses_ = 0;
};

}  // namespace

std::unique_ptr<DenseUpdate> make_host_update(const config::Train& train, ParameterStore& parameters,
                                              dist::Communicator& communicator) {
  return std::make_unique<HostUpdate>(train, parameters, communicator);
}

}  // namespace polyscene::core
