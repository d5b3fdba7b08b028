#include "embedding/exchange/staged_lookup.h"

#include "ops/tensor/padding.h"

namespace polyscene::embedding {

StagedLookup::StagedLookup(ShardedTables& tables, Device& device) : host_(tables), device_(device) {
  for (int g = 0; g < tables.layout().groups(); ++g) groups_.push_back({{device, "rows of the batch"}, {}});
}

void StagedLookup::lookup(const UniqueKeys& unique, LookupMode mode) {
  host_.lookup(unique, mode);
  for (size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    const TensorView rows = host_.rows(static_cast<int>(g));
    group.rows.resize(padded_extent(rows.shape[0]) * rows.shape[1]);
    device_.copy_in(group.rows.data(), rows.data, rows.bytes());
  }
}

TensorView StagedLookup::rows(int group) const {
  const TensorView host = host_.rows(group);
  return {groups_[group].rows.data(), host.dtype, host.shape};
}

void StagedLookup::update(std::span<const TensorView> gradients, double learning_rate_factor) {
  int32_t stopped = 0;
  if (stopped_ != nullptr) device_.copy_out(&stopped, stopped_, sizeof(stopped));
  if (stopped != 0) return;
  std::vector<TensorView> on_host;
  for (size_t g = 0; g < gradients.size(); ++g) {
    const TensorView& there = gradients[g];
    on_host.push_back({groups_[g].gradients.resize(there.shape.elements()).data(), there.dtype, there.shape});
    device_.copy_out(on_host.back().data, there.data, there.bytes());
  }
  host_.update(on_host, learning_rate_factor);
}

}  // namespace polyscene::embedding
