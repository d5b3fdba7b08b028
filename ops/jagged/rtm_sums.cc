#include "ops/jagged/rtm_sums.h"

#include "ops/simd/workspace.h"

namespace polyscene::ops {

RtmTaskSums::RtmTaskSums(const RtmShape& shape, int64_t tasks, bool with_dwb, Scratch& scratch)
    : shape_(shape),
      tasks_(tasks),
      dwb_(with_dwb ? shape.width * padded_cols(shape.hidden) : 0),
      dwo_(shape.hidden * padded_cols(shape.width)),
      stride_(dwb_ + dwo_ + padded_cols(shape.width)),
      sums_(scratch.get<float>(tasks * stride_).data()) {}

RtmSums RtmTaskSums::start(int64_t task) const {
  float* own = sums_ + task * stride_;
  std::fill_n(own, stride_, 0.0f);
  return {own, own + dwb_, own + dwb_ + dwo_};
}

void RtmTaskSums::finish(float* dwb, float* dwo, float* dco) const {
  if (dwb != nullptr) add_up(0, shape_.width, shape_.hidden, dwb);
  add_up(dwb_, shape_.hidden, shape_.width, dwo);
  add_up(dwb_ + dwo_, 1, shape_.width, dco);
}

void RtmTaskSums::add_up(int64_t at, int64_t rows, int64_t cols, float* out) const {
  parallel_for(rows, 16, [=, this](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* to = out + i * cols;
      std::fill_n(to, cols, 0.0f);
      for (int64_t task = 0; task < tasks_; ++task) {
        const float* from = sums_ + task * stride_ + at + i * padded_cols(cols);
        for (int64_t j = 0; j < cols; ++j) to[j] += from[j];
      }
    }
  });
}

}  // namespace polyscene::ops
