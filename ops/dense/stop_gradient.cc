#include "ops/dense/stop_gradient.h"

#include "ops/dense/elementwise.h"

namespace polyscene::ops {

Value stop_gradient(Value x) { return x.graph->add(kStopGradient, Attributes::of(NoAttributes{}), {x})[0]; }

const OpDefinition kStopGradient = {
    .name = "stop_gradient",
    .infer = infer_same_shape,
    .gradient = +[](const GradientContext&) { return std::vector<Value>{Value{}}; },
    .aliases_input = true,
    .samples =
        +[] {
          auto samples = samples_one_float();
          for (Sample& s : samples) s.fixed = {0};  // central differences would see the identity
          return samples;
        },
};

}  // namespace polyscene::ops
