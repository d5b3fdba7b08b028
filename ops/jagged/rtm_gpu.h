// Residual tailoring on a device: products with its library and, between them, these kernels, each one pass over the
// rows.
#pragma once

#include "ops/dense/column_sums_gpu.h"
#include "ops/dense/device_product.h"
#include "ops/jagged/dap_gpu.h"
#include "ops/jagged/segments_gpu.h"

namespace polyscene::ops {

// u = relu(projected + row_bias[sample]); projected may be u itself.
template <int kPack>
struct Hidden {
  MaybeGathered projected;
  simt::Global<const int32_t> offsets;
  simt::Global<const float> row_bias;
  simt::Global<float> u;
  int64_t batch, cols;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_segments<kPack>(t, offsets, batch, cols, [&](int64_t sample, int64_t first, int64_t rows, int64_t col) {
      const auto bias = row_bias.template load_pack<kPack>(sample * cols + col);
      const auto load = [&](int64_t row) { return projected.template load<kPack>(row, cols, col); };
      for_rows(first, rows, load, [&](int64_t row, simt::Pack<float, kPack> x) {
        for (int k = 0; k < kPack; ++k) x[k] = simt::maximum(x[k] + bias[k], 0.0f);
        u.template store_pack<kPack>(row * cols + col, x);
      });
    });
  }
};

// y += b + co, where b are copies of distinct rows; also pools the rows of y.
template <int kPack>
struct AddResidual {
  MaybeGathered b;
  simt::Global<const int32_t> offsets;
  simt::Global<const float> co;
  simt::Global<float> y, pooled;
  int64_t batch, cols;
  DapKind kind;
  float eps;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_segments<kPack>(t, offsets, batch, cols, [&](int64_t sample, int64_t first, int64_t rows, int64_t col) {
      const auto shift = co.template load_pack<kPack>(col);
      Moments<kPack> moments;
      const auto load = [&](int64_t row) {
        return PackPair<kPack>{y.template load_pack<kPack>(row * cols + col), b.template load<kPack>(row, cols, col)};
      };
      for_rows(first, rows, load, [&](int64_t row, PackPair<kPack> x) {
        for (int k = 0; k < kPack; ++k) x.first[k] += x.second[k] + shift[k];
        y.template store_pack<kPack>(row * cols + col, x.first);
        moments.add(x.first);
      });
      moments.store_pooled(kind, eps, pooled, sample, cols, col);
    });
  }
};

// q = q 1[u > 0] in place; also its sum over the rows of each sample.
template <int kPack>
struct MaskHidden {
  simt::Global<const float> u;
  simt::Global<const int32_t> offsets;
  simt::Global<float> q, drow_bias;
  int64_t batch, cols;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_segments<kPack>(t, offsets, batch, cols, [&](int64_t sample, int64_t first, int64_t rows, int64_t col) {
      simt::Pack<float, kPack> sum{};
      const auto load = [&](int64_t row) {
        const int64_t at = row * cols + col;
        return PackPair<kPack>{q.template load_pack<kPack>(at), u.template load_pack<kPack>(at)};
      };
      for_rows(first, rows, load, [&](int64_t row, PackPair<kPack> x) {
        for (int k = 0; k < kPack; ++k) sum[k] += x.first[k] = x.second[k] > 0 ? x.first[k] : 0.0f;
        q.template store_pack<kPack>(row * cols + col, x.first);
      });
      drow_bias.template store_pack<kPack>(sample * cols + col, sum);
    });
  }
};

// The extents of one call (behaviours, their width, hidden width, samples) and the context in which it runs.
struct DeviceRtm {
  const KernelContext& context;
  const char* name;
  const int32_t* offset_data;
  int64_t rows, width, hidden, batch;

  [[nodiscard]] simt::Global<const int32_t> offsets() const { return {offset_data, batch + 1}; }

  // Launches the kernel make(pack) over the samples and `cols` columns.
  template <class Make>
  void over_segments(int64_t cols, const Make& make) const {
    simt::with_pack(cols, [&](auto pack) {
      simt::launch(context.stream, name, simt::shape_for_packs(batch, cols, pack), make(pack));
    });
  }

  void hidden_rows(const MaybeGathered& projected, const float* row_bias, float* u) const {
    over_segments(hidden, [&](auto pack) {
      return Hidden<pack>{projected, offsets(), {row_bias, batch * hidden}, {u, rows * hidden}, batch, hidden};
    });
  }

  // y = b + u wo + co and its pooled rows, b [T, width]. The product itself adds the residual b.
  void tailor_rows(const float* b, const float* u, const float* wo, const float* co, float* y, float* pooled) const {
    if (hidden == 0) return tailor({{b, rows * width}, offsets(), false}, u, wo, co, y, pooled);
    device_product(context, {.rows = rows,
                             .inner = hidden,
                             .cols = width,
                             .a = u,
                             .a_stride = hidden,
                             .b = wo,
                             .b_stride = width,
                             .c = b,
                             .bias = co,
                             .y = y});
    const auto& [kind, eps] = context.attributes.as<DapAttributes>();
    over_segments(width, [&, kind = kind, eps = eps](auto pack) {
      return PoolRows<pack>{{{y, rows * width}, offsets(), false},
                            offsets(),
                            {pooled, batch * dap_width(kind)},
                            batch,
                            width,
                            kind,
                            static_cast<float>(eps)};
    });
  }

  // The same for gathered b: the kernel that gathers its rows adds them and pools in the same pass.
  void tailor(const MaybeGathered& b, const float* u, const float* wo, const float* co, float* y, float* pooled) const {
    device_product(
        context,
        {.rows = rows, .inner = hidden, .cols = width, .a = u, .a_stride = hidden, .b = wo, .b_stride = width, .y = y});
    const auto& [kind, eps] = context.attributes.as<DapAttributes>();
    over_segments(width, [&, kind = kind, eps = eps](auto pack) {
      return AddResidual<pack>{b,     offsets(), {co, width}, {y, rows * width},      {pooled, batch * dap_width(kind)},
                               batch, width,     kind,        static_cast<float>(eps)};
    });
  }

  [[nodiscard]] int64_t dap_width(DapKind kind) const { return kind == DapKind::kMean ? width : 2 * width; }

  // Computes g from the inputs first .. first + 3 of the context (y, pooled, the gradient of pooled and optionally that
  // of y), and dco, the sum of g over all rows, from its sums over the rows of each sample.
  void rows_gradient(size_t first, float* g, const simt::Global<float>& dco) const {
    const bool has_other = context.inputs.size() > first + 3;
    const DevicePooledGradient pooled{simt::input<float>(context, first + 1), simt::input<float>(context, first + 2),
                                      context.attributes.as<DapAttributes>().kind};
    float* sums = context.scratch.get<float>(batch * width).data();
    over_segments(width, [&](auto pack) {
      return RowsGradient<pack>{pooled,
                                simt::input<float>(context, first),
                                {simt::input<float>(context, first + (has_other ? 3 : 0)), has_other},
                                offsets(),
                                {g, rows * width},
                                {{sums, batch * width}, true},
                                batch,
                                width};
    });
    column_sums(context, name, Elements{{sums, batch * width}}, batch, width, dco);
  }

  // q = (g wo^T + gu) 1[u > 0], gu nullptr for none; also drow_bias and dwo.
  void tail_backward(const float* g, const float* u, const float* wo, float* q, float* drow_bias, float* dwo,
                     const float* gu = nullptr) const {
    device_product(context, {.transpose_b = true,
                             .rows = rows,
                             .inner = width,
                             .cols = hidden,
                             .a = g,
                             .a_stride = width,
                             .b = wo,
                             .b_stride = width,
                             .c = gu,
                             .y = q});
    over_segments(hidden, [&](auto pack) {
      return MaskHidden<pack>{{u, rows * hidden},          offsets(), {q, rows * hidden},
                              {drow_bias, batch * hidden}, batch,     hidden};
    });
    device_product(context, {.transpose_a = true,
                             .rows = hidden,
                             .inner = rows,
                             .cols = width,
                             .a = u,
                             .a_stride = hidden,
                             .b = g,
                             .b_stride = width,
                             .y = dwo});
  }
};

}  // namespace polyscene::ops
