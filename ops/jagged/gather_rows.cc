#include "ops/jagged/gather_rows.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/jagged/scatter_add_rows.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const ValueType &rows = c.inputs[0], &index = c.inputs[1];
  const int rank = index.shape.rank();
  const bool ok = is_floating(rows.dtype) && has_rank(c, 0, 2) && has_static_cols(c, 0) &&
                  index.dtype == DType::kInt32 &&
                  (rank == 1 || (rank == 2 && has_static_cols(c, 1) && index.shape[1].constant > 0));
  check_inputs(c, ok, "floating rows [U, d] and int32 index [N] or [N, F], d and F > 0 static");
  const int64_t fields = rank == 1 ? 1 : index.shape[1].constant;
  return {{rows.dtype, {index.shape[0], rows.shape[1] * fields}}};
}

Sample sample(const char* name, Shape rows, Shape index) {
  return {name, Attributes::of(NoAttributes{}), {sample_tensor(rows, 1), sample_index(index, rows[0], 2)}, {}};
}

std::vector<Sample> samples() {
  Sample missing = sample("all missing", {3, 2}, {5});
  for (int32_t& i : missing.inputs[1].elements<int32_t>()) i = -1;
  return {sample("one", {1, 1}, {1}),     sample("fields", {31, 16}, {33, 3}),
          sample("wide", {5, 33}, {7}),   sample("long", {17, 8}, {1025, 2}),
          sample("none", {4, 3}, {0}),    sample("no rows read", {4, 3}, {0, 2}),
          sample("no cols", {4, 0}, {3}), missing};
}

}  // namespace

Value gather_rows(Value rows, Value index) {
  return rows.graph->add(kGatherRows, Attributes::of(NoAttributes{}), {rows, index})[0];
}

const OpDefinition kGatherRows = {
    .name = "gather_rows",
    .infer = infer,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {scatter_add_rows(c.gradients[0], c.inputs[1], c.inputs[0].shape()[0]), Value{}};
    },
    .cpu = gather_rows_cpu,
    .gpu = gather_rows_gpu,
    .samples = samples,
};

}  // namespace polyscene::ops
