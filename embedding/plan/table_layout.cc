#include "embedding/plan/table_layout.h"

#include <algorithm>

#include "ops/base/error.h"

namespace polyscene::embedding {

TableLayout::TableLayout(std::span<const TableSpec> specs, PartitionMap map) : map_(map) {
  check_tables(specs, map.partitions());
  for (const TableSpec& spec : specs) {
    names_.push_back(spec.name);
    salts_.push_back(table_salt(spec.name));
    const auto known = std::ranges::find(dims_, spec.dim);
    group_of_.push_back(static_cast<int>(known - dims_.begin()));
    if (known == dims_.end()) dims_.push_back(spec.dim);
  }
  for (int group = 0; group < groups(); ++group) {
    group_begin_.push_back(static_cast<int>(wire_order_.size()));
    for (int table = 0; table < tables(); ++table) {
      if (group_of(table) == group) wire_order_.push_back(table);
    }
  }
  group_begin_.push_back(tables());
}

int TableLayout::table(std::string_view name) const {
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) return static_cast<int>(found - names_.begin());
  std::string known;
  for (const std::string& n : names_) known += (known.empty() ? "\"" : ", \"") + n + '"';
  throw InvalidArgument(str("[embedding.plan] wanted one of the tables ", known, ", got \"", name, '"'));
}

TableLayout TableLayout::single_rank() const {
  TableLayout layout = *this;
  layout.map_ = PartitionMap(map_.partitions(), 1);
  return layout;
}

}  // namespace polyscene::embedding
