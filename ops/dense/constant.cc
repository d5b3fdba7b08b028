#include "ops/dense/constant.h"

namespace polyscene::ops {
namespace {

Sample sample(const char* name, DType dtype, SymbolicShape shape, double value) {
  return {name, Attributes::of(ConstantAttributes{dtype, shape, value}), {}, {}};
}

}  // namespace

Value constant(Graph& graph, const ValueType& type, double value) {
  return graph.add(kConstant, Attributes::of(ConstantAttributes{type.dtype, type.shape, value}), {})[0];
}

const OpDefinition kConstant = {
    .name = "constant",
    .infer = +[](const InferContext& c) -> std::vector<ValueType> {
      const auto& a = c.attributes.as<ConstantAttributes>();
      require(is_floating(a.dtype), "[ops.constant] wanted float32 or float64, got ", a.dtype);
      return {{a.dtype, a.shape}};
    },
    .gradient = "no inputs",
    .cpu = constant_cpu,
    .gpu = constant_gpu,
    .samples = +[]() -> std::vector<Sample> {
      return {sample("one", DType::kFloat32, {1}, 1.0), sample("empty", DType::kFloat64, {0, 3}, 2.0),
              sample("odd", DType::kFloat64, {33, 31}, -0.5), sample("chunks", DType::kFloat32, {3, 16385}, 0.0)};
    },
};

}  // namespace polyscene::ops
