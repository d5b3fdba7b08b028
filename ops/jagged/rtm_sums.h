// The sums over all behaviours that a backward of residual tailoring yields: one set per task, added up in the order of
// the tasks.
#pragma once

#include "ops/jagged/rtm_plain.h"
#include "ops/kernel/kernel.h"

namespace polyscene::ops {

// Rows padded to whole vectors: [width, padded hidden], [hidden, padded width], [padded width].
struct RtmSums {
  float *dwb, *dwo, *dco;
};

class RtmTaskSums {
 public:
  // Scratch memory for `tasks` sets, not initialised; without dwb where the op has none.
  RtmTaskSums(const RtmShape& shape, int64_t tasks, bool with_dwb, Scratch& scratch);

  // The set of one task, filled with zeros.
  [[nodiscard]] RtmSums start(int64_t task) const;
  // The sums of all sets, rows unpadded; dwb nullptr where there is none.
  void finish(float* dwb, float* dwo, float* dco) const;

 private:
  void add_up(int64_t at, int64_t rows, int64_t cols, float* out) const;
  RtmShape shape_;
  int64_t tasks_, dwb_, dwo_, stride_;  // floats of a set's parts and of a set
  float* sums_;
};

}  // namespace polyscene::ops
