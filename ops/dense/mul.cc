#include "ops/dense/mul.h"

#include "ops/dense/elementwise.h"

namespace polyscene::ops {

Value mul(Value a, Value b) { return a.graph->add(kMul, Attributes::of(NoAttributes{}), {a, b})[0]; }

const OpDefinition kMul = {
    .name = "mul",
    .infer = infer_same_shape,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {c.needed[0] ? mul(c.gradients[0], c.inputs[1]) : Value{},
              c.needed[1] ? mul(c.gradients[0], c.inputs[0]) : Value{}};
    },
    .cpu = mul_cpu,
    .gpu = mul_gpu,
    .samples = samples_two_floats,
};

}  // namespace polyscene::ops
