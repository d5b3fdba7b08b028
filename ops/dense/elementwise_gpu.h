// y[i] = f(x_0[i], x_1[i] ...) for every element: four at a time, then the rest one by one.
#pragma once

#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

template <int kInputs, class F>
struct ElementwiseKernel {
  simt::Global<const float> x[kInputs];
  simt::Global<float> y;
  int64_t count;
  F f;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const int64_t packs = count / 4;
    simt::for_each(t, packs + count % 4, [&](int64_t i) {
      if (i < packs)
        pack(4 * i);
      else
        y.store(3 * packs + i, one(3 * packs + i));
    });
  }

 private:
  POLYSCENE_DEVICE float one(int64_t i) const {
    if constexpr (kInputs == 1)
      return f(x[0].load(i));
    else
      return f(x[0].load(i), x[1].load(i));
  }
  POLYSCENE_DEVICE void pack(int64_t i) const {
    simt::Pack<float, 4> a = x[0].template load_pack<4>(i), b = a;
    if constexpr (kInputs == 2) b = x[1].template load_pack<4>(i);
    for (int k = 0; k < 4; ++k) {
      if constexpr (kInputs == 1)
        a[k] = f(a[k]);
      else
        a[k] = f(a[k], b[k]);
    }
    y.template store_pack<4>(i, a);
  }
};

// Takes the context's first one or two inputs and its first output.
template <class F>
void elementwise1(const KernelContext& c, const char* name, const F& f) {
  const int64_t count = c.outputs[0].shape.elements();
  simt::launch(c.stream, name, simt::shape_for(simt::ceil_div(count, 4)),
               ElementwiseKernel<1, F>{{simt::input<float>(c, 0)}, simt::output<float>(c, 0), count, f});
}

template <class F>
void elementwise2(const KernelContext& c, const char* name, const F& f) {
  const int64_t count = c.outputs[0].shape.elements();
  simt::launch(c.stream, name, simt::shape_for(simt::ceil_div(count, 4)),
               ElementwiseKernel<2, F>{
                   {simt::input<float>(c, 0), simt::input<float>(c, 1)}, simt::output<float>(c, 0), count, f});
}

}  // namespace polyscene::ops
