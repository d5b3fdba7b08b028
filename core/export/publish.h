// Export of a trained run to a folder from which it is served; core/serve/served_model.h describes the folder.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "core/data/batch_source.h"
#include "core/serve/embedding_store.h"

namespace polyscene::core {

struct ExportJob {
  std::string run;     // folder of the run
  bool best = false;   // export the model of the best evaluation, if there is one
  std::string output;  // folder of versions
  RowFormat rows = RowFormat::kFloat32;
  bool delta = false;                              // write only rows that differ from the newest whole version
  Split split = Split::kValid;                     // the trainer and the exported model score its first rows
  int64_t sample_rows = 4096;                      // number of those rows; 0: no check
  bool onnx = false;                               // also write the forward graph as ONNX
  bool triton = false;                             // also write a Triton model repository
  int64_t onnx_inside_bytes = int64_t{256} << 20;  // larger tables stay outside the ONNX model
  std::string onnx_check;  // command that gets the unpublished version's folder and may fail the export
  std::vector<std::string> overrides;
};

// Tolerances of the check against the trainer. Rows in fp32: difference of each logit, relative if the logit is above
// 1. All formats: loss of AUC on the sample.
inline constexpr double kMostLogitDifference = 1e-6, kMostAucLoss = 0.0005;

// Writes the next version to a temporary folder, scores a sample of rows with it and with the trainer, and publishes it
// if they agree. Tables pass through memory piece by piece. Returns the version's folder. Throws DataError, and
// publishes nothing, when a file cannot be read or written, or when the scores disagree.
std::string export_model(const ExportJob& job, std::ostream& out);

}  // namespace polyscene::core
