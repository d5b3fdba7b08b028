// Converts the rows of one table to those of another one with a different dim or optimiser.
#pragma once

#include <cstdint>

#include "embedding/plan/table_spec.h"
#include "embedding/table/saved_rows.h"

namespace polyscene::embedding {

class RowConversion {
 public:
  // seed: the seed of the experiment that receives the rows.
  RowConversion(TableSpec from, TableSpec to, uint64_t seed);

  // Whether optimiser state is kept, up to the smaller of the two dims.
  [[nodiscard]] bool keeps_state() const;

  // Keeps the values that both dims have; further ones get the initial values of a new row. State of the same kind of
  // optimiser is treated alike. Row-wise Adagrad takes the mean of Adagrad's accumulators, and Adagrad copies the
  // accumulator of row-wise Adagrad; any other state is that of a new row. Access statistics are kept. The result is
  // valid until the next call.
  [[nodiscard]] RowsIn operator()(const RowsIn& rows);

 private:
  void convert_state(const float* from, float* to) const;

  TableSpec from_, to_;
  uint64_t init_key_;
  SavedRows converted_;
};

}  // namespace polyscene::embedding
