// Describes the files of a split as the configuration reads them: `polyscene data inspect`.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/data/batch_source.h"

namespace polyscene::core {

// Statistics of a column for one of its users (ColumnRequest::user).
struct ColumnReport {
  std::string user, column, type;  // `feature "age"`, "age", "int64"; the type is that of the first file
  int64_t nulls = 0;               // null rows; in list columns: null lists
  int64_t null_elements = 0;       // null elements of list columns
  int64_t nans = 0;
  int64_t distinct = 0;  // distinct ids; in list columns: over all elements
  bool distinct_exact = true;
  std::optional<double> min, max;      // of integers and numbers, without infinite and NaN values
  std::string low, high;               // min and max for people: integers in full, times as dates; or empty
  std::string dates;                   // the dates that integers of a time column most likely mean; or empty
  std::optional<double> mean, stddev;  // of numbers, without infinite and NaN values; labels have only the mean
  std::vector<double> quantiles;       // of numbers, at Quantiles::kShares
  int64_t sampled = 0;                 // number of values that the quantiles are computed from; 0: all
  bool list = false;
  double mean_length = 0;  // of list columns; null lists count as 0
  int64_t max_length = 0;
};

struct ScenarioReport {
  std::string name;  // the value in the scenario column; "all" without one
  int64_t rows = 0;
  std::vector<double> label_rates;  // share of ones, per label
};

struct BadRow {
  std::string file, column, reason, value;
  int64_t row = 0;  // row of the file
};

struct DataReport {
  Split split = Split::kTrain;
  int64_t files = 0, row_groups = 0, rows = 0, size_bytes = 0;
  std::vector<ColumnReport> columns;
  double max_bad_share = 1;  // data.max_bad_share: training and scoring stop above this share of bad rows
  int64_t bad_rows = 0, sequences_cut = 0, bags_cut = 0;
  std::map<std::string, int64_t> bad_by_reason;  // `"column": reason`
  std::vector<BadRow> first_bad;                 // at most 20
  std::string hint;                              // nullable_hint() if rows are bad because of nulls, else empty
  std::vector<std::string> labels;
  std::vector<ScenarioReport> scenarios;  // over good rows, the largest first
  std::string scenario_note;              // result of scenario_note()
};

// Reads every row of the split once. Bad rows are reported and never fatal; otherwise throws like
// make_parquet_source().
[[nodiscard]] DataReport inspect(const config::Data& data, Split split);

void print(std::ostream& out, const DataReport& report);

}  // namespace polyscene::core
