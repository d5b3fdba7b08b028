// Decoded rows on their way from files to batches: a run of consecutive rows of a lane group, good and bad.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/features/batch.h"
#include "core/features/feature_schema.h"

namespace polyscene {

// The first thing found wrong with a row.
struct Reject {
  int64_t row = 0;  // of the window
  std::string column, reason, value;
};

// Rows [first, next span's first) of the window come from consecutive rows of one file.
struct RowSpan {
  int64_t first = 0;
  int file = 0;
  int64_t first_in_file = 0;   // row of the file
  int64_t first_in_split = 0;  // running number of the row in the split
};

// Vectors keep their length from use to use, so that they are not filled with zeros again each time: the first `rows`
// entries count, of ragged columns the first offsets.back() elements. Only bags are as long as their contents.
struct Window {
  Batch columns;                       // of all rows; the values of a bad row are unspecified
  std::vector<uint8_t> bad;            // [rows]
  std::vector<uint8_t> bags_cut;       // [rows] bags that lost their lightest ids
  std::vector<uint8_t> sequences_cut;  // [rows] sequences that lost their oldest behaviours
  std::vector<Reject> rejects;         // one per bad row; in row order once the window is complete
  std::vector<RowSpan> spans;
  std::vector<int32_t> order;  // [rows] order[i]: the row that comes i-th
  std::vector<int64_t> scratch;
  std::unordered_map<int64_t, std::string> scenario_names;   // of its rows, as in Batch
  std::vector<std::shared_ptr<arrow::RecordBatch>> carried;  // per span, what Carrier::pick() gave; empty without

  [[nodiscard]] int64_t rows() const { return columns.rows; }
  // Marks a row as bad; the first reason stays.
  void reject(int64_t row, const std::string& column, std::string reason, std::string value);
  [[nodiscard]] const RowSpan& span_of(int64_t row) const;
  [[nodiscard]] const Reject& reject_of(int64_t row) const;
  // Without rows again.
  void clear();
};

// Grows every per-row column of the window by `rows`; ragged columns grow as they are decoded.
void append_rows(Window& window, const FeatureSchema& schema, bool times, int64_t rows);

}  // namespace polyscene
