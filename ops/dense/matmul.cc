#include "ops/dense/matmul.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  check_inputs(c, one_floating_type(c) && has_rank(c, 0, 2) && has_rank(c, 1, 2), "two matrices of one floating type");
  const SymbolicShape &a = c.inputs[0].shape, &b = c.inputs[1].shape;
  const auto& [ta, tb] = c.attributes.as<MatmulAttributes>();
  check_inputs(c, a[ta ? 0 : 1] == b[tb ? 1 : 0], str("equal inner extents under ", c.attributes));
  return {{c.inputs[0].dtype, {a[ta ? 1 : 0], b[tb ? 0 : 1]}}};
}

// With dy the gradient of op(a) op(b): d op(a) = dy op(b)^T and d op(b) = op(a)^T dy.
std::vector<Value> gradient(const GradientContext& c) {
  const auto& [ta, tb] = c.attributes.as<MatmulAttributes>();
  const Value a = c.inputs[0], b = c.inputs[1], dy = c.gradients[0];
  std::vector<Value> result(2);
  if (c.needed[0])
    result[0] = ta ? matmul(b, dy, {.transpose_a = tb, .transpose_b = true}) : matmul(dy, b, {.transpose_b = !tb});
  if (c.needed[1])
    result[1] = tb ? matmul(dy, a, {.transpose_a = true, .transpose_b = ta}) : matmul(a, dy, {.transpose_a = !ta});
  return result;
}

std::vector<Sample> samples() {
  const auto sample = [](std::string name, MatmulAttributes t, int64_t m, int64_t k, int64_t n) {
    return Sample{std::move(name),
                  Attributes::of(t),
                  {sample_tensor(t.transpose_a ? Shape{k, m} : Shape{m, k}, 1),
                   sample_tensor(t.transpose_b ? Shape{n, k} : Shape{k, n}, 2)},
                  {}};
  };
  return {sample("plain", {}, 5, 33, 31),
          sample("left transposed", {.transpose_a = true}, 31, 3, 17),
          sample("right transposed", {.transpose_b = true}, 2, 32, 33),
          sample("both transposed", {.transpose_a = true, .transpose_b = true}, 7, 1, 9),
          sample("one element", {}, 1, 1, 1),
          sample("long sum", {.transpose_a = true}, 2, 1025, 3),
          sample("no rows", {}, 0, 4, 3),
          sample("empty sum", {}, 3, 0, 2)};
}

}  // namespace

Value matmul(Value a, Value b, MatmulAttributes attributes) {
  return a.graph->add(kMatmul, Attributes::of(attributes), {a, b})[0];
}

const OpDefinition kMatmul = {
    .name = "matmul", .infer = infer, .gradient = gradient, .cpu = matmul_cpu, .gpu = matmul_gpu, .samples = samples};

}  // namespace polyscene::ops
