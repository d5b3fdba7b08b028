#include "ops/dense/scale.h"

#include "ops/dense/elementwise.h"

namespace polyscene::ops {

Value scale(Value x, double factor, double offset) {
  return x.graph->add(kScale, Attributes::of(ScaleAttributes{factor, offset}), {x})[0];
}

const OpDefinition kScale = {
    .name = "scale",
    .infer = infer_same_shape,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {scale(c.gradients[0], c.attributes.as<ScaleAttributes>().factor)};
    },
    .cpu = scale_cpu,
    .gpu = scale_gpu,
    .samples =
        +[] {
          return samples_floats(1, Attributes::of(ScaleAttributes{-2.5, 0.75}));
        },
};

}  // namespace polyscene::ops
