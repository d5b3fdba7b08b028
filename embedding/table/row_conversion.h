// Rows of a table as another one wants them, whose rows are wider or narrower or have another optimiser.
#pragma once

#include <cstdint>

#include "embedding/plan/table_spec.h"
#include "embedding/table/saved_rows.h"

namespace polyscene {

class RowConversion {
 public:
  // `seed`: of the experiment that takes the rows.
  RowConversion(TableSpec from, TableSpec to, uint64_t seed);

  // Whether state of the optimiser is kept, as far as rows are as wide.
  [[nodiscard]] bool keeps_state() const;

  // Values that both widths have are kept, those beyond are a new row's. So is state of the same kind of optimiser;
  // row-wise Adagrad takes the mean of Adagrad's accumulators, Adagrad the one of row-wise; else state is a new row's.
  // Uses stay. Valid until the next call.
  [[nodiscard]] RowsIn operator()(const RowsIn& rows);

 private:
  void convert_state(const float* from, float* to) const;

  TableSpec from_, to_;
  uint64_t init_key_;
  SavedRows converted_;
};

}  // namespace polyscene
