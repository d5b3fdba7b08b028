// The whole folder once more, serially: a std::map per table, double precision, one key after the other.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "embedding/plan/table_spec.h"

namespace polyscene::testing {

struct ReferenceRow {
  std::vector<double> values, m, v;  // m: accumulator or first moment; v: second moment
};

class ReferenceTables {
 public:
  ReferenceTables(std::vector<embedding::TableSpec> specs, uint64_t seed) : specs_(std::move(specs)), seed_(seed) {
    tables_.resize(specs_.size());
  }

  [[nodiscard]] const std::vector<embedding::TableSpec>& specs() const { return specs_; }
  [[nodiscard]] const std::map<int64_t, ReferenceRow>& table(int t) const { return tables_[static_cast<size_t>(t)]; }

  // Creates the row of an unseen key.
  ReferenceRow& train_row(int table, int64_t key);
  // Zeros for an unseen key.
  [[nodiscard]] std::vector<double> eval_row(int table, int64_t key) const;

  // One gradient per touched row of each table.
  using Gradients = std::vector<std::map<int64_t, std::vector<double>>>;
  void update(const Gradients& gradients, double learning_rate_factor);

 private:
  std::vector<embedding::TableSpec> specs_;
  uint64_t seed_;
  int64_t steps_ = 0;
  std::vector<std::map<int64_t, ReferenceRow>> tables_;
};

}  // namespace polyscene::testing
