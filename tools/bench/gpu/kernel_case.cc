#include "tools/bench/gpu/kernel_case.h"

#include <cmath>

#include "ops/base/philox.h"

namespace polyscene::bench {
namespace {

// Lengths from half of `length` to `length`.
void fill_offsets(std::span<int32_t> offsets, int64_t length) {
  const int64_t half = length / 2;
  for (size_t i = 0; i + 1 < offsets.size(); ++i)
    offsets[i + 1] = offsets[i] + static_cast<int32_t>(half + static_cast<int64_t>(i) % (length - half + 1));
}

Tensor filled(const KernelInput& input, const KernelSizes& sizes, uint64_t seed) {
  Tensor t(input.fill == KernelInput::Fill::kNumbers ? DType::kFloat32 : DType::kInt32, input.shape);
  PhiloxStream random(seed);
  switch (input.fill) {
    case KernelInput::Fill::kNumbers:
      for (float& x : t.elements<float>()) x = static_cast<float>(0.1 + 0.1 * random.next_uniform());
      break;
    case KernelInput::Fill::kOffsets:
      fill_offsets(t.elements<int32_t>(), sizes.length);
      break;
    case KernelInput::Fill::kRows:
      for (int32_t& i : t.elements<int32_t>())
        i = static_cast<int32_t>(static_cast<double>(input.bound) * std::pow(random.next_uniform(), 3));
  }
  return t;
}

ValueType type_of(const KernelInput& input) {
  return {input.fill == KernelInput::Fill::kNumbers ? DType::kFloat32 : DType::kInt32, SymbolicShape(input.shape)};
}

double bytes_of(const ValueType& type) {
  return static_cast<double>(type.shape.resolve({}).elements()) * static_cast<double>(size_bytes(type.dtype));
}

}  // namespace

std::vector<ValueType> KernelCase::outputs() const {
  std::vector<ValueType> types;
  for (const KernelInput& input : inputs) types.push_back(type_of(input));
  return op->infer({op->name, attributes, types});
}

double KernelCase::bytes() const {
  double sum = 0;
  for (const KernelInput& input : inputs) sum += bytes_of(type_of(input));
  for (const ValueType& type : outputs()) sum += bytes_of(type);
  return sum;
}

LoadedCase::LoadedCase(const KernelCase& kernel, const KernelSizes& sizes, Device& device, ProductPrecision precision)
    : kernel_(kernel), device_(device), precision_(precision), scratch_(&device) {
  for (const KernelInput& input : kernel.inputs) {
    const Tensor host = filled(input, sizes, 1 + inputs_.size());
    inputs_.push_back(place(host.dtype(), host.shape()));
    device.copy_in(inputs_.back().data, host.view().data, host.view().bytes());
  }
  for (const ValueType& type : kernel.outputs()) outputs_.push_back(place(type.dtype, type.shape.resolve({})));
}

TensorView LoadedCase::place(DType dtype, const Shape& shape) {
  TensorView view{nullptr, dtype, shape};
  memory_.push_back(device_.allocate(view.bytes(), "a benchmark"));
  view.data = memory_.back().get();
  return view;
}

void LoadedCase::run() {
  scratch_.reset();
  kernel_.op->gpu({kernel_.attributes, inputs_, outputs_, scratch_, precision_, device_.stream()});
}

}  // namespace polyscene::bench
