#include "ops/dense/add.h"

#include "ops/dense/elementwise.h"

namespace polyscene::ops {

Value add(Value a, Value b) { return a.graph->add(kAdd, Attributes::of(NoAttributes{}), {a, b})[0]; }

const OpDefinition kAdd = {
    .name = "add",
    .infer = infer_same_shape,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {c.gradients[0], c.gradients[0]};
    },
    .cpu = add_cpu,
    .gpu = add_gpu,
    .samples = samples_two_floats,
};

}  // namespace polyscene::ops
