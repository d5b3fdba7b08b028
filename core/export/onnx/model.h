// The forward graph of an exported model as ONNX (opset 17), for ONNX Runtime, Triton and other readers.
//
// The inputs are those of the model's graph: row indices, offsets, numbers. If the tables are inside the ONNX model,
// the rows of all tables of one dim are concatenated ("rows/16"), and a row index is the table's first row plus the
// index of the key's row in the table; -1 reads zeros. If they are outside, "rows/16" is an input: the rows of the
// request, in the order that the row indices assume. "distinct" of a sequence may hold every behaviour, with "index" 0,
// 1, 2, ... Outputs: "logit" and "probability" [batch, 1].
#pragma once

#include <cstdint>
#include <string>

#include "core/features/batch.h"
#include "core/serve/served_model.h"

namespace polyscene::core {

struct OnnxOptions {
  int64_t most_inside_bytes = int64_t{256} << 20;  // if all tables together are larger, they stay outside
};

// Writes, below the model's folder,
//   onnx/model.onnx
//   onnx/inputs.json        the columns of each input; if tables are inside, the place of each table in "rows/DIM"
//   onnx/keys.safetensors   if tables are inside: for each table its keys, int64, in the order of its rows
// Throws DataError when a file cannot be written or is too large for the format, InvalidArgument naming an operator
// without an ONNX form.
void write_onnx(const ServedModel& model, const OnnxOptions& options);

// Writes a safetensors file with the graph inputs of a batch and, as "logit", the model's scores of it.
void write_onnx_sample(const std::string& path, const ServedModel& model, const Batch& batch,
                       const OnnxOptions& options);

}  // namespace polyscene::core
