#include "ops/jagged/rtm_distinct.h"
#include "ops/jagged/rtm_gpu.h"
#include "ops/jagged/sum_sources_gpu.h"

namespace polyscene::ops {

void rtm_distinct_gpu(const KernelContext& c) {
  const Shape& wo = c.inputs[5].shape;
  const DeviceRtm call{c,     "rtm_distinct",      c.inputs[3].as<const int32_t>(), c.inputs[2].shape[0], wo[1],
                       wo[0], c.inputs[4].shape[0]};
  const auto index = simt::input<int32_t>(c, 2);
  float* u = c.scratch.get<float>(call.rows * call.hidden).data();
  call.hidden_rows({simt::input<float>(c, 1), index, true}, c.inputs[4].as<const float>(), u);
  call.tailor({simt::input<float>(c, 0), index, true}, u, c.inputs[5].as<const float>(), c.inputs[6].as<const float>(),
              c.outputs[0].as<float>(), c.outputs[1].as<float>());
}

void rtm_distinct_backward_gpu(const KernelContext& c) {
  const Shape& wo = c.inputs[4].shape;
  const DeviceRtm call{c,     "rtm_distinct_backward", c.inputs[2].as<const int32_t>(), c.inputs[1].shape[0], wo[1],
                       wo[0], c.inputs[3].shape[0]};
  const int64_t distinct = c.inputs[0].shape[0], wide = call.rows * call.hidden, narrow = call.rows * call.width;
  float *u = c.scratch.get<float>(wide).data(), *q = c.scratch.get<float>(wide).data(),
        *g = c.scratch.get<float>(narrow).data();
  call.hidden_rows({simt::input<float>(c, 0), simt::input<int32_t>(c, 1), true}, c.inputs[3].as<const float>(), u);
  call.rows_gradient(5, g, simt::output<float>(c, 4));
  call.tail_backward(g, u, c.inputs[4].as<const float>(), q, c.outputs[2].as<float>(), c.outputs[3].as<float>());
  const DeviceSourceLists sources = invert_index(c, 1, distinct);
  sum_sources(c, call.name, sources, SourceRows{{g, narrow}, call.width}, simt::output<float>(c, 0), call.width);
  sum_sources(c, call.name, sources, SourceRows{{q, wide}, call.hidden}, simt::output<float>(c, 1), call.hidden);
}

}  // namespace polyscene::ops
