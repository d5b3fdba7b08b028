#include "core/serve/store_lookup.h"

#include <algorithm>

#include "ops/base/error.h"

namespace polyscene::core {

StoreLookup::StoreLookup(const embedding::TableLayout& layout,
                         const std::vector<std::unique_ptr<EmbeddingStore>>& stores)
    : layout_(layout), stores_(stores), matrices_(layout.groups()) {}

void StoreLookup::lookup(const embedding::UniqueKeys& unique, embedding::LookupMode mode) {
  require(mode == embedding::LookupMode::kEval,
          "[serve] an exported model cannot be trained; train the run that it is from");
  constexpr int64_t kAhead = 8;
  std::vector<float*> next;
  for (int group = 0; group < layout_.groups(); ++group)
    next.push_back(matrices_[group].resize(unique.rows(group) * layout_.dim(group)).data());
  const int64_t* keys = unique.keys().data();
  for (int wire = 0; wire < layout_.tables(); ++wire) {
    const int table = layout_.wire_order()[wire];
    const EmbeddingStore& store = *stores_[table];
    float*& to = next[layout_.group_of(table)];
    const int64_t count = unique.count(0, wire);
    for (int64_t i = 0; i < count; ++i, to += store.dim()) {
      if (i + kAhead < count) store.prefetch(keys[i + kAhead]);
      const int64_t row = store.find(keys[i]);
      if (row < 0)
        std::fill_n(to, store.dim(), 0.0f);
      else
        store.read(row, to);
    }
    keys += count;
  }
}

TensorView StoreLookup::rows(int group) const {
  const embedding::Buffer<float>& matrix = matrices_[group];
  const int64_t dim = layout_.dim(group);
  return {matrix.data(), DType::kFloat32, {matrix.size() / dim, dim}};
}

void StoreLookup::update(std::span<const TensorView> /*gradients*/, double /*learning_rate_factor*/) {
  throw InvalidArgument("[serve] an exported model cannot be trained; train the run that it is from");
}

}  // namespace polyscene::core
