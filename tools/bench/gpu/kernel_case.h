// Operators on a device at the sizes of a step, and what their inputs and outputs say must move.
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

// What an input is filled with: numbers, the offsets of the behaviours, or rows of a long-tailed popularity below
// `bound`.
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
  double flops = 0;  // of the products that the equations ask for

  [[nodiscard]] std::vector<ValueType> outputs() const;
  [[nodiscard]] double bytes() const;  // inputs read once, outputs written once
};

// Kernels that are no operator of their own: what a case takes beyond some products, themselves cases.
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
// y = x x of a size that fills a device: its matrix peak.
[[nodiscard]] KernelCase peak_case();

// A case with its tensors on the device, both of which must outlive it.
class LoadedCase {
 public:
  LoadedCase(const KernelCase& kernel, const KernelSizes& sizes, Device& device, ProductPrecision precision);
  // Queued.
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
