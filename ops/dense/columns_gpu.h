// Copies columns of one matrix into another; concat and slice_cols are built on it.
#pragma once

#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

// to[r, to_first + j] = from[r, from_first + j] for j < cols; strides in elements. Packs of kPack columns must be
// aligned on both sides.
template <int kPack>
struct CopyColumns {
  simt::Global<const float> from;
  simt::Global<float> to;
  int64_t rows, cols, from_first, from_stride, to_first, to_stride;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_pack<kPack>(t, rows, cols, [&](int64_t row, int64_t col) {
      to.template store_pack<kPack>(row * to_stride + to_first + col,
                                    from.template load_pack<kPack>(row * from_stride + from_first + col));
    });
  }
};

// The same with the widest pack that is aligned on both sides.
inline void copy_columns(const Stream& stream, const char* name, const CopyColumns<1>& c) {
  simt::with_pack(c.cols | c.from_first | c.from_stride | c.to_first | c.to_stride, [&](auto pack) {
    simt::launch(stream, name, simt::shape_for_packs(c.rows, c.cols, pack),
                 CopyColumns<pack>{c.from, c.to, c.rows, c.cols, c.from_first, c.from_stride, c.to_first, c.to_stride});
  });
}

}  // namespace polyscene::ops
