// Writes predictions to a Parquet file: the carried columns, labels, logit and probability of each row.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/data/parquet_output.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace polyscene::core {

struct PredictionRows {
  std::vector<std::shared_ptr<arrow::RecordBatch>> carried;  // together as many rows as logits
  std::vector<std::vector<float>> labels;                    // per label: [rows]
  std::vector<float> logits;
};

class PredictionWriter {
 public:
  // Columns: `carried` (BatchSource::carried_schema()), label_NAME for each label, logit, probability. Throws as
  // ParquetOutput does.
  PredictionWriter(std::string path, std::shared_ptr<arrow::Schema> carried, const std::vector<std::string>& labels);

  void write(const PredictionRows& rows);
  // See ParquetOutput.
  void finish() { output_.finish(); }

 private:
  std::shared_ptr<arrow::Schema> carried_, schema_;
  ParquetOutput output_;
};

}  // namespace polyscene::core
