#include "core/export/stores.h"

#include <algorithm>
#include <vector>

#include "core/checkpoint/saved_table.h"

namespace polyscene::core {
namespace {

SavedTable open_table(const TableUse& table, const std::string& trained) {
  SavedTable saved({trained}, table.name);
  require<DataError>(saved.dim() == table.dim, "[export] wanted rows of table \"", table.name, "\" with ", table.dim,
                     " values, ", trained, " has ", saved.dim(), "; was --set used to change the model?");
  return saved;
}

// Differences between a saved table and its store in the base.
class Difference {
 public:
  Difference(const SavedTable& saved, const EmbeddingStore& base) : saved_(saved), base_(base), here_(base.rows()) {
    visit_changed([&](int64_t, const float*) { ++changed_; });
    const std::vector<float> zeros(base.dim());
    for (int64_t row = 0; row < base.rows(); ++row)
      if (!here_[row] && !base.is(row, zeros.data())) gone_.push_back(base.key(row));
  }

  [[nodiscard]] int64_t changed() const { return changed_; }
  [[nodiscard]] int64_t gone() const { return std::ssize(gone_); }

  void write(EmbeddingStoreWriter& writer) {
    visit_changed([&](int64_t key, const float* values) {
      writer.add({&key, 1}, {values, static_cast<size_t>(base_.dim())});
    });
    const std::vector<float> zeros(base_.dim());
    for (const int64_t key : gone_) writer.add({&key, 1}, zeros);
  }

 private:
  template <class Visit>
  void visit_changed(const Visit& visit) {
    // Both are mostly in the same order, so the base's next row is tried first; a base larger than memory is then read
    // sequentially.
    int64_t next = 0;
    saved_.visit([&](const embedding::RowsIn& rows) {
      for (size_t i = 0; i < rows.keys.size(); ++i) {
        const float* const values = rows.values.data() + static_cast<int64_t>(i) * base_.dim();
        const bool in_order = next < base_.rows() && base_.key(next) == rows.keys[i];
        const int64_t row = in_order ? next : base_.find(rows.keys[i]);
        if (row >= 0) next = row + 1;
        if (row >= 0) here_[row] = true;
        if (row < 0 || !base_.is(row, values)) visit(rows.keys[i], values);
      }
    });
  }

  const SavedTable& saved_;
  const EmbeddingStore& base_;
  std::vector<bool> here_;  // whether the model has each row of the base
  int64_t changed_ = 0;
  std::vector<int64_t> gone_;
};

}  // namespace

void write_stores(const Model& model, const std::string& trained, const std::string& version, RowFormat format) {
  for (const TableUse& table : model.tables) {
    const SavedTable saved = open_table(table, trained);
    EmbeddingStoreWriter writer(version + "/" + store_file(table.name), saved.rows(), table.dim, format);
    saved.visit([&](const embedding::RowsIn& rows) { writer.add(rows.keys, rows.values); });
    writer.finish();
  }
}

ChangedRows write_changed_stores(const Model& model, const std::string& trained, const std::string& version,
                                 const ServedModel& base) {
  ChangedRows sum;
  for (const TableUse& table : model.tables) {
    const auto at = std::ranges::find(base.model().tables, table.name, &TableUse::name) - base.model().tables.begin();
    require(at < std::ssize(base.model().tables) && base.model().tables[at].dim == table.dim,
            "[export] wanted table \"", table.name, "\" with rows of ", table.dim, " values in ", base.folder(),
            ", the base of --delta; it has none, or others: export without --delta");
    const EmbeddingStore& store = *base.stores()[at];
    const SavedTable saved = open_table(table, trained);
    Difference difference(saved, store);
    const int64_t rows = difference.changed() + difference.gone();
    EmbeddingStoreWriter writer(version + "/" + store_file(table.name), rows, table.dim, store.format());
    difference.write(writer);
    writer.finish();
    sum.changed += difference.changed();
    sum.gone += difference.gone();
    sum.all += saved.rows();
  }
  return sum;
}

}  // namespace polyscene::core
