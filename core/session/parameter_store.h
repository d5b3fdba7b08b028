// All dense parameters of a model in one flat buffer, and their gradients in another of the same layout. So the
// optimiser is one pass, and the gradient all-reduce a few large messages.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/device/device.h"
#include "ops/graph/graph.h"

namespace polyscene {

class ParameterStore {
 public:
  // Initial values are a function of (seed, parameter name, element). The graph's floating type must be float32. With a
  // device, which must outlive this object, the buffers are in device memory.
  ParameterStore(const Graph& graph, uint64_t seed, Device* device = nullptr);

  struct Entry {
    std::string name;
    Value value;      // the parameter in the graph
    TensorView data;  // the parameter's part of values()
    TensorView gradient;
    int64_t offset = 0;  // index in values(), a multiple of 16: each parameter starts on a cache line
  };
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] std::span<float> values() const { return values_; }
  [[nodiscard]] std::span<float> gradients() const { return gradients_; }
  // Number of parameter values, without padding.
  [[nodiscard]] int64_t size() const { return size_; }

  // values() in host memory: the buffer itself without a device, otherwise a copy, which set_values() copies back. May
  // wait for the device.
  [[nodiscard]] Tensor host_values() const;
  void set_values(const Tensor& values);
  // gradients() in host memory, to be read.
  [[nodiscard]] Tensor host_gradients() const;
  // The part of an entry in a host buffer that is laid out like host_values().
  [[nodiscard]] static TensorView part(const Entry& entry, const Tensor& buffer) {
    return {buffer.view().as<float>() + entry.offset, DType::kFloat32, entry.data.shape};
  }

 private:
  [[nodiscard]] Tensor from_device(std::span<const float> buffer) const;

  std::vector<Entry> entries_;
  Device* device_;
  Tensor host_values_, host_gradients_;                     // without a device
  std::shared_ptr<void> device_values_, device_gradients_;  // with a device
  std::span<float> values_, gradients_;
  int64_t size_ = 0;
};

}  // namespace polyscene
