#include "ops/dense/sub.h"

#include "ops/dense/elementwise.h"
#include "ops/dense/scale.h"

namespace polyscene::ops {

Value sub(Value a, Value b) { return a.graph->add(kSub, Attributes::of(NoAttributes{}), {a, b})[0]; }

const OpDefinition kSub = {
    .name = "sub",
    .infer = infer_same_shape,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {c.gradients[0], c.needed[1] ? scale(c.gradients[0], -1.0) : Value{}};
    },
    .cpu = sub_cpu,
    .gpu = sub_gpu,
    .samples = samples_two_floats,
};

}  // namespace polyscene::ops
