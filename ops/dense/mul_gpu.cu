#include "ops/dense/elementwise_gpu.h"
#include "ops/dense/mul.h"

namespace polyscene::ops {
namespace {

struct Mul {
  POLYSCENE_DEVICE float operator()(float a, float b) const { return a * b; }
};

}  // namespace

void mul_gpu(const KernelContext& context) { elementwise2(context, "mul", Mul{}); }

}  // namespace polyscene::ops
