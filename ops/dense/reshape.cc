#include "ops/dense/reshape.h"

#include "ops/base/philox.h"
#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

// The number of elements, modulo 2^64, when symbol s is a random number that depends on s and `trial`.
uint64_t elements_at(const SymbolicShape& shape, uint64_t trial) {
  uint64_t count = 1;
  for (const Dim& d : shape.dims()) {
    uint64_t extent = d.constant;
    if (!d.is_static())
      extent += static_cast<uint64_t>(d.factor) * (mix64(trial * 65536 + static_cast<uint64_t>(d.symbol) + 1) >> 40);
    count *= extent;
  }
  return count;
}

// Numbers of elements are polynomials in the symbols: two that agree at random points are equal (Schwartz-Zippel).
bool same_elements(const SymbolicShape& a, const SymbolicShape& b) {
  for (uint64_t trial = 0; trial < 4; ++trial)
    if (elements_at(a, trial) != elements_at(b, trial)) return false;
  return true;
}

std::vector<ValueType> infer(const InferContext& c) {
  const SymbolicShape& shape = c.attributes.as<ReshapeAttributes>().shape;
  require(same_elements(c.inputs[0].shape, shape), "[ops.reshape] wanted as many elements as ", c.inputs[0].shape,
          " has, got ", shape);
  return {{c.inputs[0].dtype, shape}};
}

Sample sample(const char* name, Shape from, SymbolicShape to) {
  return {name, Attributes::of(ReshapeAttributes{to}), {sample_tensor(from, 1)}, {}};
}

}  // namespace

Value reshape(Value x, SymbolicShape shape) {
  return x.graph->add(kReshape, Attributes::of(ReshapeAttributes{shape}), {x})[0];
}

const OpDefinition kReshape = {
    .name = "reshape",
    .infer = infer,
    .gradient =
        +[](const GradientContext& c) -> std::vector<Value> { return {reshape(c.gradients[0], c.inputs[0].shape())}; },
    .aliases_input = true,
    .samples = +[]() -> std::vector<Sample> {
      return {sample("fold", {6, 4}, {3, 2, 4}), sample("flatten", {33, 31}, {1023}), sample("empty", {0, 5}, {5, 0}),
              sample("scalar", {1, 1}, SymbolicShape{})};
    },
};

}  // namespace polyscene::ops
