// The sums over all behaviours in the backward pass of residual tailoring: one set per task, and the sets are added in
// the order of the tasks.
#pragma once

#include "ops/jagged/rtm_plain.h"
#include "ops/kernel/kernel.h"

namespace polyscene::ops {

// Rows are padded to whole vectors: [width, padded hidden], [hidden, padded width], [padded width].
struct RtmSums {
  float *dwb, *dwo, *dco;
};

class RtmTaskSums {
 public:
  // Scratch memory for `tasks` sets, not initialised; `with_dwb` is false if the op has no dwb.
  RtmTaskSums(const RtmShape& shape, int64_t tasks, bool with_dwb, Scratch& scratch);

  // The set of one task, filled with zeros.
  [[nodiscard]] RtmSums start(int64_t task) const;
  // Writes the sums of all sets, without padding; dwb is nullptr if there is none.
  void finish(float* dwb, float* dwo, float* dco) const;

 private:
  void add_up(int64_t at, int64_t rows, int64_t cols, float* out) const;
  RtmShape shape_;
  int64_t tasks_, dwb_, dwo_, stride_;  // in floats: sizes of dwb and dwo in a set, and of a set
  float* sums_;
};

}  // namespace polyscene::ops
