#include "ops/dense/elementwise_gpu.h"
#include "ops/dense/scale.h"

namespace polyscene::ops {
namespace {

struct Scale {
  float factor, offset;
  POLYSCENE_DEVICE float operator()(float x) const { return factor * x + offset; }
};

}  // namespace

void scale_gpu(const KernelContext& context) {
  const auto& [factor, offset] = context.attributes.as<ScaleAttributes>();
  elementwise1(context, "scale", Scale{static_cast<float>(factor), static_cast<float>(offset)});
}

}  // namespace polyscene::ops
