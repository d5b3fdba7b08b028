#include "ops/dense/gate.h"
#include "ops/dense/linear.h"
#include "ops/dense/linear_gradient.h"
#include "ops/dense/matmul.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/gather_rows.h"
#include "ops/jagged/rtm.h"
#include "ops/jagged/rtm_distinct.h"
#include "ops/jagged/scatter_add_rows.h"
#include "ops/jagged/segment_sum.h"
#include "ops/loss/bce_with_logits.h"
#include "ops/loss/bce_with_logits_gradient.h"
#include "tools/bench/gpu/kernel_case.h"

namespace polyscene::bench {
namespace {

using Fill = KernelInput::Fill;

const Attributes kNothing = Attributes::of(NoAttributes{});

double product_flops(int64_t rows, int64_t inner, int64_t cols) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(inner * cols);
}

// A layer and both of its gradients.
void add_layer(KernelSuite& suite, int64_t rows, int64_t inner, int64_t cols, ops::Activation activation) {
  const std::string size = str(' ', rows, 'x', inner, 'x', cols);
  const double flops = product_flops(rows, inner, cols);
  const KernelInput x{{rows, inner}}, w{{inner, cols}}, dz{{rows, cols}};
  suite.cases.push_back(
      {"linear" + size, &ops::kLinear, Attributes::of(ops::LinearAttributes{activation}), {x, w, {{cols}}}, flops});
  suite.cases.push_back({"linear dx" + size,
                         &ops::kLinearInputGradient,
                         Attributes::of(ops::LinearInputGradientAttributes{0, inner}),
                         {dz, w},
                         flops});
  suite.cases.push_back({"linear dw" + size, &ops::kLinearWeightGradient, kNothing, {x, dz}, flops});
}

void add_dense(KernelSuite& suite, const KernelSizes& s) {
  const int64_t base = 2 * s.width() + s.context;
  add_layer(suite, s.batch, s.scenario + base, s.gate_hidden, ops::Activation::kRelu);
  add_layer(suite, s.batch, s.gate_hidden, base, ops::Activation::kNone);
  add_layer(suite, s.batch, base + s.scenario, s.context_hidden, ops::Activation::kRelu);
  add_layer(suite, s.batch, 256, 128, ops::Activation::kRelu);
  const KernelInput x{{s.batch, base}}, one{{s.batch, 1}}, scalar{{1}};
  const Attributes gate = Attributes::of(ops::GateAttributes{});
  suite.cases.push_back({"gate", &ops::kGate, gate, {x, x}});
  suite.cases.push_back({"gate_backward", &ops::kGateBackward, gate, {x, x, x}});
  suite.cases.push_back({"bce_with_logits", &ops::kBceWithLogits, kNothing, {one, one, scalar}});
  suite.cases.push_back(
      {"bce_with_logits_gradient", &ops::kBceWithLogitsGradient, kNothing, {scalar, one, one, scalar}});
}

void add_products_over_behaviours(KernelSuite& suite, const KernelSizes& s, int64_t rows) {
  const int64_t width = s.width();
  const double flops = product_flops(rows, width, s.hidden);
  const Attributes plain = Attributes::of(ops::MatmulAttributes{});
  const KernelInput b{{rows, width}}, u{{rows, s.hidden}}, wb{{width, s.hidden}}, wo{{s.hidden, width}};
  suite.cases.push_back({"b wb", &ops::kMatmul, plain, {b, wb}, flops});
  suite.cases.push_back({"u wo", &ops::kMatmul, plain, {u, wo}, flops});
  suite.cases.push_back(
      {"g wo^T", &ops::kMatmul, Attributes::of(ops::MatmulAttributes{.transpose_b = true}), {b, wo}, flops});
  suite.cases.push_back(
      {"u^T g", &ops::kMatmul, Attributes::of(ops::MatmulAttributes{.transpose_a = true}), {u, b}, flops});
}

void add_jagged(KernelSuite& suite, const KernelSizes& s, int64_t rows) {
  const int64_t width = s.width(), samples = s.batch;
  const KernelInput offsets{{samples + 1}, Fill::kOffsets}, index{{rows}, Fill::kRows, s.distinct};
  const KernelInput b{{rows, width}}, u{{rows, s.hidden}}, distinct{{s.distinct, width}};
  const KernelInput pooled{{samples, 2 * width}}, row_bias{{samples, s.hidden}}, projected{{s.distinct, s.hidden}};
  const KernelInput wb{{width, s.hidden}}, wo{{s.hidden, width}}, co{{width}};
  const double flops = product_flops(rows, width, s.hidden);
  const Attributes dap = Attributes::of(ops::DapAttributes{});
  suite.cases.push_back({"dap", &ops::kDap, dap, {b, offsets}});
  suite.cases.push_back({"dap of distinct rows", &ops::kDap, dap, {distinct, offsets, index}});
  suite.cases.push_back({"dap_backward", &ops::kDapBackward, dap, {b, offsets, pooled, pooled}});
  suite.cases.push_back(
      {"dap_backward of distinct rows", &ops::kDapBackward, dap, {distinct, offsets, pooled, pooled, index}});
  suite.cases.push_back({"rtm", &ops::kRtm, dap, {b, offsets, row_bias, wb, wo, co}, 2 * flops});
  suite.cases.push_back(
      {"rtm_backward", &ops::kRtmBackward, dap, {b, offsets, u, wb, wo, b, pooled, pooled, b}, 4 * flops});
  suite.cases.push_back(
      {"rtm_distinct", &ops::kRtmDistinct, dap, {distinct, projected, index, offsets, row_bias, wo, co}, flops});
  suite.cases.push_back({"rtm_distinct_backward",
                         &ops::kRtmDistinctBackward,
                         dap,
                         {projected, index, offsets, row_bias, wo, b, pooled, pooled, b},
                         2 * flops});
  add_products_over_behaviours(suite, s, rows);
  const KernelInput ids{{rows, s.fields}, Fill::kRows, s.distinct};
  suite.cases.push_back({"segment_sum", &ops::kSegmentSum, Attributes::of(ops::SegmentSumAttributes{}), {b, offsets}});
  suite.cases.push_back(
      {"gather_rows of four fields side by side", &ops::kGatherRows, kNothing, {{{s.distinct, s.dim}}, ids}});
  suite.cases.push_back({"scatter_add_rows of four fields",
                         &ops::kScatterAddRows,
                         Attributes::of(ops::ScatterAddRowsAttributes{s.distinct}),
                         {b, ids}});
}

// Bytes: the rectified rows are read and written, the residual is read, and the result is read for its pooling.
KernelRemainder epilogue(const KernelSizes& s, int64_t rows) {
  const int64_t floats = rows * (2 * s.hidden + 2 * s.width()) + s.batch * (s.hidden + 2 * s.width());
  return {"rtm beside its products", "rtm", {"b wb", "u wo"}, 4.0 * static_cast<double>(floats + 2 * s.batch)};
}

}  // namespace

KernelSuite kernel_suite(const KernelSizes& sizes) {
  KernelSuite suite;
  const int64_t half = sizes.length / 2, lengths = sizes.length - half + 1;
  int64_t rows = 0;
  for (int64_t sample = 0; sample < sizes.batch; ++sample) rows += half + sample % lengths;
  add_jagged(suite, sizes, rows);
  suite.remainders.push_back(epilogue(sizes, rows));
  add_dense(suite, sizes);
  return suite;
}

KernelCase peak_case() {
  constexpr int64_t kSize = 8192;
  return {"matrix peak",
          &ops::kMatmul,
          Attributes::of(ops::MatmulAttributes{}),
          {{{kSize, kSize}}, {{kSize, kSize}}},
          product_flops(kSize, kSize, kSize)};
}

}  // namespace polyscene::bench
