#include "ops/jagged/gather_rows.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

template <int kPack>
struct GatherRows {
  simt::Global<const float> rows;
  simt::Global<const int32_t> index;
  simt::Global<float> y;
  int64_t reads, dim;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const int64_t packs = dim / kPack;
    simt::for_each(t, reads * packs, [&](int64_t i) {
      const int64_t row = index.load(i / packs), col = i % packs * kPack;
      simt::Pack<float, kPack> pack{};
      if (row >= 0) pack = rows.template load_pack<kPack>(row * dim + col);
      y.template store_pack<kPack>(i * kPack, pack);
    });
  }
};

}  // namespace

void gather_rows_gpu(const KernelContext& context) {
  const int64_t reads = context.inputs[1].shape.elements(), dim = context.inputs[0].shape[1];
  const auto run = [&](auto pack) {
    simt::launch(context.stream, "gather_rows", simt::shape_for(reads * dim / pack),
                 GatherRows<pack>{simt::input<float>(context, 0), simt::input<int32_t>(context, 1),
                                  simt::output<float>(context, 0), reads, dim});
  };
  dim % 4 == 0 ? run(std::integral_constant<int, 4>{}) : run(std::integral_constant<int, 1>{});
}

}  // namespace polyscene::ops
