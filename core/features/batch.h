// One rank's slice of a global batch, decoded and checked, as plain columns: the reader's output and training's input.
// Features of one kind stand in the order of the configuration; FeatureSchema names them.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace arrow {
class RecordBatch;
}

namespace polyscene::core {

// The key that a null id becomes: a row of its own in its table.
inline constexpr int64_t kMissingKey = std::numeric_limits<int64_t>::min();

struct BagBatch {
  std::vector<int32_t> offsets;  // [rows + 1]
  std::vector<int64_t> keys;     // [offsets.back()]
  std::vector<float> weights;    // [offsets.back()], or empty: all 1
};

struct SequenceBatch {
  std::vector<int32_t> offsets;             // [rows + 1]
  std::vector<std::vector<int64_t>> sides;  // per side field: keys [offsets.back()], oldest behaviour first
};

struct Batch {
  int64_t rows = 0;         // on this rank; 0 is a normal case
  int64_t global_rows = 0;  // of all ranks
  int64_t step = 0;         // running number of the global batch within the epoch

  std::vector<std::vector<int64_t>> fields;  // per categorical or bucketised feature: keys [rows]
  std::vector<BagBatch> bags;
  std::vector<SequenceBatch> sequences;
  std::vector<float> numbers;                // [rows, plain numeric features] row-major
  std::vector<std::vector<float>> labels;    // per label: [rows], each 0 or 1
  std::vector<int64_t> scenario;             // [rows]; a string scenario's key is the hash of its text
  std::vector<std::vector<int64_t>> groups;  // per group key: [rows]
  std::vector<int64_t> row_keys;             // [rows]
  std::vector<int64_t> times;                // [rows], or empty without a time column

  // Names of the scenarios that appear for the first time in this epoch on this rank, by key: strings, and numbers
  // above the largest int64.
  std::vector<std::pair<int64_t, std::string>> scenario_names;
  // The columns of SourceOptions::carry, [rows]; null when none were asked for.
  std::shared_ptr<arrow::RecordBatch> carried;
};

}  // namespace polyscene::core
