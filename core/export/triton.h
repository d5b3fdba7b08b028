// A model repository for the ONNX Runtime backend of the Triton Inference Server.
#pragma once

#include "core/serve/served_model.h"

namespace polyscene::core {

// Writes triton/NAME/config.pbtxt below the model's folder, and triton/NAME/1/model.onnx, a link to the ONNX model,
// which must have been written. Throws DataError.
void write_triton(const ServedModel& model);

}  // namespace polyscene::core
