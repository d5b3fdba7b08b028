#include "ops/dense/activation_gpu.h"
#include "ops/dense/gate.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

using simt::Global;

// Where the logits of one part lie in p [B, all]: from column `before`, `groups` of them per row.
struct Logits {
  Global<const float> p;
  int64_t all, before, groups;
  float gamma;
  [[nodiscard]] POLYSCENE_DEVICE int64_t at(int64_t i) const { return i / groups * all + before + i % groups; }
  [[nodiscard]] POLYSCENE_DEVICE float factor(int64_t i) const { return gamma * device_sigmoid(p.load(at(i))); }
};

struct Gate {
  Logits logits;
  Global<const float> x;
  Global<float> y;
  int64_t count, group;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) { y.store(i, logits.factor(i / group) * x.load(i)); });
  }
};

// A thread per logit: the columns that share it are few.
struct GateBackward {
  Logits logits;
  Global<const float> x, dy;
  Global<float> dx, dp;
  int64_t count, group;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) {
      const float factor = logits.factor(i);
      float sum = 0;
      for (int64_t j = i * group; j < (i + 1) * group; ++j) {
        const float g = dy.load(j);
        sum += g * x.load(j);
        dx.store(j, factor * g);
      }
      dp.store(logits.at(i), sum * factor * (1 - factor / logits.gamma));
    });
  }
};

// Calls each(part, logits, rows) for the parts of a gate.
template <class Each>
void for_parts(const KernelContext& c, size_t parts, const Each& each) {
  const auto& [gamma, group] = c.attributes.as<GateAttributes>();
  const Shape& p = c.inputs[parts].shape;
  int64_t before = 0;
  for (size_t k = 0; k < parts; ++k) {
    const int64_t groups = c.inputs[k].shape[1] / group;
    each(k, Logits{simt::input<float>(c, parts), p[1], before, groups, static_cast<float>(gamma)}, p[0] * groups);
    before += groups;
  }
}

}  // namespace

void gate_gpu(const KernelContext& context) {
  const int64_t group = context.attributes.as<GateAttributes>().group;
  for_parts(context, context.outputs.size(), [&](size_t k, const Logits& logits, int64_t count) {
    simt::launch(context.stream, "gate", simt::shape_for(count * group),
                 Gate{logits, simt::input<float>(context, k), simt::output<float>(context, k), count * group, group});
  });
}

void gate_backward_gpu(const KernelContext& context) {
  const int64_t group = context.attributes.as<GateAttributes>().group;
  const size_t parts = context.outputs.size() - 1;
  for_parts(context, parts, [&](size_t k, const Logits& logits, int64_t count) {
    simt::launch(context.stream, "gate_backward", simt::shape_for(count),
                 GateBackward{logits, simt::input<float>(context, k), simt::input<float>(context, parts + 1 + k),
                              simt::output<float>(context, k), simt::output<float>(context, parts), count, group});
  });
}

}  // namespace polyscene::ops
