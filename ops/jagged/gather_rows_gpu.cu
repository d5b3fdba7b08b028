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
    simt::for_each_pack<kPack>(t, reads, dim, [&](int64_t read, int64_t col) {
      const int64_t row = index.load(read);
      simt::Pack<float, kPack> pack{};
      if (row >= 0) pack = rows.template load_pack<kPack>(row * dim + col);
      y.template store_pack<kPack>(read * dim + col, pack);
    });
  }
};

}  // namespace

void gather_rows_gpu(const KernelContext& context) {
  const int64_t reads = context.inputs[1].shape.elements(), dim = context.inputs[0].shape[1];
  simt::with_pack(dim, [&](auto pack) {
    simt::launch(context.stream, "gather_rows", simt::shape_for_packs(reads, dim, pack),
                 GatherRows<pack>{simt::input<float>(context, 0), simt::input<int32_t>(context, 1),
                                  simt::output<float>(context, 0), reads, dim});
  });
}

}  // namespace polyscene::ops
