#include "ops/jagged/scatter_add_rows.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/jagged/gather_rows.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const ValueType &g = c.inputs[0], &index = c.inputs[1];
  const int rank = index.shape.rank();
  bool ok = is_floating(g.dtype) && has_rank(c, 0, 2) && has_static_cols(c, 0) && index.dtype == DType::kInt32 &&
            (rank == 1 || (rank == 2 && has_static_cols(c, 1))) && g.shape[0] == index.shape[0];
  const int64_t fields = ok && rank == 2 ? index.shape[1].constant : 1;
  ok = ok && fields > 0 && g.shape[1].constant % fields == 0;
  check_inputs(c, ok, "floating g [N, d] and int32 index [N], or g [N, F * d] and index [N, F], d and F > 0 static");
  return {{g.dtype, {c.attributes.as<ScatterAddRowsAttributes>().rows, g.shape[1].constant / fields}}};
}

Sample sample(const char* name, int64_t rows, Shape g, Shape index) {
  return {
      name, Attributes::of(ScatterAddRowsAttributes{rows}), {sample_tensor(g, 1), sample_index(index, rows, 2)}, {}};
}

std::vector<Sample> samples() {
  return {sample("one", 1, {1, 1}, {1}),
          sample("fields", 31, {33, 48}, {33, 3}),
          sample("wide", 5, {7, 33}, {7}),
          sample("even", 5, {7, 66}, {7}),
          sample("divisible by four", 5, {7, 132}, {7}),
          sample("no sources", 4, {0, 3}, {0}),
          sample("no cols", 4, {3, 0}, {3}),
          sample("rows without sources", 1025, {33, 8}, {33}),
          sample("one long list", 1, {1025, 2}, {1025}),
          sample("long lists", 3, {2051, 32}, {2051, 2})};
}

}  // namespace

Value scatter_add_rows(Value g, Value index, Dim rows) {
  return g.graph->add(kScatterAddRows, Attributes::of(ScatterAddRowsAttributes{rows}), {g, index})[0];
}

const OpDefinition kScatterAddRows = {
    .name = "scatter_add_rows",
    .infer = infer,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {gather_rows(c.gradients[0], c.inputs[1]), Value{}};
    },
    .cpu = scatter_add_rows_cpu,
    .gpu = scatter_add_rows_gpu,
    .samples = samples,
};

}  // namespace polyscene::ops
