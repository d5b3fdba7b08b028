#include "ops/graph/graph.h"

#include <algorithm>

namespace polyscene {

Dim Graph::symbol(std::string name) {
  symbols_.push_back(std::move(name));
  return Dim::of_symbol(static_cast<int32_t>(symbols_.size()) - 1);
}

Value Graph::new_value(ValueType type, std::string name, int32_t producer) {
  values_.push_back({std::move(type), std::move(name), producer});
  return {this, static_cast<int32_t>(values_.size()) - 1};
}

Value Graph::input(std::string name, DType dtype, SymbolicShape shape) {
  const bool taken = std::ranges::any_of(values_, [&](const Info& v) { return v.name == name; });
  require(!taken, "[ops.graph] wanted a new name for an input, \"", name, "\" is taken");
  return new_value({dtype, shape}, std::move(name), -1);
}

Value Graph::parameter(std::string name, SymbolicShape shape, Init init) {
  for (const Dim& d : shape.dims())
    require(d.is_static() && d.constant > 0, "[ops.graph] parameter \"", name, "\" wants a static shape, got ", shape);
  const Value v = input(name, floating_, shape);
  parameters_.push_back({std::move(name), v, init});
  return v;
}

std::vector<Value> Graph::add(const OpDefinition& op, Attributes attributes, std::vector<Value> inputs) {
  std::vector<ValueType> types;
  for (const Value& v : inputs) {
    require(v.graph == this, "[ops.", op.name, "] wanted inputs of one graph, got a value of none or another");
    types.push_back(type(v));
  }
  const auto outputs = op.infer({op.name, attributes, types});
  const auto number = static_cast<int32_t>(nodes_.size());
  nodes_.push_back({&op, std::move(attributes), std::move(inputs), {}});
  for (const ValueType& t : outputs) nodes_.back().outputs.push_back(new_value(t, "", number));
  return nodes_.back().outputs;
}

std::string Graph::describe(Value v) const {
  const Info& info = values_[index(v)];
  if (info.producer < 0) return info.name;
  return str(nodes_[info.producer].op->name, "#", info.producer);
}

Value Graph::find(std::string_view name) const {
  std::string known;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].producer >= 0) continue;
    if (values_[i].name == name) return {const_cast<Graph*>(this), static_cast<int32_t>(i)};
    known += (known.empty() ? "" : ", ") + values_[i].name;
  }
  throw InvalidArgument(str("[ops.graph] wanted an input or parameter \"", name, "\"; there are: ", known));
}

}  // namespace polyscene
