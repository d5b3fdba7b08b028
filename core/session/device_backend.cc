#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "core/session/backend.h"
#include "dist/data_parallel/side_queue.h"
#include "embedding/keys/buffer.h"
#include "ops/base/thread.h"
#include "ops/device/input_copies.h"

namespace polyscene::core {
namespace {

class DeviceBackend : public Backend {
 public:
  DeviceBackend(dist::Communicator& communicator, const dist::OnDevice& on, const Graph& graph, uint64_t seed)
      : Backend(communicator, graph, seed, device_buffers(on.device)),
        device_(on.device),
        transport_(on.transport),
        ranks_(make_device_ranks(communicator, on.device, on.transport)),
        copies_(on.device, "inputs of the batch") {}

  TablesAndLookup make_tables(const config::Experiment& experiment, const Model& model, bool training) override {
    return make_device_tables(experiment, model, training, {.host = communicator_, .device = *ranks_.communicator},
                              device_);
  }
  std::unique_ptr<DenseUpdate> make_update(const config::Train& train) override {
    return make_device_update(train, parameters_, communicator_, device_);
  }
  ExecutorOptions executor_options() const override { return {.device = &device_}; }
  // Larger batches need no recorded graph: they keep a device busy for longer than the host needs to queue their
  // kernels.
  int64_t pad_up_to(const config::Train& train) const override {
    if (train.device_graphs() == config::Train::NEVER) return 0;
    return train.device_graphs() == config::Train::ALWAYS ? std::numeric_limits<int64_t>::max() : 4096;
  }
  int preparing_threads() const override { return std::clamp(thread_count() / 2, 1, 8); }

  void bind(StepInputs& inputs, Executor& executor, const embedding::RowLookup& lookup, double weight) override {
    copies_.begin();
    inputs.bind(executor, lookup, weight, [this](const TensorView& host) { return copies_.add(host); });
    copies_.end();
  }
  // Each bucket is summed on a side queue as soon as its gradients are queued. The side queue has its own communicator,
  // because that of the tables runs on the compute queue. Exchanges of the two never overlap: the compute queue waits
  // for the sums before its next exchange.
  void sum_in_passing(Executor& training, std::span<const Value> gradients) override {
    if (communicator_.size() == 1 || ranks_.host_waits) return;
    side_.emplace(device_);
    side_ranks_ = make_device_ranks(communicator_, side_->device(), transport_);
    for (int64_t bucket = 0; bucket < buckets_.count(); ++bucket)
      training.after(inside(bucket, gradients), [this, bucket] {
        side_->begin();
        buckets_.all_reduce_bucket(*side_ranks_.communicator, parameters_.gradients(), bucket);
      });
  }
  void sum_gradients() override {
    if (side_)
      side_->end();
    else if (communicator_.size() > 1)
      buckets_.all_reduce(*ranks_.communicator, parameters_.gradients());
  }
  std::span<const float> read(const TensorView& logits, int64_t rows) override {
    const std::span<float> host = logits_.resize(rows);
    device_.copy_out(host.data(), logits.data, static_cast<int64_t>(host.size_bytes()));
    return host;
  }
  void check() override {
    ranks_.communicator->check();
    if (side_ranks_.communicator) side_ranks_.communicator->check();
  }

  void begin_stage(const char* name) override { device_.begin_range(name); }
  void end_stage() override { device_.end_range(); }
  void wait() override { device_.synchronize(); }

  DeviceReport report() const override {
    return {.name = device_.name(),
            .exchange = ranks_.communicator->name(),
            .why = ranks_.why,
            .peak = device_.use().describe_peak(),
            .waits = device_.use().waits(HostWait::kResult),
            .holds = device_.use().waits(HostWait::kThrottle)};
  }

 private:
  // The gradients that lie in a bucket, if only in part.
  [[nodiscard]] std::vector<Value> inside(int64_t bucket, std::span<const Value> gradients) const {
    const dist::GradientBuckets::Range range = buckets_.range(bucket);
    const auto entries = parameters_.entries();
    std::vector<Value> inside;
    for (size_t i = 0; i < entries.size(); ++i)
      if (gradients[i] && entries[i].offset < range.end &&
          entries[i].offset + entries[i].gradient.shape.elements() > range.begin)
        inside.push_back(gradients[i]);
    return inside;
  }

  Device& device_;
  dist::DeviceTransport transport_;
  dist::DeviceRanks ranks_;  // for device memory
  // Queue and ranks that sum gradients during the backward pass, if that does not make the host wait.
  std::optional<dist::SideQueue> side_;
  dist::DeviceRanks side_ranks_;
  InputCopies copies_;
  embedding::Buffer<float> logits_;
};

}  // namespace

std::unique_ptr<Backend> make_device_backend(dist::Communicator& communicator, const dist::OnDevice& on,
                                             const Graph& graph, uint64_t seed) {
  return std::make_unique<DeviceBackend>(communicator, on, graph, seed);
}

}  // namespace polyscene::core
