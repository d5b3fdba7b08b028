#include "core/session/parameter_store.h"

#include <algorithm>
#include <cmath>

#include "embedding/plan/partition_map.h"
#include "ops/base/philox.h"

namespace polyscene {
namespace {

void glorot_uniform(std::span<float> values, const Shape& shape, uint64_t key) {
  const double bound = std::sqrt(6.0 / static_cast<double>(shape.rows() + shape.cols()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(bound * (2 * uniform_open(philox(key, i / 4, 0)[i % 4]) - 1));
}

}  // namespace

ParameterStore::ParameterStore(const Graph& graph, uint64_t seed, Device* device) : device_(device) {
  int64_t total = 0;
  for (const Parameter& p : graph.parameters()) {
    const Shape shape = p.value.shape().resolve({});
    entries_.push_back({p.name, p.value, {nullptr, DType::kFloat32, shape}, {nullptr, DType::kFloat32, shape}, total});
    size_ += shape.elements();
    total += (shape.elements() + 15) / 16 * 16;
  }
  const Tensor initial(DType::kFloat32, {total});
  for (size_t i = 0; i < entries_.size(); ++i)
    if (graph.parameters()[i].init == Init::kGlorotUniform)
      glorot_uniform(part(entries_[i], initial).elements<float>(), entries_[i].data.shape,
                     mix64(seed) ^ table_salt(entries_[i].name));

  const auto floats = [&](void* memory) -> std::span<float> {
    return {static_cast<float*>(memory), static_cast<size_t>(total)};
  };
  if (device_ == nullptr) {
    host_values_ = initial;
    host_gradients_ = Tensor(DType::kFloat32, {total});
    values_ = host_values_.elements<float>();
    gradients_ = host_gradients_.elements<float>();
  } else {
    const int64_t bytes = initial.view().bytes();
    device_values_ = device_->allocate(bytes, "dense parameters");
    device_gradients_ = device_->allocate(bytes, "gradients of dense parameters");
    values_ = floats(device_values_.get());
    gradients_ = floats(device_gradients_.get());
    set_values(initial);
    device_->clear(gradients_.data(), bytes);
  }
  for (Entry& e : entries_) {
    e.data.data = values_.data() + e.offset;
    e.gradient.data = gradients_.data() + e.offset;
  }
}

Tensor ParameterStore::from_device(std::span<const float> buffer) const {
  const Tensor copy(DType::kFloat32, {static_cast<int64_t>(buffer.size())});
  device_->copy_out(copy.view().data, buffer.data(), copy.view().bytes());
  return copy;
}

Tensor ParameterStore::host_values() const { return device_ == nullptr ? host_values_ : from_device(values_); }
Tensor ParameterStore::host_gradients() const { return device_ == nullptr ? host_gradients_ : from_device(gradients_); }

void ParameterStore::set_values(const Tensor& values) {
  const int64_t bytes = values.view().bytes();
  require(bytes == static_cast<int64_t>(values_.size_bytes()), "[train] wanted ", values_.size(),
          " parameters, padding included, got ", values.shape());
  if (device_ != nullptr)
    device_->copy_in(values_.data(), values.view().data, bytes);
  else if (values.view().data != host_values_.view().data)
    std::ranges::copy(values.elements<float>(), values_.begin());
}

}  // namespace polyscene
