#include "ops/dense/elementwise_gpu.h"
#include "ops/dense/sub.h"

namespace polyscene::ops {
namespace {

struct Sub {
  POLYSCENE_DEVICE float operator()(float a, float b) const { return a - b; }
};

}  // namespace

void sub_gpu(const KernelContext& context) { elementwise2(context, "sub", Sub{}); }

}  // namespace polyscene::ops
