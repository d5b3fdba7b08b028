#include "ops/jagged/dap.h"
#include "ops/jagged/dap_gpu.h"
#include "ops/jagged/sum_sources_gpu.h"

namespace polyscene::ops {
namespace {

using simt::Global;

// The sample to which each row belongs.
struct Owners {
  Global<const int32_t> offsets;
  Global<int32_t> owner;
  int64_t batch;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_by_warps(t, batch, [&](int64_t sample) {
      for (int64_t row = offsets.load(sample) + t.lane(); row < offsets.load(sample + 1); row += simt::kWarpSize)
        owner.store(row, static_cast<int32_t>(sample));
    });
  }
};

// The gradients of the readers of a distinct row, which are not written one by one.
struct ReaderGradients {
  Global<const float> x;
  Global<const int32_t> offsets, owner;
  DevicePooledGradient pooled;
  int64_t cols;

  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, kPack> sum(const DeviceSourceLists& sources, int64_t row,
                                                              int64_t begin, int64_t end, int64_t col) const {
    const auto value = x.template load_pack<kPack>(row * cols + col);
    simt::Pack<float, kPack> sum{};
    for_rows<4>(
        begin, end - begin,
        [&](int64_t i) {
          const int64_t sample = owner.load(sources.order.load(i));
          const int64_t rows = offsets.load(sample + 1) - offsets.load(sample);
          return pooled.template factors<kPack>(sample, rows, cols, col);
        },
        [&](int64_t, const Factors<kPack>& f) {
          for (int k = 0; k < kPack; ++k) sum[k] += f.gradient(k, value[k]);
        });
    return sum;
  }
};

}  // namespace

void dap_gpu(const KernelContext& context) {
  const auto& [kind, eps] = context.attributes.as<DapAttributes>();
  const int64_t batch = context.outputs[0].shape[0], cols = context.inputs[0].shape[1];
  const bool gathered = context.inputs.size() == 3;
  simt::with_pack(cols, [&, kind = kind, eps = eps](auto pack) {
    simt::launch(
        context.stream, "dap", simt::shape_for_packs(batch, cols, pack),
        PoolRows<pack>{{simt::input<float>(context, 0), simt::input<int32_t>(context, gathered ? 2 : 1), gathered},
                       simt::input<int32_t>(context, 1),
                       simt::output<float>(context, 0),
                       batch,
                       cols,
                       kind,
                       static_cast<float>(eps)});
  });
}

void dap_backward_gpu(const KernelContext& context) {
  const int64_t batch = context.inputs[2].shape[0], rows = context.inputs[0].shape[0],
                cols = context.inputs[0].shape[1];
  const auto x = simt::input<float>(context, 0);
  const auto offsets = simt::input<int32_t>(context, 1);
  const auto dx = simt::output<float>(context, 0);
  const DevicePooledGradient pooled{simt::input<float>(context, 2), simt::input<float>(context, 3),
                                    context.attributes.as<DapAttributes>().kind};
  if (context.inputs.size() == 4)
    return simt::with_pack(cols, [&](auto pack) {
      simt::launch(context.stream, "dap_backward", simt::shape_for_packs(batch, cols, pack),
                   RowsGradient<pack>{pooled, x, {x, false}, offsets, dx, {dx, false}, batch, cols});
    });
  const int64_t readers = context.inputs[4].shape.elements();
  int32_t* owner = context.scratch.get<int32_t>(readers).data();
  simt::launch(context.stream, "dap_backward", simt::shape_for_warps(batch), Owners{offsets, {owner, readers}, batch});
  sum_sources(context, "dap_backward", invert_index(context, 4, rows),
              ReaderGradients{x, offsets, {owner, readers}, pooled, cols}, dx, cols);
}

}  // namespace polyscene::ops
