#include "ops/autodiff.h"

#include "ops/dense/add.h"
#include "ops/dense/constant.h"
#include "ops/dense/stop_gradient.h"

namespace polyscene {
namespace {

// Marks the values that depend on one of `roots`, walking forward; paths through stop_gradient do not count.
std::vector<bool> reachable(const Graph& graph, std::span<const Value> roots) {
  std::vector<bool> marked(graph.value_count());
  for (const Value& v : roots) marked[v.id] = true;
  for (const Node& node : graph.nodes()) {
    if (node.op == &ops::kStopGradient) continue;
    bool any = false;
    for (const Value& v : node.inputs) any = any || marked[v.id];
    for (const Value& v : node.outputs)
      if (any && is_floating(v.dtype())) marked[v.id] = true;
  }
  return marked;
}

}  // namespace

std::vector<Value> gradients(Value loss, std::span<const Value> with_respect_to) {
  Graph& graph = *loss.graph;
  for (const Dim& d : loss.shape().dims())
    require(d == Dim(1), "[ops.autodiff] wanted a loss of one element, got ", graph.describe(loss), ' ', loss.shape());
  const std::vector<bool> wanted = reachable(graph, with_respect_to);
  std::vector<Value> grads(graph.value_count());
  grads[loss.id] = ops::constant(graph, loss.type(), 1.0);

  for (int32_t n = graph.producer(loss); n >= 0; --n) {
    const Node node = graph.nodes()[n];  // a copy: the rule adds nodes
    std::vector<Value> output_grads;
    bool any = false;
    for (const Value& v : node.outputs) {
      output_grads.push_back(grads[v.id]);
      any = any || static_cast<bool>(output_grads.back());
    }
    std::vector<bool> needed;
    bool some_needed = false;
    for (const Value& v : node.inputs) {
      needed.push_back(wanted[v.id] && is_floating(v.dtype()));
      some_needed = some_needed || needed.back();
    }
    if (!any || !some_needed) continue;
    require(node.op->gradient.present(), "[ops.autodiff] the loss depends on its parameters through ", node.op->name,
            ", which has no gradient: ", node.op->gradient.reason());
    const std::vector<Value> input_grads =
        node.op->gradient.function()({graph, node.attributes, node.inputs, node.outputs, output_grads, needed});
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!needed[i] || !input_grads[i]) continue;
      Value& slot = grads[node.inputs[i].id];
      slot = slot ? ops::add(slot, input_grads[i]) : input_grads[i];
    }
  }

  std::vector<Value> result;
  for (const Value& v : with_respect_to) result.push_back(grads[v.id]);
  return result;
}

}  // namespace polyscene
