#include "ops/dense/activation_gpu.h"
#include "ops/dense/device_product.h"
#include "ops/dense/linear.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

// y = activation(y + bias) in place, if the product's library cannot do it or there was no product.
template <int kPack>
struct Finish {
  simt::Global<const float> bias;
  bool has_bias;
  simt::Global<float> y;
  int64_t rows, cols;
  Activation activation;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_pack<kPack>(t, rows, cols, [&](int64_t row, int64_t col) {
      auto z = y.template load_pack<kPack>(row * cols + col);
      simt::Pack<float, kPack> shift{};
      if (has_bias) shift = bias.template load_pack<kPack>(col);
      for (int k = 0; k < kPack; ++k) z[k] = device_activation(activation, z[k] + shift[k]);
      y.template store_pack<kPack>(row * cols + col, z);
    });
  }
};

}  // namespace

void linear_gpu(const KernelContext& c) {
  const Shape& out = c.outputs[0].shape;
  const Activation activation = c.attributes.as<LinearAttributes>().activation;
  const bool has_bias = c.inputs.back().shape.rank() == 1;
  const size_t parts = c.inputs.size() - (has_bias ? 2 : 1);
  size_t last = 0;  // last part with a product; parts without columns add nothing
  for (size_t k = 0; k < parts; ++k)
    if (c.inputs[k].shape[1] > 0) last = k;
  const bool ends_in_product =
      (activation == Activation::kNone || activation == Activation::kRelu) && c.inputs[last].shape[1] > 0;
  const auto* w = c.inputs[parts].as<const float>();
  for (size_t k = 0; k <= last; ++k) {
    const int64_t inner = c.inputs[k].shape[1];
    const bool end = ends_in_product && k == last;
    device_product(c, {.relu = end && activation == Activation::kRelu,
                       .rows = out[0],
                       .inner = inner,
                       .cols = out[1],
                       .a = c.inputs[k].as<const float>(),
                       .a_stride = inner,
                       .b = w,
                       .b_stride = out[1],
                       .c = k > 0 ? c.outputs[0].as<float>() : nullptr,
                       .bias = end && has_bias ? c.inputs.back().as<const float>() : nullptr,
                       .y = c.outputs[0].as<float>()});
    w += inner * out[1];
  }
  if (ends_in_product || (!has_bias && activation == Activation::kNone)) return;
  simt::with_pack(out[1], [&](auto pack) {
    simt::launch(c.stream, "linear", simt::shape_for_packs(out[0], out[1], pack),
                 Finish<pack>{simt::input<float>(c, c.inputs.size() - 1), has_bias, simt::output<float>(c, 0), out[0],
                              out[1], activation});
  });
}

}  // namespace polyscene::ops
