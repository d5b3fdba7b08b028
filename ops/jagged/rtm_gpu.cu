#include "ops/jagged/rtm.h"
#include "ops/jagged/rtm_gpu.h"

namespace polyscene::ops {
namespace {

DeviceRtm call_of(const KernelContext& c, const char* name) {
  const Shape &b = c.inputs[0].shape, &wb = c.inputs[3].shape;
  return {c, name, c.inputs[1].as<const int32_t>(), b[0], b[1], wb[1], c.inputs[1].shape[0] - 1};
}

}  // namespace

void rtm_gpu(const KernelContext& c) {
  const DeviceRtm call = call_of(c, "rtm");
  auto* u = c.outputs[2].as<float>();
  device_product(c, {.rows = call.rows,
                     .inner = call.width,
                     .cols = call.hidden,
                     .a = c.inputs[0].as<const float>(),
                     .a_stride = call.width,
                     .b = c.inputs[3].as<const float>(),
                     .b_stride = call.hidden,
                     .y = u});
  call.hidden_rows({{u, call.rows * call.hidden}, call.offsets(), false}, c.inputs[2].as<const float>(), u);
  call.tailor_rows(c.inputs[0].as<const float>(), u, c.inputs[4].as<const float>(), c.inputs[5].as<const float>(),
                   c.outputs[0].as<float>(), c.outputs[1].as<float>());
}

void rtm_backward_gpu(const KernelContext& c) {
  const DeviceRtm call = call_of(c, "rtm_backward");
  auto* db = c.outputs[0].as<float>();
  float* q = c.scratch.get<float>(call.rows * call.hidden).data();
  call.rows_gradient(5, db, simt::output<float>(c, 4));
  call.tail_backward(db, c.inputs[2].as<const float>(), c.inputs[4].as<const float>(), q, c.outputs[1].as<float>(),
                     c.outputs[3].as<float>(), c.inputs.size() > 9 ? c.inputs[9].as<const float>() : nullptr);
  device_product(c, {.transpose_a = true,
                     .rows = call.width,
                     .inner = call.rows,
                     .cols = call.hidden,
                     .a = c.inputs[0].as<const float>(),
                     .a_stride = call.width,
                     .b = q,
                     .b_stride = call.hidden,
                     .y = c.outputs[2].as<float>()});
  device_product(c, {.transpose_b = true,
                     .rows = call.rows,
                     .inner = call.hidden,
                     .cols = call.width,
                     .a = q,
                     .a_stride = call.hidden,
                     .b = c.inputs[3].as<const float>(),
                     .b_stride = call.hidden,
                     .c = db,
                     .y = db});
}

}  // namespace polyscene::ops
