#include <cmath>

#include "ops/optim/device_optimizer.h"
#include "ops/simt/simt.h"

namespace polyscene {
namespace {

using simt::Global;
using Kind = DenseOptimizerOptions::Kind;
using Pack = simt::Pack<float, 4>;
constexpr int64_t kBlock = 16384;  // gradients that one block of threads sums
constexpr int kNormThreads = 256;

// Sums in double, like the CPU: each thread sums its strided share, then the block adds the sums in a fixed order.
struct PartialNorms {
  Global<const float> grads;
  Global<double> partial;
  int64_t size;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const auto room = t.shared<double>(t.warps());
    double sum = 0;
    const int64_t begin = t.block() * kBlock, end = simt::minimum(begin + kBlock, size);
    for (int64_t i = begin + 4 * t.thread(); i < end; i += 4 * t.threads()) {
      const Pack g = grads.load_pack<4>(i);
      for (int k = 0; k < 4; ++k) sum += static_cast<double>(g[k]) * static_cast<double>(g[k]);
    }
    sum = simt::block_sum(t, sum, room);
    if (t.thread() == 0) partial.store(t.block(), sum);
  }
};

// One warp. The report of a step that stopped is not overwritten, because the host reads it some steps later.
struct Report {
  Global<const double> partial;
  Global<const float> loss;
  Global<double> norm_out;
  Global<float> loss_out, scale_out;
  Global<int32_t> stopped;
  int64_t blocks;
  double clip_norm;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    double sum = 0;
    for (int64_t i = t.lane(); i < blocks; i += simt::kWarpSize) sum += partial.load(i);
    const double norm = std::sqrt(simt::warp_sum(t, sum));
    if (t.lane() != 0) return;
    if (stopped.load(0) != 0) return stopped.store(0, 2);
    norm_out.store(0, norm);
    loss_out.store(0, loss.load(0));
    scale_out.store(0, clip_norm > 0 && norm > clip_norm ? static_cast<float>(clip_norm / norm) : 1.0f);
    if (!std::isfinite(norm)) stopped.store(0, 1);
  }
};

struct AdamRule {
  float beta1, beta2, gain1, gain2, rate, correct1, correct2, epsilon;
  bool decoupled;
  POLYSCENE_DEVICE void operator()(float& p, float g, float& m, float& v, float decay) const {
    const float gradient = g + (decoupled ? 0.0f : decay) * p;
    m = beta1 * m + gain1 * gradient;
    v = beta2 * v + gain2 * gradient * gradient;
    p -= rate * (m * correct1 / (std::sqrt(v) * correct2 + epsilon) + (decoupled ? decay : 0.0f) * p);
  }
};

struct AdagradRule {
  float rate, epsilon;
  POLYSCENE_DEVICE void operator()(float& p, float g, float& sum, float& /*none*/, float decay) const {
    const float gradient = g + decay * p;
    sum += gradient * gradient;
    p -= rate * gradient / (std::sqrt(sum) + epsilon);
  }
};

struct SgdRule {
  float rate;
  POLYSCENE_DEVICE void operator()(float& p, float g, float& /*none*/, float& /*none*/, float decay) const {
    p -= rate * (g + decay * p);
  }
};

// Four parameters at a time: per parameter 8 bytes read and 4 written, and 8 for each of `States`.
template <class Rule, int States>
struct Step {
  Rule rule;
  Global<float> params;
  Global<const float> grads;
  Global<float> first, second;
  Global<const float> decay, scale;
  Global<const int32_t> stopped;
  Global<float> stopped_at;
  int64_t size;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    if (const int32_t how = stopped.load(0); how != 0) {
      if (how == 1)
        simt::for_each(t, size / 4, [&](int64_t i) { stopped_at.store_pack<4>(4 * i, grads.load_pack<4>(4 * i)); });
      return;
    }
    const float factor = scale.load(0);
    simt::for_each(t, size / 4, [&](int64_t i) {
      const float pack_decay = decay.load(4 * i / DeviceOptimizer::kGroup);
      Pack p = params.load_pack<4>(4 * i), m{}, v{};
      const Pack g = grads.load_pack<4>(4 * i);
      if constexpr (States >= 1) m = first.load_pack<4>(4 * i);
      if constexpr (States >= 2) v = second.load_pack<4>(4 * i);
      for (int k = 0; k < 4; ++k) rule(p[k], factor * g[k], m[k], v[k], pack_decay);
      params.store_pack<4>(4 * i, p);
      if constexpr (States >= 1) first.store_pack<4>(4 * i, m);
      if constexpr (States >= 2) second.store_pack<4>(4 * i, v);
    });
  }
};

template <int States, class Rule>
void run(const Stream& stream, const DeviceStep& s, const Rule& rule) {
  simt::launch(stream, "optimizer_step", simt::shape_for(s.size / 4),
               Step<Rule, States>{rule,
                                  {s.params, s.size},
                                  {s.grads, s.size},
                                  {s.first, States >= 1 ? s.size : 0},
                                  {s.second, States >= 2 ? s.size : 0},
                                  {s.decay, s.size / DeviceOptimizer::kGroup},
                                  {&s.report->scale, 1},
                                  {&s.report->stopped, 1},
                                  {s.stopped_at, s.size},
                                  s.size});
}

}  // namespace

void device_norm_gpu(const Stream& stream, const DeviceNorm& n) {
  const int64_t blocks = norm_blocks(n.size);
  simt::launch(stream, "gradient_norm",
               {blocks, kNormThreads, kNormThreads / simt::kWarpSize * static_cast<int64_t>(sizeof(double))},
               PartialNorms{{n.grads, n.size}, {n.partial, blocks}, n.size});
  StepReport& r = *n.report;
  simt::launch(stream, "gradient_norm", {1, simt::kWarpSize},
               Report{{n.partial, blocks},
                      {n.loss, 1},
                      {&r.norm, 1},
                      {&r.loss, 1},
                      {&r.scale, 1},
                      {&r.stopped, 1},
                      blocks,
                      n.clip_norm});
}

void device_step_gpu(const Stream& stream, const DeviceStep& s) {
  switch (s.kind) {
    case Kind::kAdam:
    case Kind::kAdamW:
      return run<2>(stream, s,
                    AdamRule{s.beta1, s.beta2, s.gain1, s.gain2, s.rate, s.correct1, s.correct2, s.epsilon,
                             s.kind == Kind::kAdamW});
    case Kind::kAdagrad:
      return run<1>(stream, s, AdagradRule{s.rate, s.epsilon});
    case Kind::kSgd:
      return run<0>(stream, s, SgdRule{s.rate});
  }
}

}  // namespace polyscene
