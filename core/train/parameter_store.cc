#include "core/train/parameter_store.h"

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

ParameterStore::ParameterStore(const Graph& graph, uint64_t seed) {
  int64_t total = 0;
  for (const Parameter& p : graph.parameters()) {
    const Shape shape = p.value.shape().resolve({});
    entries_.push_back({p.name, p.value, {nullptr, DType::kFloat32, shape}, {nullptr, DType::kFloat32, shape}, total});
    size_ += shape.elements();
    total += (shape.elements() + 15) / 16 * 16;
  }
  values_ = Tensor(DType::kFloat32, {total});
  gradients_ = Tensor(DType::kFloat32, {total});
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& e = entries_[i];
    e.data.data = values().data() + e.offset;
    e.gradient.data = gradients().data() + e.offset;
    if (graph.parameters()[i].init == Init::kGlorotUniform)
      glorot_uniform(e.data.elements<float>(), e.data.shape, mix64(seed) ^ table_salt(e.name));
  }
}

}  // namespace polyscene
