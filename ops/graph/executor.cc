#include "ops/graph/executor.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "ops/base/caused_error.h"
#include "ops/base/signals.h"
#include "ops/device/device.h"
#include "ops/graph/plan.h"

namespace polyscene {
namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

constexpr uintptr_t kDeviceAlignment = 16;  // of the widest access of a kernel

}  // namespace

Executor::Executor(const Graph& graph, std::vector<Value> outputs, ExecutorOptions options)
    : graph_(graph), outputs_(std::move(outputs)), options_(std::move(options)), scratch_(options_.device) {
  const size_t values = graph.value_count();
  views_.resize(values);
  bound_.assign(values, false);
  alias_of_.resize(values);
  std::iota(alias_of_.begin(), alias_of_.end(), 0);
  symbols_.assign(graph.symbols().size(), -1);
  for (size_t i = 0; i < values; ++i) views_[i].dtype = graph.type({nullptr, static_cast<int32_t>(i)}).dtype;

  // Walk backwards to find what the outputs need.
  std::vector<bool> needed(values);
  for (const Value& v : outputs_) needed[v.id] = true;
  std::vector<const Node*> nodes;
  for (size_t n = graph.nodes().size(); n-- > 0;) {
    const Node& node = graph.nodes()[n];
    if (std::ranges::none_of(node.outputs, [&](Value v) { return needed[v.id]; })) continue;
    for (const Value& v : node.inputs) needed[v.id] = true;
    nodes.push_back(&node);
  }
  std::ranges::reverse(nodes);

  first_.assign(values, -1);
  last_.assign(values, -1);
  for (const Node* node : nodes) {
    const auto step = static_cast<int32_t>(steps_.size());
    for (const Value& v : node->inputs) last_[alias_of_[v.id]] = step;
    if (node->op->aliases_input) alias_of_[node->outputs[0].id] = alias_of_[node->inputs[0].id];
    for (const Value& v : node->outputs) {
      const size_t root = alias_of_[v.id];
      if (first_[root] < 0) first_[root] = step;
      last_[root] = std::max(last_[root], step);
    }
    require<DeviceError>(options_.device == nullptr || node->op->gpu != nullptr || node->op->aliases_input,
                         "[ops.executor] operator ", node->op->name,
                         " has no kernel for devices in this program; link ",
                         "the kernels of devices (POLYSCENE_CUDA), or run on the CPU");
    for (const Value& v : node->outputs)
      require(options_.device == nullptr || graph.type(v).dtype != DType::kFloat64, "[ops.executor] ",
              graph.describe(v), " is float64; devices compute in float32");
    steps_.push_back({node, {}, {}});
  }
  for (const Value& v : outputs_) last_[alias_of_[v.id]] = static_cast<int32_t>(steps_.size());
  for (size_t i = 0; i < values; ++i)
    if (needed[i] && graph.producer({nullptr, static_cast<int32_t>(i)}) < 0)
      used_inputs_.push_back(static_cast<int32_t>(i));
}

void Executor::bind(Value value, TensorView data) {
  require(data.dtype == graph_.type(value).dtype, "[ops.executor] ", graph_.describe(value), " wants ",
          name(graph_.type(value).dtype), ", got ", name(data.dtype));
  const bool aligned = reinterpret_cast<uintptr_t>(data.data) % kDeviceAlignment == 0;
  require(options_.device == nullptr || aligned, "[ops.executor] ", graph_.describe(value),
          " wants memory on a multiple of ", kDeviceAlignment, " bytes on a device");
  const size_t id = value.id;
  require(alias_of_[id] == value.id, "[ops.executor] ", graph_.describe(value),
          " shares the memory of its input and cannot be bound");
  stale_ = stale_ || !bound_[id] || views_[id].data != data.data || !(views_[id].shape == data.shape);
  views_[id] = data;
  bound_[id] = true;
}

bool Executor::fit_symbols(const SymbolicShape& want, const Shape& got) {
  if (want.rank() != got.rank()) return false;
  for (int axis = 0; axis < want.rank(); ++axis) {
    const Dim& d = want[axis];
    if (!d.is_static()) {
      int64_t& bound = symbols_[d.symbol];
      if (bound < 0 && (got[axis] - d.constant) % d.factor == 0) bound = (got[axis] - d.constant) / d.factor;
      if (bound < 0) return false;
    }
    if (d.resolve(symbols_) != got[axis]) return false;
  }
  return true;
}

void Executor::bind_symbols() {
  std::ranges::fill(symbols_, -1);
  for (int32_t id : used_inputs_) {
    const Value v{const_cast<Graph*>(&graph_), id};
    require(bound_[id], "[ops.executor] input \"", graph_.describe(v), "\" is not bound");
    const SymbolicShape& want = graph_.type(v).shape;
    if (fit_symbols(want, view(v).shape)) continue;
    std::string known;
    for (size_t s = 0; s < symbols_.size(); ++s)
      known += str(s ? ", " : "", "s", s, " ", graph_.symbols()[s], " = ", symbols_[s] < 0 ? "?" : str(symbols_[s]));
    throw InvalidArgument(str("[ops.executor] input \"", graph_.describe(v), "\" wants shape ", want, " with ", known,
                              ", got ", view(v).shape));
  }
  // An input that no node reads may still be the one that tells an extent: the rows behind a gather, when their
  // gradient alone is wanted.
  for (int32_t id = 0; id < graph_.value_count(); ++id) {
    const Value v{const_cast<Graph*>(&graph_), id};
    if (bound_[id] && graph_.producer(v) < 0) (void)fit_symbols(graph_.type(v).shape, view(v).shape);
  }
}

Shape Executor::resolve_shape(Value v) const {
  const SymbolicShape& shape = graph_.type(v).shape;
  for (const Dim& d : shape.dims())
    require(d.is_static() || symbols_[d.symbol] >= 0, "[ops.executor] ", graph_.describe(v), ' ', shape,
            " depends on s", d.symbol, " \"", d.is_static() ? "" : graph_.symbols()[d.symbol],
            "\", which no bound input determines; bind one that has it in its shape");
  return shape.resolve(symbols_);
}

void Executor::resolve_views() {
  bind_symbols();
  std::vector<Lifetime> lifetimes;
  std::vector<size_t> roots;
  for (const Step& step : steps_)
    for (const Value& v : step.node->outputs) {
      TensorView& out = view(v);
      const Shape shape = resolve_shape(v);
      require(!bound_[v.id] || out.shape == shape, "[ops.executor] ", graph_.describe(v),
              " is bound to memory of shape ", out.shape, ", its shape is ", shape);
      out.shape = shape;
      const size_t root = alias_of_[v.id];
      if (root != static_cast<size_t>(v.id) || bound_[root]) continue;
      lifetimes.push_back(
          {out.bytes(), first_[root], options_.plan_memory ? last_[root] : static_cast<int32_t>(steps_.size())});
      roots.push_back(root);
    }
  const MemoryPlan plan = plan_memory(lifetimes);
  if (plan.arena_bytes > arena_bytes_) {
    arena_.reset();
    arena_bytes_ = 0;
    const int64_t bytes = plan.arena_bytes + plan.arena_bytes / 8;  // jagged sizes vary from step to step
    arena_ = allocate_on(options_.device, bytes, "intermediate values of the graph");
    arena_bytes_ = bytes;
    ++arena_allocations_;
  }
  for (size_t i = 0; i < roots.size(); ++i)
    views_[roots[i]].data = static_cast<std::byte*>(arena_.get()) + plan.offsets[i];
  for (Step& step : steps_) {
    step.inputs.clear();
    step.outputs.clear();
    for (const Value& v : step.node->inputs) step.inputs.push_back(view(v));
    for (const Value& v : step.node->outputs) {
      view(v).data = views_[alias_of_[v.id]].data;
      step.outputs.push_back(view(v));
    }
  }
  stale_ = false;
}

void Executor::run(bool may_record) {
  if (may_record && options_.device != nullptr && !options_.check_finite && !options_.profile) return run_recorded();
  if (stale_) resolve_views();
  if (options_.device != nullptr) return run_nodes(true);
  const SignalsHeld held;  // once for all products of the run
  run_nodes(true);
}

// The first time kernels ask for the memory they need, which cannot be recorded; the second time they are recorded.
void Executor::run_recorded() {
  const RecordedRuns::Bindings bound_to = bindings();
  if (const std::vector<TensorView>* views = runs_.replay(bound_to, allocations())) {
    views_ = *views;
    stale_ = true;  // the steps' views are of another run
    return run_all_callbacks();
  }
  if (stale_) resolve_views();
  if (!runs_.known(bound_to, allocations())) {
    run_nodes(true);
    return runs_.note(bound_to, allocations());
  }
  runs_.record(bound_to, options_.device->capture([this] { run_nodes(false); }), views_);
  run_all_callbacks();
}

void Executor::run_all_callbacks() const {
  for (const auto& [step, callback] : callbacks_) callback();
}

void Executor::after(std::span<const Value> outputs, std::function<void()> callback) {
  std::vector<bool> wanted(views_.size());  // their memory
  for (const Value& v : outputs) {
    require(std::ranges::find(outputs_, v) != outputs_.end(), "[ops.executor] ", graph_.describe(v),
            " is not an output that the executor was built for");
    wanted[alias_of_[v.id]] = true;
  }
  const auto touches = [&](Value v) { return wanted[alias_of_[v.id]]; };
  size_t last = 0;
  for (size_t i = 0; i < steps_.size(); ++i)
    if (std::ranges::any_of(steps_[i].node->inputs, touches) || std::ranges::any_of(steps_[i].node->outputs, touches))
      last = i;
  callbacks_.emplace(last, std::move(callback));
}

RecordedRuns::Bindings Executor::bindings() const {
  RecordedRuns::Bindings all;
  for (size_t i = 0; i < views_.size(); ++i) {
    if (!bound_[i]) continue;
    all.push_back(reinterpret_cast<int64_t>(views_[i].data));
    for (int axis = 0; axis < views_[i].shape.rank(); ++axis) all.push_back(views_[i].shape[axis]);
  }
  return all;
}

void Executor::run_nodes(bool with_callbacks) {
  auto callback = with_callbacks ? callbacks_.begin() : callbacks_.end();
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (!steps_[i].node->op->aliases_input) run_step(steps_[i]);
    for (; callback != callbacks_.end() && callback->first <= i; ++callback) callback->second();
  }
}

// A device's errors show where the host next asks it something: with check_finite or profile that is behind every node.
void Executor::run_step(Step& step) {
  const auto seen_at = [&] {
    std::string shapes;
    for (const TensorView& input : step.inputs) shapes += str(shapes.empty() ? "" : ", ", input.shape);
    return str("; seen at ", graph_.describe(step.node->outputs[0]), " of inputs ", shapes,
               options_.where.empty() ? "" : " on ", options_.where);
  };
  const double start = options_.profile ? now_s() : 0;
  try {
    run_kernel(step);
    if (options_.profile) {
      if (options_.device != nullptr) options_.device->synchronize();
      step.seconds += now_s() - start;
      ++step.calls;
    }
    if (options_.check_finite) check_step(step);
  } catch (const ThreadShortage& error) {
    throw ThreadShortage(error.what() + seen_at());
  } catch (const DeviceMemoryShortage& error) {
    throw DeviceMemoryShortage(error.what() + seen_at());
  } catch (const DeviceError& error) {
    throw DeviceError(error.what() + seen_at());
  }
}

// Scratch memory is used again by the next kernel: the queue runs them one after the other.
void Executor::run_kernel(const Step& step) {
  const OpDefinition& op = *step.node->op;
  KernelContext context{step.node->attributes, step.inputs, step.outputs, scratch_, options_.precision};
  scratch_.reset();
  if (options_.device == nullptr) return op.cpu(context);
  context.stream = options_.device->stream();
  op.gpu(context);
}

bool Executor::all_finite(const TensorView& v) const {
  if (!is_floating(v.dtype)) return true;
  Tensor copy;
  TensorView here = v;
  if (options_.device != nullptr) {
    copy = Tensor(v.dtype, v.shape);
    here = copy.view();
    options_.device->copy_out(here.data, v.data, v.bytes());
  }
  return dispatch_floating(v.dtype, [&]<class T>() {
    return std::ranges::all_of(here.elements<T>(), [](T x) { return std::isfinite(x); });
  });
}

void Executor::check_step(const Step& step) const {
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    if (all_finite(step.outputs[i])) continue;
    std::string inputs;
    for (size_t k = 0; k < step.inputs.size(); ++k)
      inputs += str(k ? ", " : "", graph_.describe(step.node->inputs[k]), step.inputs[k].shape,
                    all_finite(step.inputs[k]) ? "" : " (not finite)");
    throw OutputNotFinite(str("[ops.executor] ", options_.where, options_.where.empty() ? "" : ": ", "output ", i,
                              " of ", graph_.describe(step.node->outputs[i]), " ", step.node->attributes,
                              " is not finite; its inputs: ", inputs,
                              "; try a lower learning rate, clipped gradients or a look at the data"));
  }
}

TensorView Executor::result(Value output) const {
  require(std::ranges::find(outputs_, output) != outputs_.end(), "[ops.executor] ", graph_.describe(output),
          " is not an output that the executor was built for");
  return views_[output.id];
}

std::vector<OpTime> Executor::profile() const {
  std::map<std::string, OpTime> by_op;
  for (const Step& step : steps_) {
    OpTime& t = by_op[std::string(step.node->op->name)];
    t.calls += step.calls;
    t.seconds += step.seconds;
  }
  std::vector<OpTime> result;
  for (auto& [op, time] : by_op) {
    time.op = op;
    result.push_back(time);
  }
  std::ranges::sort(result, std::greater<>(), &OpTime::seconds);
  return result;
}

void Executor::reset_profile() {
  for (Step& step : steps_) step.seconds = 0, step.calls = 0;
}

}  // namespace polyscene
