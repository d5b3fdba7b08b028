// What is in the files of a split, as the configuration reads them: `polyscene data inspect`.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/data/batch_source.h"

namespace polyscene {

// A column as one of its users sees it.
struct ColumnReport {
  std::string user, column, type;  // `feature "age"`, "age", "int64"; the type in the first file
  int64_t nulls = 0;               // rows; of list columns: null lists
  int64_t null_elements = 0;       // of list columns
  int64_t nans = 0;
  int64_t distinct = 0;  // ids; of list columns: of all elements
  bool distinct_exact = true;
  std::optional<double> min, max;      // of integers and numbers, infinite and NaN ones left out
  std::string low, high;               // the same to be read: whole numbers in full, times as dates; empty without
  std::string dates;                   // what whole numbers of a time most likely stand for, in words; empty: nothing
  std::optional<double> mean, stddev;  // of numbers, the same left out; of labels the mean alone
  std::vector<double> quantiles;       // of numbers, for Quantiles::kShares
  int64_t sampled = 0;                 // values that the quantiles are of; 0: all
  bool list = false;
  double mean_length = 0;  // of list columns, null lists counting 0
  int64_t max_length = 0;
};

struct ScenarioReport {
  std::string name;  // the value in the scenario column; "all" without one
  int64_t rows = 0;
  std::vector<double> label_rates;  // shares of ones, per label
};

struct BadRow {
  std::string file, column, reason, value;
  int64_t row = 0;  // of the file
};

struct DataReport {
  Split split = Split::kTrain;
  int64_t files = 0, row_groups = 0, rows = 0, size_bytes = 0;
  std::vector<ColumnReport> columns;
  double max_bad_share = 1;  // of the rows, above which training and scoring end
  int64_t bad_rows = 0, sequences_cut = 0, bags_cut = 0;
  std::map<std::string, int64_t> bad_by_reason;  // `"column": reason`
  std::vector<BadRow> first_bad;                 // at most 20
  std::string hint;                              // what to try where rows are bad for want of a value, else empty
  std::vector<std::string> labels;
  std::vector<ScenarioReport> scenarios;  // of the good rows, largest first
  std::string scenario_note;              // as scenario_note() has it
};

// Reads every row of the split once. Bad rows are reported, never fatal; throws as make_parquet_source does otherwise.
[[nodiscard]] DataReport inspect(const config::Data& data, Split split);

void print(std::ostream& out, const DataReport& report);

}  // namespace polyscene
