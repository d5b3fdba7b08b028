// The forward graph of an exported model as ONNX (opset 17), for ONNX Runtime, Triton and whatever else reads it.
//
// Inputs are those of our graph: indices of rows, offsets, numbers. Where the tables are inside, the rows of all tables
// of one dim lie one table behind the other ("rows/16"), and an index is the table's first row plus the number of the
// key's row; -1 reads zeros. Where they are outside, "rows/16" is an input: the rows of the request, in any order that
// the indices name. "distinct" of a sequence may hold every behaviour, with "index" counting from 0.
// Outputs: "logit" and "probability" [batch, 1].
#pragma once

#include <cstdint>
#include <string>

#include "core/features/batch.h"
#include "core/serve/served_model.h"

namespace polyscene {

struct OnnxOptions {
  int64_t most_inside_bytes = int64_t{256} << 20;  // tables of more bytes together stay outside
};

// Writes, below the model's folder,
//   onnx/model.onnx
//   onnx/inputs.json        per input what its columns are; per table its place in "rows/DIM", where tables are inside
//   onnx/keys.safetensors   int64 per table: the keys in the order of its rows, where tables are inside
// Throws DataError when a file cannot be written or is too large for the format, InvalidArgument naming an operator
// without a form.
void write_onnx(const ServedModel& model, const OnnxOptions& options);

// Writes a safetensors file with the inputs that a batch becomes and, as "logit", what the model scores it.
void write_onnx_sample(const std::string& path, const ServedModel& model, const Batch& batch,
                       const OnnxOptions& options);

}  // namespace polyscene
