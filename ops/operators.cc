#include "ops/operators.h"

#include "ops/dense/activation_backward.h"
#include "ops/dense/add.h"
#include "ops/dense/add_bias.h"
#include "ops/dense/column_sum.h"
#include "ops/dense/concat.h"
#include "ops/dense/constant.h"
#include "ops/dense/gate.h"
#include "ops/dense/linear.h"
#include "ops/dense/linear_gradient.h"
#include "ops/dense/matmul.h"
#include "ops/dense/mul.h"
#include "ops/dense/repeat_cols.h"
#include "ops/dense/reshape.h"
#include "ops/dense/row_sum.h"
#include "ops/dense/scale.h"
#include "ops/dense/scale_rows.h"
#include "ops/dense/slice_cols.h"
#include "ops/dense/stop_gradient.h"
#include "ops/dense/sub.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/expand_rows.h"
#include "ops/jagged/gather_rows.h"
#include "ops/jagged/rtm.h"
#include "ops/jagged/rtm_distinct.h"
#include "ops/jagged/scatter_add_rows.h"
#include "ops/jagged/segment_sum.h"
#include "ops/loss/bce_with_logits.h"
#include "ops/loss/bce_with_logits_gradient.h"

namespace polyscene {

// One line per operator, in the order of the folders.
std::span<const OpDefinition* const> all_ops() {
  static const OpDefinition* const ops[] = {
      // dense
      &ops::kActivationBackward,
      &ops::kAdd,
      &ops::kAddBias,
      &ops::kColumnSum,
      &ops::kConcat,
      &ops::kConstant,
      &ops::kGate,
      &ops::kGateBackward,
      &ops::kLinear,
      &ops::kLinearInputGradient,
      &ops::kLinearWeightGradient,
      &ops::kMatmul,
      &ops::kMul,
      &ops::kRepeatCols,
      &ops::kReshape,
      &ops::kRowSum,
      &ops::kScale,
      &ops::kScaleRows,
      &ops::kSliceCols,
      &ops::kStopGradient,
      &ops::kSub,
      // jagged
      &ops::kDap,
      &ops::kDapBackward,
      &ops::kExpandRows,
      &ops::kGatherRows,
      &ops::kRtm,
      &ops::kRtmBackward,
      &ops::kRtmDistinct,
      &ops::kRtmDistinctBackward,
      &ops::kScatterAddRows,
      &ops::kSegmentSum,
      // loss
      &ops::kBceWithLogits,
      &ops::kBceWithLogitsGradient,
  };
  return ops;
}

}  // namespace polyscene
