// A static graph of operators: built once per model, read by training, evaluation, gradient checks and export.
// Nodes are stored in the order they were added, which is a topological order.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "ops/graph/op.h"

namespace polyscene {

// How a parameter is initialised.
enum class Init : uint8_t {
  kZeros,
  kGlorotUniform,  // U(-a, a), a = sqrt(6 / (rows + cols)) (Glorot and Bengio, AISTATS 2010)
};

struct Parameter {
  std::string name;  // "sfpnet/stb0/sam/w1"
  Value value;
  Init init;
};

struct Node {
  const OpDefinition* op = nullptr;
  Attributes attributes;
  std::vector<Value> inputs, outputs;
};

class Graph {
 public:
  // All parameters and floating inputs made through this graph have this type.
  explicit Graph(DType floating = DType::kFloat32) : floating_(floating) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  [[nodiscard]] DType floating() const { return floating_; }

  // A new symbolic extent. The name is used in messages.
  [[nodiscard]] Dim symbol(std::string name);
  [[nodiscard]] std::span<const std::string> symbols() const { return symbols_; }

  // A value that is bound before each run. Names are unique among inputs and parameters.
  Value input(std::string name, DType dtype, SymbolicShape shape);
  // A trained tensor of static shape.
  Value parameter(std::string name, SymbolicShape shape, Init init);
  // Adds a node; op.infer checks the inputs and returns the types of the outputs. Prefer the builders in ops/dense,
  // ops/jagged ...
  std::vector<Value> add(const OpDefinition& op, Attributes attributes, std::vector<Value> inputs);

  [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }
  [[nodiscard]] std::span<const Parameter> parameters() const { return parameters_; }
  [[nodiscard]] int32_t value_count() const { return static_cast<int32_t>(values_.size()); }
  [[nodiscard]] const ValueType& type(Value v) const { return values_[index(v)].type; }
  // The name of an input or parameter; for other values the op name and node number of the producer.
  [[nodiscard]] std::string describe(Value v) const;
  // Index of the node that produces v; -1 for inputs and parameters.
  [[nodiscard]] int32_t producer(Value v) const { return values_[index(v)].producer; }
  // The value of an input or parameter by name; throws InvalidArgument listing the known names.
  [[nodiscard]] Value find(std::string_view name) const;

 private:
  struct Info {
    ValueType type;
    std::string name;
    int32_t producer = -1;
  };
  [[nodiscard]] size_t index(Value v) const { return v.id; }
  Value new_value(ValueType type, std::string name, int32_t producer);

  DType floating_;
  std::vector<std::string> symbols_;
  std::deque<Info> values_;  // references to types stay valid while the graph grows
  std::vector<Node> nodes_;
  std::vector<Parameter> parameters_;
};

inline const ValueType& Value::type() const { return graph->type(*this); }

}  // namespace polyscene
