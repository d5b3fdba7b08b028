// The part of a session that depends on where its model runs. There are two, on the host (host_backend.cc) and on a
// device (device_backend.cc); make_backend() chooses one when a session is made, and nothing asks again which it is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/config/experiment.pb.h"
#include "core/models/model.h"
#include "core/models/step_inputs.h"
#include "core/session/dense_update.h"
#include "core/session/device_report.h"
#include "core/session/parameter_store.h"
#include "core/session/tables.h"
#include "dist/data_parallel/gradient_buckets.h"
#include "dist/rank.h"
#include "ops/graph/executor.h"

namespace polyscene::core {

class Backend {
 public:
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // The dense parameters of the graph, in the memory that its executors use.
  [[nodiscard]] ParameterStore& parameters() { return parameters_; }

  // Parts of the session, which the backend must outlive. Without `training`, tables have no optimiser state.
  [[nodiscard]] virtual TablesAndLookup make_tables(const config::Experiment& experiment, const Model& model,
                                                    bool training) = 0;
  [[nodiscard]] virtual std::unique_ptr<DenseUpdate> make_update(const config::Train& train) = 0;
  // Options of an executor that runs here.
  [[nodiscard]] virtual ExecutorOptions executor_options() const = 0;
  // Batches of up to so many rows are padded, so that few shapes occur.
  [[nodiscard]] virtual int64_t pad_up_to(const config::Train& train) const = 0;
  // The number of threads that prepare batches ahead of the steps; 0: each step prepares its own.
  [[nodiscard]] virtual int preparing_threads() const = 0;

  // Binds the executor to the inputs of a prepared batch, which must not change before the step is done.
  virtual void bind(StepInputs& inputs, Executor& executor, const embedding::RowLookup& lookup, double weight) = 0;
  // Lets the sums over ranks begin during the backward pass, if that is faster here. `gradients`: of the parameters, in
  // their order; empty values are not computed. Collective, once, before the first step.
  virtual void sum_in_passing(Executor& /*training*/, std::span<const Value> /*gradients*/) {}
  // Sums the gradients of the parameters over ranks, after the backward pass. Collective.
  virtual void sum_gradients() = 0;
  // The first `rows` logits in host memory, valid until the next call. Waits for them.
  [[nodiscard]] virtual std::span<const float> read(const TensorView& logits, int64_t rows) = 0;
  // Throws what the ranks' exchanges have found since they returned.
  virtual void check() = 0;

  // Marks a stage of the step for profilers; the name must stay.
  virtual void begin_stage(const char* /*name*/) {}
  virtual void end_stage() {}
  // Returns when all queued work is done.
  virtual void wait() {}

  // The device as the run reports it; the name is empty on the host.
  [[nodiscard]] virtual DeviceReport report() const = 0;

 protected:
  Backend(dist::Communicator& communicator, const Graph& graph, uint64_t seed, const MakeFlatBuffer& make)
      : communicator_(communicator),
        parameters_(graph, seed, make),
        buckets_(std::ssize(parameters_.gradients()), DType::kFloat32) {}

  dist::Communicator& communicator_;
  ParameterStore parameters_;
  dist::GradientBuckets buckets_;  // of the parameters' gradients
};

// Collective. For a model's graph, which must outlive the backend, as must all that the rank refers to.
[[nodiscard]] std::unique_ptr<Backend> make_backend(const dist::Rank& rank, const Graph& graph, uint64_t seed);

// Its two cases.
[[nodiscard]] std::unique_ptr<Backend> make_host_backend(dist::Communicator& communicator, const Graph& graph,
                                                         uint64_t seed);
[[nodiscard]] std::unique_ptr<Backend> make_device_backend(dist::Communicator& communicator, const dist::OnDevice& on,
                                                           const Graph& graph, uint64_t seed);

}  // namespace polyscene::core
