// The order in which tables travel. All tables of one dim form a group whose rows are exchanged together. Wherever one
// array holds keys or rows of several tables, they are in wire order: by group, then as specified.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "embedding/plan/partition_map.h"
#include "embedding/plan/table_spec.h"

namespace polyscene::embedding {

class TableLayout {
 public:
  // Checks the specs (check_tables). Groups are numbered by first appearance of their dim in the specs.
  TableLayout(std::span<const TableSpec> specs, PartitionMap map);

  [[nodiscard]] int tables() const { return static_cast<int>(names_.size()); }
  [[nodiscard]] int groups() const { return static_cast<int>(dims_.size()); }
  [[nodiscard]] int64_t dim(int group) const { return dims_[group]; }
  [[nodiscard]] int group_of(int table) const { return group_of_[table]; }
  // The index of a table in the list of specs. Throws InvalidArgument listing the known names.
  [[nodiscard]] int table(std::string_view name) const;
  [[nodiscard]] const std::string& name(int table) const { return names_[table]; }

  // The tables in wire order [tables], and the first position of each group in it [groups + 1].
  [[nodiscard]] std::span<const int> wire_order() const { return wire_order_; }
  [[nodiscard]] std::span<const int> group_begin() const { return group_begin_; }

  [[nodiscard]] const PartitionMap& map() const { return map_; }
  // The rank that owns a key of a table.
  [[nodiscard]] int owner(int table, int64_t key) const { return map_.owner(key, salt(table)); }
  [[nodiscard]] uint64_t salt(int table) const { return salts_[table]; }

  // The same tables with every key owned by one rank; an owner deduplicates received keys with it.
  [[nodiscard]] TableLayout single_rank() const;

 private:
  std::vector<std::string> names_;
  std::vector<uint64_t> salts_;
  std::vector<int64_t> dims_;
  std::vector<int> group_of_, wire_order_, group_begin_;
  PartitionMap map_;
};

}  // namespace polyscene::embedding
