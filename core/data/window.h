// A window: decoded consecutive rows of a lane group, good and bad, from which batches are built.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/features/batch.h"
#include "core/features/feature_schema.h"

namespace polyscene::core {

// The first thing found wrong with a row.
struct Reject {
  int64_t row = 0;  // row of the window
  std::string column, reason, value;
};

// Rows [first, next span's first) of the window come from consecutive rows of one file.
struct RowSpan {
  int64_t first = 0;
  int file = 0;
  int64_t first_in_file = 0;   // row of the file
  int64_t first_in_split = 0;  // running number of the row in the split
};

// Windows are reused, and vectors keep their length so that they are not zero-filled again: only the first `rows`
// entries are valid, in ragged columns the first offsets.back() elements. Bags are exactly as long as their contents.
struct Window {
  Batch columns;                       // of all rows; the values of a bad row are unspecified
  std::vector<uint8_t> bad;            // [rows]
  std::vector<uint8_t> bags_cut;       // [rows] bags that lost their lightest ids
  std::vector<uint8_t> sequences_cut;  // [rows] sequences that lost their oldest behaviours
  std::vector<Reject> rejects;         // one per bad row; in row order once the window is complete
  std::vector<RowSpan> spans;
  std::vector<int32_t> order;  // [rows] order[i] is the row that comes i-th
  std::vector<int64_t> scratch;
  std::unordered_map<int64_t, std::string> scenario_names;   // names of its rows' scenarios, as in Batch
  std::vector<std::shared_ptr<arrow::RecordBatch>> carried;  // per span: result of Carrier::pick(), if any

  [[nodiscard]] int64_t rows() const { return columns.rows; }
  // Marks a row as bad. A row that is bad already keeps its first reason.
  void reject(int64_t row, const std::string& column, std::string reason, std::string value);
  [[nodiscard]] const RowSpan& span_of(int64_t row) const;
  [[nodiscard]] const Reject& reject_of(int64_t row) const;
  // Removes all rows; the memory is kept.
  void clear();
};

// Grows every per-row column of the window by `rows` rows. Ragged columns grow while they are decoded.
void append_rows(Window& window, const FeatureSchema& schema, bool times, int64_t rows);

}  // namespace polyscene::core
