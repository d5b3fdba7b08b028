// All dense parameters of a model in one flat buffer, and their gradients in another of the same layout. So the
// optimiser is one pass, and the gradient all-reduce a few large messages.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/session/flat_buffer.h"
#include "ops/graph/graph.h"

namespace polyscene::core {

class ParameterStore {
 public:
  // Initial values are a function of (seed, parameter name, element). The graph's floating type must be float32. `make`
  // says in which memory the buffers are.
  ParameterStore(const Graph& graph, uint64_t seed, const MakeFlatBuffer& make = make_host_buffer);

  struct Entry {
    std::string name;
    Value value;      // the parameter in the graph
    TensorView data;  // the parameter's part of values()
    TensorView gradient;
    int64_t offset = 0;  // index in values(), a multiple of 16: each parameter starts on a cache line
  };
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] std::span<float> values() const { return values_->values(); }
  [[nodiscard]] std::span<float> gradients() const { return gradients_->values(); }
  // Number of parameter values, without padding.
  [[nodiscard]] int64_t size() const { return size_; }

  // values() in host memory: the buffer itself on the host, otherwise a copy, which set_values() copies back. May wait
  // for the device.
  [[nodiscard]] Tensor host_values() const { return values_->on_host(); }
  void set_values(const Tensor& values);
  // gradients() in host memory, to be read.
  [[nodiscard]] Tensor host_gradients() const { return gradients_->on_host(); }
  // The part of an entry in a host buffer that is laid out like host_values().
  [[nodiscard]] static TensorView part(const Entry& entry, const Tensor& buffer) {
    return {buffer.view().as<float>() + entry.offset, DType::kFloat32, entry.data.shape};
  }

 private:
  std::vector<Entry> entries_;
  std::unique_ptr<FlatBuffer> values_, gradients_;
  int64_t size_ = 0;
};

}  // namespace polyscene::core
