// Operators on a device at the sizes of a step, and the bytes that they must move: those of their inputs and outputs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/device/device.h"
#include "ops/graph/op.h"

namespace polyscene::bench {

// Sizes of one step of SFPNet: d 16, four fields per behaviour, L 50, K 2.
struct KernelSizes {
  int64_t batch = 16384, length = 50, fields = 4, dim = 16, distinct = 60000, hidden = 128;
  int64_t context = 512, scenario = 16, gate_hidden = 128, context_hidden = 64;
  [[nodiscard]] int64_t width() const { return fields * dim; }
};

// Contents of an input: numbers, the offsets of the behaviours, or row indices below `bound` with a long-tailed
// popularity.
struct KernelInput {
  enum class Fill { kNumbers, kOffsets, kRows };
  Shape shape;
  Fill fill = Fill::kNumbers;
  int64_t bound = 0;
};

struct KernelCase {
  std::string name;
  const OpDefinition* op;
  Attributes attributes;
  std::vector<KernelInput> inputs;
  double flops = 0;  // FLOP of the products in the equations

  [[nodiscard]] std::vector<ValueType> outputs() const;
  [[nodiscard]] double bytes() const;  // each input read once, each output written once
};

// The time of kernels that are not an operator of their own: a case minus some products, which are cases too.
struct KernelRemainder {
  std::string name, whole;
  std::vector<std::string> products;
  double bytes;
};

struct KernelSuite {
  std::vector<KernelCase> cases;
  std::vector<KernelRemainder> remainders;
};

[[nodiscard]] KernelSuite kernel_suite(const KernelSizes& sizes);
// The product y = x x at a size that fills a device; its rate is the device's matrix peak.
[[nodiscard]] KernelCase peak_case();

// A case with its tensors on the device. Case and device must outlive it.
class LoadedCase {
 public:
  LoadedCase(const KernelCase& kernel, const KernelSizes& sizes, Device& device, ProductPrecision precision);
  // Queues the operator once.
  void run();

 private:
  [[nodiscard]] TensorView place(DType dtype, const Shape& shape);

  const KernelCase& kernel_;
  Device& device_;
  ProductPrecision precision_;
  std::vector<std::shared_ptr<void>> memory_;
  std::vector<TensorView> inputs_, outputs_;
  Scratch scratch_;
};

}  // namespace polyscene::bench
