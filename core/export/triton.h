// A model repository for the Triton Inference Server, with its ONNX Runtime backend.
#pragma once

#include "core/serve/served_model.h"

namespace polyscene {

// Writes, below the model's folder, triton/NAME/config.pbtxt and triton/NAME/1/model.onnx, a link to the ONNX model
// that is there already. Throws DataError.
void write_triton(const ServedModel& model);

}  // namespace polyscene
