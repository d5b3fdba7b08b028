// The specification of a table, as the user states it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "embedding/update/sparse_optimizer.h"

namespace polyscene::embedding {

struct TableSpec {
  std::string name;           // unique; part of every hash, so initial values and owners follow the name
  int64_t dim = 16;           // floats per row
  double init_stddev = 0.01;  // new rows are N(0, init_stddev^2)
  SparseOptimizer optimizer = {};
  // The most rows over all ranks, or 0 for no bound. In a full bounded table a new row evicts one that was not used for
  // long (plan/bucket_plan.h, table/bounded_index.h).
  int64_t max_rows = 0;

  // Bytes of one row without index and slack: key, access statistics, values and optimiser state.
  [[nodiscard]] int64_t row_bytes() const { return 16 + 4 * (dim + optimizer.state_width(dim)); }

  friend bool operator==(const TableSpec&, const TableSpec&) = default;
};

// Throws InvalidArgument naming the table and the fault: a missing or repeated name, dim < 1, a bad stddev or
// optimiser, or a max_rows of fewer rows than one bucket per logical partition.
void check_tables(std::span<const TableSpec> tables, int partitions);

}  // namespace polyscene::embedding
