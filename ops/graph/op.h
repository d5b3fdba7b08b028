// What an operator is: one aggregate that states everything about it. A missing part is stated with its reason.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/device/stream.h"
#include "ops/graph/attributes.h"
#include "ops/graph/symbolic_shape.h"
#include "ops/tensor/tensor.h"

namespace polyscene {

class Device;
class Graph;

struct ValueType {
  DType dtype = DType::kFloat32;
  SymbolicShape shape;
  friend bool operator==(const ValueType&, const ValueType&) = default;
};

// A handle on one value of a graph; cheap to copy, valid as long as the graph. A default one is "no value".
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

// What a gradient rule sees. `gradients[i]` belongs to output i and is no value where nothing depends on that output;
// `needed[i]` tells whether input i wants a gradient.
struct GradientContext {
  Graph& graph;
  const Attributes& attributes;
  std::span<const Value> inputs, outputs, gradients;
  const std::vector<bool>& needed;
};

// Temporary memory of one kernel call; every call of get() within one kernel returns a different region.
class Scratch {
 public:
  // On the host, or on a device, which must outlive it.
  explicit Scratch(Device* device = nullptr) : device_(device) {}
  // 64-byte aligned, not initialised, valid until the kernel returns. Call from the kernel's first thread only.
  template <class T>
  [[nodiscard]] std::span<T> get(int64_t count) {
    return {static_cast<T*>(allocate(count * static_cast<int64_t>(sizeof(T)))), static_cast<size_t>(count)};
  }
  // Makes all regions available again; blocks are kept for the next kernel.
  void reset() { used_ = 0; }
  // How often memory was asked for: as long as it stays, the same calls give the same regions.
  [[nodiscard]] int64_t allocations() const { return allocations_; }

 private:
  void* allocate(int64_t bytes);
  struct Block {
    std::shared_ptr<void> memory;
    int64_t bytes;
  };
  Device* device_;
  std::vector<Block> blocks_;
  size_t used_ = 0;
  int64_t allocations_ = 0;
};

// How matrix products round what they multiply; sums stay float32. Products of double ignore it.
enum class ProductPrecision {
  kFloat32,   // not at all
  kTf32,      // to 10 bits of mantissa where a device has a unit for it; as kFloat32 on the CPU
  kBfloat16,  // to 7 bits
};

// Inputs and outputs are contiguous, of the inferred types, and do not overlap unless the op aliases.
struct KernelContext {
  const Attributes& attributes;
  std::span<const TensorView> inputs, outputs;
  Scratch& scratch;
  ProductPrecision precision = ProductPrecision::kFloat32;
  Stream stream{};  // of a device; nothing on the CPU
};

// One example call for the battery: inputs in double (integers as they are), attributes, and a name for messages.
// An output's gradient with respect to input i is checked for every floating input unless `fixed` lists i.
struct Sample {
  std::string name;
  Attributes attributes;
  std::vector<Tensor> inputs;
  std::vector<int> fixed;
};

// A function or the reason why there is none.
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
  // Output types from input types; throws InvalidArgument naming the op, what it wants and what came.
  std::vector<ValueType> (*infer)(const InferContext&) = nullptr;
  // Gradients of the inputs, one per input (no value where `needed` is false or the input is not floating).
  Stated<std::vector<Value> (*)(const GradientContext&)> gradient = "not stated";
  void (*cpu)(const KernelContext&) = nullptr;
  // The kernel of a device, float32 alone, on the context's stream; declared weak, so that it is nullptr in a build
  // without devices.
  void (*gpu)(const KernelContext&) = nullptr;
  // Output 0 is input 0 under another type; no kernel runs and no memory is used.
  bool aliases_input = false;
  // Small odd shapes: 0, 1, 31-33, 1025 ...; at least one of each feature of the op.
  std::vector<Sample> (*samples)() = nullptr;
};

}  // namespace polyscene
