// Predictions as a Parquet file: what the files that were read say of a row, its labels, logit and probability.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace polyscene {

struct PredictionRows {
  std::vector<std::shared_ptr<arrow::RecordBatch>> carried;  // together as many rows as logits
  std::vector<std::vector<float>> labels;                    // per label
  std::vector<float> logits;
};

class PredictionWriter {
 public:
  // Columns: those carried (BatchSource::carried_schema()), label_NAME for each label, logit, probability. Writes aside
  // until finish(), or straight to what is no file (output_place.h). Throws DataError naming the file, InvalidArgument
  // where it can be none.
  PredictionWriter(std::string path, std::shared_ptr<arrow::Schema> carried, const std::vector<std::string>& labels);
  ~PredictionWriter();

  void write(const PredictionRows& rows);
  // Completes the file and moves it into place; without it nothing is left behind, and a file there is as it was.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene
