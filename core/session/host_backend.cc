#include "core/session/backend.h"

namespace polyscene::core {
namespace {

class HostBackend : public Backend {
 public:
  HostBackend(dist::Communicator& communicator, const Graph& graph, uint64_t seed)
      : Backend(communicator, graph, seed, make_host_buffer) {}

  TablesAndLookup make_tables(const config::Experiment& experiment, const Model& model, bool training) override {
    return make_host_tables(experiment, model, training, communicator_);
  }
  std::unique_ptr<DenseUpdate> make_update(const config::Train& train) override {
    return make_host_update(train, parameters_, communicator_);
  }
  ExecutorOptions executor_options() const override { return {}; }
  // Shapes cost nothing here: there is no recorded graph.
  int64_t pad_up_to(const config::Train& /*train*/) const override { return 0; }
  // A step uses all processors.
  int preparing_threads() const override { return 0; }

  void bind(StepInputs& inputs, Executor& executor, const embedding::RowLookup& lookup, double weight) override {
    inputs.bind(executor, lookup, weight);
  }
  void sum_gradients() override {
    if (communicator_.size() > 1) buckets_.all_reduce(communicator_, parameters_.gradients());
  }
  std::span<const float> read(const TensorView& logits, int64_t /*rows*/) override {
    return logits.elements<const float>();
  }
  void check() override {}
  DeviceReport report() const override { return {}; }
};

}  // namespace

std::unique_ptr<Backend> make_host_backend(dist::Communicator& communicator, const Graph& graph, uint64_t seed) {
  return std::make_unique<HostBackend>(communicator, graph, seed);
}

}  // namespace polyscene::core
