#include <bit>

#include "ops/dense/activation_gpu.h"
#include "ops/dense/gate.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

using simt::Global;

// The logits of one part in p [B, all]: they start at column `before`, one for each `group` columns of the part.
struct Logits {
  Global<const float> p;
  int64_t all, before, group;
  float gamma;

  [[nodiscard]] POLYSCENE_DEVICE int64_t at(int64_t row, int64_t col) const { return row * all + before + col / group; }
  // The factors of a pack of columns. Either each pack lies in one group, or group == 1.
  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, kPack> factors(int64_t row, int64_t col) const {
    simt::Pack<float, kPack> f;
    if (group == 1) f = p.template load_pack<kPack>(at(row, col));
    if (group > 1) f[0] = gamma * device_sigmoid(p.load(at(row, col)));
    for (int k = 0; k < kPack; ++k) f[k] = group == 1 ? gamma * device_sigmoid(f[k]) : f[0];
    return f;
  }
};

template <int kPack>
struct Gate {
  Logits logits;
  Global<const float> x;
  Global<float> y;
  int64_t rows, cols;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_pack<kPack>(t, rows, cols, [&](int64_t row, int64_t col) {
      auto value = x.template load_pack<kPack>(row * cols + col);
      const auto f = logits.template factors<kPack>(row, col);
      for (int k = 0; k < kPack; ++k) value[k] *= f[k];
      y.template store_pack<kPack>(row * cols + col, value);
    });
  }
};

// Neighbouring lanes share a logit: `sharing` of them, 1, 2, 4 ... 32.
template <int kPack>
struct GateBackward {
  Logits logits;
  Global<const float> x, dy;
  Global<float> dx, dp;
  int64_t rows, cols;
  int sharing;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const int64_t packs = cols / kPack, count = rows * packs;
    simt::for_each_by_warps(t, simt::ceil_div(count, simt::kWarpSize), [&](int64_t warp) {
      const int64_t i = warp * simt::kWarpSize + t.lane(), row = i / packs, col = i % packs * kPack;
      const bool inside = i < count;
      simt::Pack<float, kPack> product{}, f{};
      if (inside) {
        const auto g = dy.template load_pack<kPack>(i * kPack);
        product = x.template load_pack<kPack>(i * kPack);
        f = logits.template factors<kPack>(row, col);
        auto result = g;
        for (int k = 0; k < kPack; ++k) {
          product[k] *= g[k];
          result[k] *= f[k];
        }
        dx.template store_pack<kPack>(i * kPack, result);
      }
      if (logits.group == 1) {
        for (int k = 0; k < kPack; ++k) product[k] *= f[k] * (1 - f[k] / logits.gamma);
        if (inside) dp.template store_pack<kPack>(logits.at(row, col), product);
        return;
      }
      float sum = 0;
      for (int k = 0; k < kPack; ++k) sum += product[k];
      for (int bits = sharing / 2; bits > 0; bits /= 2) sum += t.shuffle_xor(sum, bits, simt::kAllLanes);
      if (inside && t.lane() % sharing == 0) dp.store(logits.at(row, col), sum * f[0] * (1 - f[0] / logits.gamma));
    });
  }
};

// For groups of any width: one thread per logit.
struct GateBackwardByGroup {
  Logits logits;
  Global<const float> x, dy;
  Global<float> dx, dp;
  int64_t rows, cols;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, rows * (cols / logits.group), [&](int64_t i) {
      const int64_t first = i * logits.group, row = first / cols, col = first % cols;
      const float factor = logits.factors<1>(row, col)[0];
      float sum = 0;
      for (int64_t j = first; j < first + logits.group; ++j) {
        const float g = dy.load(j);
        sum += g * x.load(j);
        dx.store(j, factor * g);
      }
      dp.store(logits.at(row, col), sum * factor * (1 - factor / logits.gamma));
    });
  }
};

// Calls each(part, logits, rows, cols) for the parts of a gate.
template <class Each>
void for_parts(const KernelContext& c, size_t parts, const Each& each) {
  const auto& [gamma, group] = c.attributes.as<GateAttributes>();
  const Shape& p = c.inputs[parts].shape;
  int64_t before = 0;
  for (size_t k = 0; k < parts; ++k) {
    const int64_t cols = c.inputs[k].shape[1];
    each(k, Logits{simt::input<float>(c, parts), p[1], before, group, static_cast<float>(gamma)}, p[0], cols);
    before += cols / group;
  }
}

// Like with_pack(), but a pack must lie in one group; if group == 1, packs of the logits must be aligned too.
template <class F>
void with_gate_pack(const Logits& l, int64_t cols, F&& f) {
  const int64_t common = l.group == 1 ? cols | l.all | l.before : l.group;
  simt::with_pack(common, f);
}

}  // namespace

void gate_gpu(const KernelContext& context) {
  for_parts(context, context.outputs.size(), [&](size_t part, const Logits& logits, int64_t rows, int64_t cols) {
    with_gate_pack(logits, cols, [&](auto pack) {
      simt::launch(
          context.stream, "gate", simt::shape_for_packs(rows, cols, pack),
          Gate<pack>{logits, simt::input<float>(context, part), simt::output<float>(context, part), rows, cols});
    });
  });
}

void gate_backward_gpu(const KernelContext& context) {
  const size_t parts = context.outputs.size() - 1;
  for_parts(context, parts, [&](size_t part, const Logits& logits, int64_t rows, int64_t cols) {
    const auto x = simt::input<float>(context, part), dy = simt::input<float>(context, parts + 1 + part);
    const auto dx = simt::output<float>(context, part), dp = simt::output<float>(context, parts);
    with_gate_pack(logits, cols, [&](auto pack) {
      const int64_t sharing = simt::ceil_div(logits.group, pack);
      if (sharing <= simt::kWarpSize && std::has_single_bit(static_cast<uint64_t>(sharing)))
        simt::launch(context.stream, "gate_backward",
                     simt::shape_for_warps(simt::ceil_div(rows * cols / pack, simt::kWarpSize)),
                     GateBackward<pack>{logits, x, dy, dx, dp, rows, cols, static_cast<int>(sharing)});
      else
        simt::launch(context.stream, "gate_backward", simt::shape_for(rows * (cols / logits.group)),
                     GateBackwardByGroup{logits, x, dy, dx, dp, rows, cols});
    });
  });
}

}  // namespace polyscene::ops
