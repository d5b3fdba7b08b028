// The definition of an operator: one aggregate that holds everything about it. A missing part is given as the reason
// for its absence.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/graph/symbolic_shape.h"
#include "ops/kernel/kernel.h"
#include "ops/tensor/tensor.h"

namespace polyscene {

class Graph;

struct ValueType {
  DType dtype = DType::kFloat32;
  SymbolicShape shape;
  friend bool operator==(const ValueType&, const ValueType&) = default;
};

// A handle to one value of a graph; cheap to copy, valid as long as the graph. A default-constructed Value means "no
// value".
struct Value {
  Graph* graph = nullptr;
  int32_t id = -1;

  [[nodiscard]] explicit operator bool() const { return id >= 0; }
  [[nodiscard]] const ValueType& type() const;
  [[nodiscard]] DType dtype() const { return type().dtype; }
  [[nodiscard]] const SymbolicShape& shape() const { return type().shape; }
  friend bool operator==(const Value&, const Value&) = default;
};

struct InferContext {
  std::string_view op;
  const Attributes& attributes;
  std::span<const ValueType> inputs;
};

// The arguments of a gradient rule. gradients[i] belongs to output i and is no value if the loss does not depend on
// that output; needed[i] tells whether the gradient of input i is wanted.
struct GradientContext {
  Graph& graph;
  const Attributes& attributes;
  std::span<const Value> inputs, outputs, gradients;
  const std::vector<bool>& needed;
};

// One example call for the test battery: attributes, inputs as doubles (integers as they are), and a name for messages.
// The gradient is checked for every floating input that is not listed in `fixed`.
struct Sample {
  std::string name;
  Attributes attributes;
  std::vector<Tensor> inputs;
  std::vector<int> fixed;
};

// A function, or the reason why there is none.
template <class F>
class Stated {
 public:
  template <class G>
  requires std::is_convertible_v<G, F> Stated(G f) : function_(f) {}  // NOLINT
  Stated(const char* absent_because) : reason_(absent_because) {}     // NOLINT

  [[nodiscard]] bool present() const { return static_cast<bool>(function_); }
  [[nodiscard]] const F& function() const { return function_; }
  [[nodiscard]] std::string_view reason() const { return reason_; }

 private:
  F function_ = nullptr;
  std::string_view reason_;
};

struct OpDefinition {
  std::string_view name;
  // Returns the output types for the input types; throws InvalidArgument naming the op, what it wants and what it got.
  std::vector<ValueType> (*infer)(const InferContext&) = nullptr;
  // Returns the gradients of the inputs, one per input (no value if `needed` is false or the input is not floating).
  Stated<std::vector<Value> (*)(const GradientContext&)> gradient = "not stated";
  void (*cpu)(const KernelContext&) = nullptr;
  // The device kernel, float32 only, queued on the context's stream. It is declared weak, so it is nullptr in a build
  // without devices.
  void (*gpu)(const KernelContext&) = nullptr;
  // Output 0 is input 0 under another type: no kernel runs and no memory is allocated.
  bool aliases_input = false;
  // Small odd shapes: 0, 1, 31-33, 1025 ...; each feature of the op occurs at least once.
  std::vector<Sample> (*samples)() = nullptr;
};

}  // namespace polyscene
