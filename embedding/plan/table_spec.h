// What a table is, as its user states it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "embedding/update/sparse_optimizer.h"

namespace polyscene {

struct TableSpec {
  std::string name;           // unique; part of every hash, so initial values and owners follow the name
  int64_t dim = 16;           // floats per row
  double init_stddev = 0.01;  // new rows are N(0, init_stddev^2)
  SparseOptimizer optimizer = {};
  // Most rows of all ranks together, 0 for as many as come: a new row then takes the place of one that was not used for
  // long (plan/bucket_plan.h, table/bounded_index.h).
  int64_t max_rows = 0;

  // Bytes that one row asks for: its key, how it was used, its values and its optimiser state.
  [[nodiscard]] int64_t row_bytes() const { return 16 + 4 * (dim + optimizer.state_width(dim)); }

  friend bool operator==(const TableSpec&, const TableSpec&) = default;
};

// Throws InvalidArgument naming the table and what is wrong: no or repeated names, dim < 1, a bad stddev or optimiser,
// a bound of fewer rows than a bucket for each of so many logical partitions.
void check_tables(std::span<const TableSpec> tables, int partitions);

}  // namespace polyscene
