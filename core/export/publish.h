// From a trained run to a folder that serves it: see core/serve/served_model.h for what lies there.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "core/data/batch_source.h"
#include "core/serve/embedding_store.h"

namespace polyscene {

struct ExportJob {
  std::string run;     // folder that training wrote
  bool best = false;   // the model of the best evaluation, where it is kept beside the last one
  std::string output;  // folder of versions
  RowFormat rows = RowFormat::kFloat32;
  bool delta = false;                              // only rows that differ from those of the newest whole version
  Split split = Split::kValid;                     // whose first rows are scored by trainer and exported model
  int64_t sample_rows = 4096;                      // 0: none are, and nothing is checked
  bool onnx = false;                               // also the forward graph as ONNX
  bool triton = false;                             // and as a Triton model repository
  int64_t onnx_inside_bytes = int64_t{256} << 20;  // most bytes of tables inside the ONNX model
  std::string onnx_check;  // a command that is given the version's folder before it is published, and can refuse
  std::vector<std::string> overrides;
};

// What the scores of an exported model may differ by from the trainer's: with fp32 rows every logit, relatively where
// it is above 1; with other rows the AUC of the sample.
inline constexpr double kMostLogitDifference = 1e-6, kMostAucLoss = 0.0005;

// Writes the next version aside, scores a sample of rows with it and with the trainer, and moves it into place where
// they agree. Tables pass through memory piece by piece. Returns the version's folder. Throws DataError when something
// cannot be read or written, or the scores disagree: then nothing is published.
std::string export_model(const ExportJob& job, std::ostream& out);

}  // namespace polyscene
