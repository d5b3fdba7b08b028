// Writes predictions to a Parquet file: the carried columns, labels, logit and probability of each row.
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
  std::vector<std::vector<float>> labels;                    // per label: [rows]
  std::vector<float> logits;
};

class PredictionWriter {
 public:
  // Columns: `carried` (BatchSource::carried_schema()), label_NAME for each label, logit, probability. A file is
  // written under a temporary name until finish(); a pipe or device is written to directly (output_place.h). Throws
  // DataError naming the file, and InvalidArgument when the path cannot be written as a file.
  PredictionWriter(std::string path, std::shared_ptr<arrow::Schema> carried, const std::vector<std::string>& labels);
  ~PredictionWriter();

  void write(const PredictionRows& rows);
  // Completes the file and moves it into place. Without this call the destructor removes what was written, and an
  // earlier file at the path stays as it was.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene
