#include "core/session/parameter_store.h"

#include <cmath>

#include "embedding/plan/partition_map.h"
#include "ops/base/philox.h"

namespace polyscene::core {
namespace {

void glorot_uniform(std::span<float> values, const Shape& shape, uint64_t key) {
  const double bound = std::sqrt(6.0 / static_cast<double>(shape.rows() + shape.cols()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(bound * (2 * uniform_open(philox(key, i / 4, 0)[i % 4]) - 1));
}

}  // namespace

ParameterStore::ParameterStore(const Graph& graph, uint64_t seed, const MakeFlatBuffer& make) {
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
                     mix64(seed) ^ embedding::table_salt(entries_[i].name));

  values_ = make(total, "dense parameters");
  gradients_ = make(total, "gradients of dense parameters");
  values_->set(initial);
  for (Entry& e : entries_) {
    e.data.data = values().data() + e.offset;
    e.gradient.data = gradients().data() + e.offset;
  }
}

void ParameterStore::set_values(const Tensor& values) {
  require(values.view().bytes() == static_cast<int64_t>(this->values().size_bytes()), "[train] wanted ",
          this->values().size(), " parameters, padding included, got ", values.shape());
  values_->set(values);
}

}  // namespace polyscene::core
