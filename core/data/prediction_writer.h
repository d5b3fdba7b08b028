// Predictions as a Parquet file: row_key, scenario, the group keys and labels by name, logit, probability.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace polyscene {

struct PredictionRows {
  std::vector<int64_t> row_keys, scenario;
  std::vector<std::vector<int64_t>> groups;  // per group key
  std::vector<std::vector<float>> labels;    // per label
  std::vector<float> logits;
};

class PredictionWriter {
 public:
  // Writes aside until finish(), or straight to what is no file (output_place.h). Throws DataError naming the file,
  // InvalidArgument where it can be none.
  PredictionWriter(std::string path, std::vector<std::string> groups, std::vector<std::string> labels);
  ~PredictionWriter();

  void write(const PredictionRows& rows);
  // Completes the file and moves it into place; without it nothing is left behind, and a file there is as it was.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene
