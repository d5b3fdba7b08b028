#include "embedding/exchange/lookup_checks.h"

namespace polyscene::embedding {

void check_unique(const TableLayout& layout, const UniqueKeys& unique) {
  const int ranks = layout.map().ranks();
  const size_t cells = int64_t{ranks} * layout.tables();
  require(unique.counts().size() == cells, "[embedding.lookup] wanted keys deduplicated for ", layout.tables(),
          " tables on ", ranks, " ranks, got counts of ", unique.counts().size(), " parts instead of ", cells,
          "; try a Deduplicator of the tables' layout");
}

void check_update(const TableLayout& layout, const UniqueKeys* sent, bool trains,
                  std::span<const TensorView> gradients) {
  require(sent != nullptr && trains, "[embedding.update] wanted a lookup in LookupMode::kTrain before the update, got ",
          sent == nullptr ? "none" : "one in LookupMode::kEval");
  require(static_cast<int>(gradients.size()) == layout.groups(), "[embedding.update] wanted gradients of ",
          layout.groups(), " groups, got ", gradients.size());
  for (int g = 0; g < layout.groups(); ++g) {
    const TensorView& gradient = gradients[g];
    const Shape wanted{sent->rows(g), layout.dim(g)};
    require(gradient.shape == wanted && gradient.dtype == DType::kFloat32,
            "[embedding.update] wanted float32 gradients ", wanted, " for group ", g, ", got ", name(gradient.dtype),
            ' ', gradient.shape);
  }
}

RowGradientNotFinite not_finite(const TableLayout& layout, int table, int64_t key, int64_t element, float value) {
  return RowGradientNotFinite(
      str("[embedding.update] wanted finite gradients, got ", value, " in element ", element, " of key ", key,
          " of table \"", layout.name(table),
          "\" (summed over ranks); try a smaller learning rate, or check every operator's output"));
}

}  // namespace polyscene::embedding
