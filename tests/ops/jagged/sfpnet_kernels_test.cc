// Products, gate, pooling and residual tailoring: hand-worked examples, and the float kernels against plain loops on
// the shapes that the battery's samples do not reach, on each instruction set of this machine.
#include <gtest/gtest.h>

#include <algorithm>

#include "ops/autodiff.h"
#include "ops/base/thread.h"
#include "ops/dense/activation_backward.h"
#include "ops/dense/column_sum.h"
#include "ops/dense/concat.h"
#include "ops/dense/gate.h"
#include "ops/dense/linear.h"
#include "ops/dense/linear_gradient.h"
#include "ops/dense/matmul.h"
#include "ops/dense/reshape.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/rtm.h"
#include "ops/jagged/rtm_distinct.h"
#include "tests/ops/call.h"
#include "tests/ops/jagged/sfpnet_reference.h"
#include "tests/ops/machine.h"
#include "tests/support/compare.h"
#include "tests/support/message_of.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

using ops::Activation;

void expect_values(const Tensor& got, Shape shape, std::initializer_list<float> want) {
  EXPECT_TRUE(all_close(got, Tensor::of<float>(shape, want), {.relative = 1e-6, .absolute = 1e-7}));
}

TEST(Matmul, Transposes) {
  const Tensor a = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6}), b = Tensor::of<float>({3, 2}, {1, 0, 0, 1, 2, 2});
  const auto with = [](bool ta, bool tb) {
    return Attributes::of(ops::MatmulAttributes{.transpose_a = ta, .transpose_b = tb});
  };
  expect_values(call(ops::kMatmul, with(false, false), {a, b})[0], {2, 2}, {7, 8, 16, 17});
  expect_values(call(ops::kMatmul, with(true, true), {a, b})[0], {3, 3}, {1, 4, 10, 2, 5, 14, 3, 6, 18});
  expect_values(call(ops::kMatmul, with(true, false), {a, a})[0], {3, 3}, {17, 22, 27, 22, 29, 36, 27, 36, 45});
  expect_values(call(ops::kMatmul, with(false, true), {a, a})[0], {2, 2}, {14, 32, 32, 77});
}

TEST(Linear, BiasAndActivationInOnePass) {
  const Tensor x = Tensor::of<float>({2, 2}, {1, 2, -1, 1}), w = Tensor::of<float>({2, 2}, {1, -3, 1, 1});
  const Attributes relu = Attributes::of(ops::LinearAttributes{Activation::kRelu});
  expect_values(call(ops::kLinear, relu, {x, w, Tensor::of<float>({2}, {10, 0.5f})})[0], {2, 2}, {13, 0, 10, 4.5f});
  expect_values(call(ops::kLinear, relu, {x, w})[0], {2, 2}, {3, 0, 0, 4});
}

TEST(Linear, EachPartMeetsItsOwnRows) {
  const Tensor a = Tensor::of<float>({2, 1}, {1, 2}), b = Tensor::of<float>({2, 2}, {3, 4, 5, 6});
  const Tensor w = Tensor::of<float>({3, 2}, {1, 2, 10, 20, 100, -200}), bias = Tensor::of<float>({2}, {0.5f, 0});
  expect_values(call(ops::kLinear, Attributes::of(ops::LinearAttributes{Activation::kRelu}), {a, b, w, bias})[0],
                {2, 2}, {431.5f, 0, 652.5f, 0});
  const Tensor dz = Tensor::of<float>({2, 2}, {1, 0, 2, 1});
  expect_values(call(ops::kLinearWeightGradient, kNone, {a, b, dz})[0], {3, 2}, {5, 2, 13, 5, 16, 6});
  const auto rows = [](int64_t begin, int64_t end) {
    return Attributes::of(ops::LinearInputGradientAttributes{begin, end});
  };
  expect_values(call(ops::kLinearInputGradient, rows(0, 1), {dz, w})[0], {2, 1}, {1, 4});
  expect_values(call(ops::kLinearInputGradient, rows(1, 3), {dz, w})[0], {2, 2}, {10, 100, 40, 0});
}

TEST(Linear, APartWithoutGradientCostsNoProduct) {
  Graph g;
  const Value x = g.parameter("x", {4, 2}, Init::kZeros), still = g.input("still", DType::kFloat32, {4, 3});
  const Value w = g.parameter("w", {5, 1}, Init::kZeros);
  const Value loss = ops::reshape(ops::column_sum(ops::linear({still, x}, w)), {1});
  (void)gradients(loss, std::vector{x, w});
  EXPECT_EQ(std::ranges::count(g.nodes(), &ops::kLinearInputGradient, &Node::op), 1);
  EXPECT_EQ(std::ranges::count(g.nodes(), &ops::kLinearWeightGradient, &Node::op), 1);
}

TEST(ActivationBackward, SlopeFromTheOutputAndColumnSums) {
  const Tensor y = Tensor::of<float>({2, 2}, {0, 3, 0.5f, 0}), dy = Tensor::of<float>({2, 2}, {1, 2, 4, 8});
  const auto run = [&](Activation a) {
    return call(ops::kActivationBackward, Attributes::of(ops::ActivationBackwardAttributes{a}), {y, dy});
  };
  expect_values(run(Activation::kRelu)[0], {2, 2}, {0, 2, 4, 0});
  expect_values(run(Activation::kRelu)[1], {2}, {4, 2});
  expect_values(run(Activation::kSigmoid)[0], {2, 2}, {0, -12, 1, 0});
  expect_values(run(Activation::kTanh)[0], {2, 2}, {1, -16, 3, 8});
  expect_values(run(Activation::kNone)[1], {2}, {5, 10});
}

TEST(Gate, GroupsShareAFactorAndZeroLogitsPassX) {
  const Tensor x = Tensor::of<float>({1, 4}, {1, 2, 3, 4});
  const Attributes groups = Attributes::of(ops::GateAttributes{.gamma = 2, .group = 2});
  expect_values(call(ops::kGate, groups, {x, Tensor::of<float>({1, 2}, {0, 200})})[0], {1, 4}, {1, 2, 6, 8});
  const Tensor dy = Tensor::of<float>({1, 4}, {1, 1, 1, 1});
  const auto d = call(ops::kGateBackward, groups, {x, Tensor::of<float>({1, 2}, {0, 0}), dy});
  expect_values(d[0], {1, 4}, {1, 1, 1, 1});
  expect_values(d[1], {1, 2}, {1.5f, 3.5f});
}

TEST(Gate, PartsTakeTheirSlicesOfTheLogits) {
  const Tensor a = Tensor::of<float>({2, 1}, {1, 2}), b = Tensor::of<float>({2, 2}, {3, 4, 5, 6});
  const Attributes attributes = Attributes::of(ops::GateAttributes{});
  const Tensor p = Tensor::of<float>({2, 3}, {0, 200, 0, 200, 0, 200});
  const auto y = call(ops::kGate, attributes, {a, b, p});
  expect_values(y[0], {2, 1}, {1, 4});
  expect_values(y[1], {2, 2}, {6, 4, 5, 12});
  const auto d = call(ops::kGateBackward, attributes, {a, b, p, a, b});
  expect_values(d[0], {2, 1}, {1, 4});
  expect_values(d[1], {2, 2}, {6, 4, 5, 12});
  expect_values(d[2], {2, 3}, {0.5f, 0, 8, 0, 12.5f, 0});
}

Attributes pooling(ops::DapKind kind) { return Attributes::of(ops::DapAttributes{.kind = kind}); }
const Attributes kPooling = pooling(ops::DapKind::kMeanStd);

TEST(Dap, TwoRowsNoneAndOne) {
  const Tensor values = Tensor::of<float>({3, 2}, {1, 5, 3, 5, 7, 9}), offsets = Tensor::of<int32_t>({4}, {0, 2, 2, 3});
  const float one = std::sqrt(1 + 1e-6f), none = std::sqrt(1e-6f);
  const auto pooled = [&](ops::DapKind kind) { return call(ops::kDap, pooling(kind), {values, offsets})[0]; };
  expect_values(pooled(ops::DapKind::kMeanStd), {3, 4}, {2, 5, one, none, 0, 0, none, none, 7, 9, none, none});
  expect_values(pooled(ops::DapKind::kMeanVariance), {3, 4}, {2, 5, 1, 0, 0, 0, 0, 0, 7, 9, 0, 0});
  expect_values(pooled(ops::DapKind::kMean), {3, 2}, {2, 5, 0, 0, 7, 9});
}

TEST(Dap, GradientOfOneRowIsThatOfTheMean) {
  const Tensor values = Tensor::of<float>({3, 1}, {1, 3, 7}), offsets = Tensor::of<int32_t>({4}, {0, 2, 2, 3});
  const Tensor g = Tensor::of<float>({3, 2}, {2, 10, 2, 10, 2, 10});
  const Attributes kind = pooling(ops::DapKind::kMeanStd);
  const Tensor y = call(ops::kDap, kind, {values, offsets})[0];
  const float through_sigma = 5 / std::sqrt(1 + 1e-6f);
  expect_values(call(ops::kDapBackward, kind, {values, offsets, y, g})[0], {3, 1},
                {1 - through_sigma, 1 + through_sigma, 2});
}

TEST(Dap, TwiceTheSameBehavioursPoolAlike) {
  const Tensor once = random_tensor<float>({5, 37}, 1);
  Tensor twice(DType::kFloat32, {10, 37});
  for (size_t i = 0; i < 10; ++i)
    std::copy_n(&once.elements<float>()[i / 2 * 37], 37, &twice.elements<float>()[i * 37]);
  const Attributes kind = pooling(ops::DapKind::kMeanStd);
  EXPECT_TRUE(all_close(call(ops::kDap, kind, {twice, Tensor::of<int32_t>({2}, {0, 10})})[0],
                        call(ops::kDap, kind, {once, Tensor::of<int32_t>({2}, {0, 5})})[0], {.relative = 1e-5}));
}

TEST(Rtm, OneBehaviourPerSample) {
  const Tensor b = Tensor::of<float>({2, 1}, {1, 2}), offsets = Tensor::of<int32_t>({4}, {0, 1, 1, 2});
  const Tensor row_bias = Tensor::of<float>({3, 2}, {0, -5, 9, 9, 1, 1}), wb = Tensor::of<float>({1, 2}, {3, 4});
  const Tensor wo = Tensor::of<float>({2, 1}, {10, 100}), co = Tensor::of<float>({1}, {0.5f});
  const Attributes mean = pooling(ops::DapKind::kMean);
  const auto forward = call(ops::kRtm, mean, {b, offsets, row_bias, wb, wo, co});
  expect_values(forward[0], {2, 1}, {31.5f, 972.5f});
  expect_values(forward[1], {3, 1}, {31.5f, 0, 972.5f});
  expect_values(forward[2], {2, 2}, {3, 0, 7, 9});
  const Tensor projected = Tensor::of<float>({2, 2}, {6, 8, 3, 4}), distinct = Tensor::of<float>({2, 1}, {2, 1});
  const Tensor index = Tensor::of<int32_t>({2}, {1, 0});
  const auto copies = call(ops::kRtmDistinct, mean, {distinct, projected, index, offsets, row_bias, wo, co});
  expect_values(copies[0], {2, 1}, {31.5f, 972.5f});
  expect_values(copies[1], {3, 1}, {31.5f, 0, 972.5f});
  const Tensor dpooled = Tensor::of<float>({3, 1}, {-1, 7, 2}), dy = Tensor::of<float>({2, 1}, {2, 0});  // g = (1, 2)
  const auto d = call(ops::kRtmBackward, mean, {b, offsets, forward[2], wb, wo, forward[0], forward[1], dpooled, dy});
  expect_values(d[0], {2, 1}, {31, 862});  // g + q wb^T with q = (10, 0), (20, 200)
  expect_values(d[1], {3, 2}, {10, 0, 0, 0, 20, 200});
  expect_values(d[2], {1, 2}, {50, 400});
  expect_values(d[3], {2, 1}, {17, 18});
  expect_values(d[4], {1}, {3});
}

TEST(SfpnetKernels, MessagesNameBothSides) {
  Graph g;
  const Value x = g.input("x", DType::kFloat32, {3, 5}), w = g.input("w", DType::kFloat32, {4, 2});
  const Value offsets = g.input("offsets", DType::kInt32, {3});
  EXPECT_EQ(
      message_of([&] { (void)ops::matmul(x, w); }),
      "[ops.matmul] wanted equal inner extents under {transpose_a=0, transpose_b=0}, got float32 [3, 5] and float32 "
      "[4, 2]");
  EXPECT_EQ(message_of([&] { (void)ops::linear(x, w); }),
            "[ops.linear] wanted parts x [N, K], w [sum of K, M] and, if any, bias [M] of one floating type, got "
            "float32 [3, 5] and "
            "float32 [4, 2]");
  EXPECT_EQ(message_of([&] { (void)ops::gate(x, x, {.gamma = 2, .group = 5}); }),
            "[ops.gate] wanted parts x [B, D], D a multiple of 5, and p [B, sum of D / 5] of one floating type, got "
            "float32 [3, 5] and float32 [3, 5]");
  EXPECT_EQ(message_of([&] { (void)ops::gate(x, x, {.gamma = -1}); }),
            "[ops.gate] wanted gamma > 0 and group >= 1, got {gamma=-1, group=1}");
  EXPECT_EQ(message_of([&] { (void)ops::dap(x, x); }),
            "[ops.dap] wanted floating values [T, C], int32 offsets [B + 1] and, if any, int32 index [T], "
            "got float32 [3, 5] and float32 [3, 5]");
  EXPECT_EQ(message_of([&] { (void)ops::dap(x, offsets, {.kind = ops::DapKind::kMean, .eps = 0}); }),
            "[ops.dap] wanted eps > 0, got 0");
}

// A call of the kernels, float32, with jagged lengths of all kinds.
struct Size {
  const char* name;
  std::vector<int32_t> lengths;
  int64_t width, hidden;
  friend std::ostream& operator<<(std::ostream& out, const Size& s) { return out << s.name; }
};

std::vector<int32_t> random_lengths(int64_t samples, int32_t longest) {
  const Tensor t = random_index({samples}, 11, 0, longest + 1);
  const auto x = t.elements<int32_t>();
  return {x.begin(), x.end()};
}

std::vector<Size> sizes() {
  return {{"main", random_lengths(60, 80), 64, 128},     {"odd", random_lengths(50, 30), 7, 9},
          {"tails", random_lengths(40, 40), 33, 65},     {"three_vectors", random_lengths(40, 40), 48, 96},
          {"one_by_one", random_lengths(30, 9), 1, 1},   {"wide_hidden", random_lengths(9, 20), 16, 200},
          {"wide", random_lengths(9, 20), 130, 40},      {"one_long", {0, 5000, 3, 0}, 24, 40},
          {"no_behaviours", {0, 0, 0}, 64, 128},         {"no_samples", {}, 64, 128},
          {"many_tasks", random_lengths(400, 60), 8, 16}};
}

// Inputs of one size, uniform in (-1, 1) with the weights scaled so that results stay of that order.
struct Inputs {
  explicit Inputs(const Size& s) : offsets(DType::kInt32, {static_cast<int64_t>(s.lengths.size()) + 1}) {
    const auto at = offsets.elements<int32_t>();
    for (size_t i = 0; i < s.lengths.size(); ++i) at[i + 1] = at[i] + s.lengths[i];
    shape = {static_cast<size_t>(at.back()),
             static_cast<size_t>(s.width),
             static_cast<size_t>(s.hidden),
             {},
             s.lengths.size()};
    for (size_t i = 0; i < s.lengths.size(); ++i)
      shape.owner.insert(shape.owner.end(), static_cast<size_t>(s.lengths[i]), i);
    const int64_t rows = at.back(), batch = static_cast<int64_t>(s.lengths.size());
    const double narrow = 1 / std::sqrt(static_cast<double>(s.width)),
                 wide = 1 / std::sqrt(static_cast<double>(s.hidden));
    b = random_tensor<float>({rows, s.width}, 1);
    g = random_tensor<float>({rows, s.width}, 2);
    row_bias = random_tensor<float>({batch, s.hidden}, 3);
    wb = random_tensor<float>({s.width, s.hidden}, 4, -narrow, narrow);
    wo = random_tensor<float>({s.hidden, s.width}, 5, -wide, wide);
    co = random_tensor<float>({s.width}, 6);
    dpooled = random_tensor<float>({batch, 2 * s.width}, 7);
  }
  Tensor offsets, b, g, row_bias, wb, wo, co, dpooled;
  Tailoring shape;
};

// A tensor of few large elements next to sums of thousands: errors are measured against the largest element.
void expect_close(const Tensor& got, const Doubles& want, const char* what, double tolerance = 3e-6) {
  double largest = 1;
  for (double x : want) largest = std::max(largest, std::abs(x));
  EXPECT_TRUE(all_close(got.elements<float>(), std::span<const double>(want), {.absolute = tolerance * largest}))
      << what;
}

// [mu; sigma] of each sample's rows x.
Doubles pooled_of(const Tailoring& shape, const Doubles& x) {
  const size_t width = shape.width;
  Doubles pooled(shape.batch * 2 * width), count(shape.batch);
  for (const size_t s : shape.owner) ++count[s];
  for (size_t i = 0; i < shape.rows; ++i)
    for (size_t s = shape.owner[i], j = 0; j < width; ++j) pooled[s * 2 * width + j] += x[i * width + j] / count[s];
  for (size_t i = 0; i < shape.rows; ++i)
    for (size_t s = shape.owner[i], j = 0; j < width; ++j) {
      const double d = x[i * width + j] - pooled[s * 2 * width + j];
      pooled[s * 2 * width + width + j] += d * d / count[s];
    }
  for (size_t s = 0; s < shape.batch; ++s)
    for (size_t j = 0; j < width; ++j) {
      double& second = pooled[s * 2 * width + width + j];
      second = std::sqrt(second + 1e-6);
    }
  return pooled;
}

// What rows x get through [mu; sigma] = pooled, of gradient dpooled, plus g.
Doubles through_pooling(const Tailoring& shape, const Doubles& x, const Doubles& pooled, const Doubles& dpooled,
                        Doubles g) {
  const size_t width = shape.width;
  Doubles count(shape.batch);
  for (const size_t s : shape.owner) ++count[s];
  for (size_t i = 0; i < shape.rows; ++i)
    for (size_t s = shape.owner[i], j = 0; j < width; ++j) {
      const size_t mu = s * 2 * width + j, sigma = mu + width;
      g[i * width + j] +=
          dpooled[mu] / count[s] + dpooled[sigma] * (x[i * width + j] - pooled[mu]) / (count[s] * pooled[sigma]);
    }
  return g;
}

// Runs every test on AVX2 and on what this machine offers best, those of bfloat16 on each unit that multiplies it.
class OnTarget : public ::testing::TestWithParam<std::tuple<Size, Machine>> {
 protected:
  const RunsOn runs_{std::get<1>(GetParam())};
  const Inputs in_{std::get<0>(GetParam())};
};
class OnUnit : public OnTarget {
 protected:
  void SetUp() override {
    if (runs_.unit_is_missing())
      GTEST_SKIP() << "wanted a machine that multiplies bfloat16 by " << std::get<1>(GetParam());
  }
};

std::string target_name(const ::testing::TestParamInfo<std::tuple<Size, Machine>>& info) {
  return str(std::get<0>(info.param), '_', std::get<1>(info.param));
}

TEST_P(OnTarget, RtmMatchesPlainLoops) {
  const auto& in = in_;
  const auto got = call(ops::kRtm, kPooling, {in.b, in.offsets, in.row_bias, in.wb, in.wo, in.co});
  const Tailored want = tailor(in.shape, doubles_of(in.b), doubles_of(in.row_bias), doubles_of(in.wb),
                               doubles_of(in.wo), doubles_of(in.co));
  expect_close(got[0], want.y, "y");
  expect_close(got[1], pooled_of(in.shape, want.y), "pooled");
  expect_close(got[2], want.u, "u");
  // Once with rows that only their pooling uses, once with a use of their own.
  for (const bool used : {false, true}) {
    std::vector<Tensor> inputs = {in.b, in.offsets, got[2], in.wb, in.wo, got[0], got[1], in.dpooled};
    if (used) inputs.push_back(in.g);
    const auto d = call(ops::kRtmBackward, kPooling, inputs);
    const Doubles g = through_pooling(in.shape, doubles_of(got[0]), doubles_of(got[1]), doubles_of(in.dpooled),
                                      used ? doubles_of(in.g) : Doubles(want.y.size()));
    const TailoringGradients w =
        tailor_backward(in.shape, doubles_of(in.b), doubles_of(got[2]), doubles_of(in.wb), doubles_of(in.wo), g);
    expect_close(d[0], w.db, "db");
    expect_close(d[1], w.drow_bias, "drow_bias");
    expect_close(d[2], w.dwb, "dwb");
    expect_close(d[3], w.dwo, "dwo");
    expect_close(d[4], w.dco, "dco");
  }
}

TEST_P(OnTarget, RtmDistinctMatchesPlainLoops) {
  const auto& in = in_;
  const auto rows = static_cast<int64_t>(in.shape.rows), width = static_cast<int64_t>(in.shape.width);
  const int64_t hidden = static_cast<int64_t>(in.shape.hidden), count = 37;
  const Tensor distinct = random_tensor<float>({count, width}, 21),
               projected = random_tensor<float>({count, hidden}, 22);
  const Tensor index = random_index({rows}, 23, 0, count);
  const auto got =
      call(ops::kRtmDistinct, kPooling, {distinct, projected, index, in.offsets, in.row_bias, in.wo, in.co});
  // As rtm with wb = 0 and the projection in the row bias of a sample per behaviour.
  Tailoring each = in.shape;
  Doubles b(in.shape.rows * in.shape.width), row_bias(in.shape.rows * in.shape.hidden);
  each.batch = each.rows;
  for (size_t i = 0; i < each.rows; ++i) {
    const auto v = static_cast<size_t>(index.elements<int32_t>()[i]), s = in.shape.owner[i];
    for (size_t j = 0; j < each.width; ++j) b[i * each.width + j] = distinct.elements<float>()[v * each.width + j];
    for (size_t j = 0; j < each.hidden; ++j)
      row_bias[i * each.hidden + j] = static_cast<double>(projected.elements<float>()[v * each.hidden + j]) +
                                      in.row_bias.elements<float>()[s * each.hidden + j];
    each.owner[i] = i;
  }
  const Doubles wb(each.width * each.hidden);
  const Tailored want = tailor(each, b, row_bias, wb, doubles_of(in.wo), doubles_of(in.co));
  expect_close(got[0], want.y, "y");
  expect_close(got[1], pooled_of(in.shape, want.y), "pooled");

  const auto d = call(ops::kRtmDistinctBackward, kPooling,
                      {projected, index, in.offsets, in.row_bias, in.wo, got[0], got[1], in.dpooled, in.g});
  const Doubles g =
      through_pooling(in.shape, doubles_of(got[0]), doubles_of(got[1]), doubles_of(in.dpooled), doubles_of(in.g));
  Tailoring copies = in.shape;
  copies.batch = static_cast<size_t>(count);
  for (size_t i = 0; i < copies.rows; ++i) copies.owner[i] = static_cast<size_t>(index.elements<int32_t>()[i]);
  const auto w = tailor_backward(in.shape, b, want.u, wb, doubles_of(in.wo), g);
  const auto by_copy = tailor_backward(copies, b, want.u, wb, doubles_of(in.wo), g);
  Doubles ddistinct(copies.batch * copies.width);
  for (size_t i = 0; i < copies.rows * copies.width; ++i)
    ddistinct[copies.owner[i / copies.width] * copies.width + i % copies.width] += g[i];
  expect_close(d[0], ddistinct, "ddistinct");
  expect_close(d[1], by_copy.drow_bias, "dprojected");
  expect_close(d[2], w.drow_bias, "drow_bias");
  expect_close(d[3], w.dwo, "dwo");
  expect_close(d[4], w.dco, "dco");
}

TEST_P(OnTarget, DapMatchesPlainLoops) {
  const auto& in = in_;
  const Tensor got = call(ops::kDap, kPooling, {in.b, in.offsets})[0];
  expect_close(got, pooled_of(in.shape, doubles_of(in.b)), "pooled", 2e-6);
  const Tensor d = call(ops::kDapBackward, kPooling, {in.b, in.offsets, got, in.dpooled})[0];
  expect_close(d,
               through_pooling(in.shape, doubles_of(in.b), doubles_of(got), doubles_of(in.dpooled),
                               Doubles(in.shape.rows * in.shape.width)),
               "gradient");
}

// The same bits whatever the number of threads, on each instruction set, in float and bfloat16.
TEST_P(OnTarget, BitsDoNotDependOnThreads) {
  const auto& in = in_;
  const Tensor u =
      random_tensor<float>({static_cast<int64_t>(in.shape.rows), static_cast<int64_t>(in.shape.hidden)}, 9);
  const Tensor index = random_index({static_cast<int64_t>(in.shape.rows)}, 23, 0, 37);
  const Tensor projected = random_tensor<float>({37, static_cast<int64_t>(in.shape.hidden)}, 22);
  const auto everything = [&](int threads, bool bf16) {
    const ExecutorOptions options{.precision = bf16 ? ProductPrecision::kBfloat16 : ProductPrecision::kFloat32};
    const int before = thread_count();
    set_thread_count(threads);
    std::vector<Tensor> all = call(ops::kRtm, kPooling, {in.b, in.offsets, in.row_bias, in.wb, in.wo, in.co}, options);
    const Tensor y = all[0], pooled = all[1];
    for (const auto& more :
         {call(ops::kRtmBackward, kPooling, {in.b, in.offsets, u, in.wb, in.wo, y, pooled, in.dpooled, in.g}, options),
          call(ops::kRtmDistinctBackward, kPooling,
               {projected, index, in.offsets, in.row_bias, in.wo, y, pooled, in.dpooled, in.g}, options),
          call(ops::kMatmul, Attributes::of(ops::MatmulAttributes{.transpose_a = true}), {in.b, u}, options)})
      all.insert(all.end(), more.begin(), more.end());
    set_thread_count(before);
    return all;
  };
  for (const bool bf16 : {false, true}) {
    const std::vector<Tensor> one = everything(1, bf16);
    for (const int threads : {2, 3, 8}) {
      const std::vector<Tensor> many = everything(threads, bf16);
      for (size_t i = 0; i < one.size(); ++i)
        EXPECT_TRUE(same_bits(many[i], one[i])) << threads << " threads, bf16 " << bf16 << ", result " << i;
    }
  }
}

// With numbers that bfloat16 holds exactly, and sums that float32 does, both arithmetics agree to the bit. The pooling
// gets no gradient: it would make fractions of them.
TEST_P(OnUnit, Bfloat16IsExactOnSmallIntegers) {
  const auto& in = in_;
  const auto integers = [](const Tensor& like, uint64_t seed) { return small_integers(like.shape(), seed); };
  const Tensor b = integers(in.b, 1), g = integers(in.g, 2), row_bias = integers(in.row_bias, 3);
  const Tensor wb = integers(in.wb, 4), wo = integers(in.wo, 5), co = integers(in.co, 6);
  const Tensor index = random_index({static_cast<int64_t>(in.shape.rows)}, 23, 0, 37);
  const Tensor distinct = small_integers({37, static_cast<int64_t>(in.shape.width)}, 7);
  const Tensor projected = small_integers({37, static_cast<int64_t>(in.shape.hidden)}, 8);
  const auto everything = [&](bool bf16) {
    const ExecutorOptions options{.precision = bf16 ? ProductPrecision::kBfloat16 : ProductPrecision::kFloat32};
    std::vector<Tensor> all = call(ops::kRtm, kPooling, {b, in.offsets, row_bias, wb, wo, co}, options);
    const Tensor y = all[0], pooled = all[1], u = all[2], zeros(DType::kFloat32, pooled.shape());
    for (const auto& more :
         {call(ops::kRtmBackward, kPooling, {b, in.offsets, u, wb, wo, y, pooled, zeros, g}, options),
          call(ops::kRtmDistinct, kPooling, {distinct, projected, index, in.offsets, row_bias, wo, co}, options),
          call(ops::kRtmDistinctBackward, kPooling, {projected, index, in.offsets, row_bias, wo, y, pooled, zeros, g},
               options),
          call(ops::kMatmul, Attributes::of(ops::MatmulAttributes{.transpose_a = true}), {b, g}, options),
          call(ops::kLinear, Attributes::of(ops::LinearAttributes{}), {b, wb}, options)})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::vector<Tensor> narrow = everything(true), wide = everything(false);
  for (size_t i = 0; i < wide.size(); ++i) EXPECT_TRUE(same_bits(narrow[i], wide[i])) << "result " << i;
}

TEST_P(OnUnit, Bfloat16IsCloseToFloat) {
  const auto& in = in_;
  const ExecutorOptions bf16{.precision = ProductPrecision::kBfloat16};
  const auto narrow = call(ops::kRtm, kPooling, {in.b, in.offsets, in.row_bias, in.wb, in.wo, in.co}, bf16);
  const auto wide = call(ops::kRtm, kPooling, {in.b, in.offsets, in.row_bias, in.wb, in.wo, in.co});
  EXPECT_TRUE(all_close(narrow[0], wide[0], {.relative = 0.01, .absolute = 0.02}));
}

INSTANTIATE_TEST_SUITE_P(Sizes, OnTarget,
                         ::testing::Combine(::testing::ValuesIn(sizes()), ::testing::Values(kBest, kAvx2)),
                         target_name);
INSTANTIATE_TEST_SUITE_P(Sizes, OnUnit,
                         ::testing::Combine(::testing::ValuesIn(sizes()), ::testing::ValuesIn(kBf16Machines)),
                         target_name);

// The ways in which a product is cut: by rows, by rows and columns, and along a long sum.
TEST(Matmul, EveryCutMatchesPlainLoops) {
  struct Extents {
    int64_t rows, inner, cols;
  };
  for (const auto [rows, inner, cols] : {Extents{2100, 5, 3}, {70, 9, 300}, {40, 20000, 5}, {300, 33, 20}, {33, 1, 1}})
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        const Tensor a = random_tensor<float>(ta ? Shape{inner, rows} : Shape{rows, inner}, 1);
        const Tensor b = random_tensor<float>(tb ? Shape{cols, inner} : Shape{inner, cols}, 2);
        const auto size = [](int64_t n) { return static_cast<size_t>(n); };
        const Doubles left = ta ? transposed(doubles_of(a), size(inner), size(rows)) : doubles_of(a);
        const Doubles right = tb ? transposed(doubles_of(b), size(cols), size(inner)) : doubles_of(b);
        const Attributes attributes = Attributes::of(ops::MatmulAttributes{.transpose_a = ta, .transpose_b = tb});
        expect_close(call(ops::kMatmul, attributes, {a, b})[0],
                     product_of(left, right, size(rows), size(inner), size(cols)),
                     str(rows, 'x', inner, 'x', cols, ta ? " T" : " N", tb ? "T" : "N").c_str());
      }
}

// Parts of odd and even widths, more columns and rows than a tile has, and sums that are cut: as one wide input, exact
// on small integers.
TEST(Linear, PartsAreTheirConcatenation) {
  struct Case {
    int64_t rows;
    std::vector<int64_t> widths;
    int64_t cols;
  };
  for (const Case& c :
       {Case{2100, {1, 33, 5}, 70}, {70, {16, 1, 47}, 300}, {40, {2000, 77}, 5}, {5000, {3, 64, 130}, 65}}) {
    std::vector<Tensor> parts;
    int64_t inner = 0;
    for (int64_t width : c.widths) {
      parts.push_back(small_integers({c.rows, width}, 10 + parts.size()));
      inner += width;
    }
    const Tensor whole = call(ops::kConcat, kNone, parts)[0];
    const Tensor w = small_integers({inner, c.cols}, 1), dz = small_integers({c.rows, c.cols}, 2);
    const Attributes plain = Attributes::of(ops::LinearAttributes{});
    const auto with = [&](std::vector<Tensor> inputs, const Tensor& last) {
      inputs.push_back(last);
      return inputs;
    };
    EXPECT_TRUE(same_bits(call(ops::kLinear, plain, with(parts, w))[0], call(ops::kLinear, plain, {whole, w})[0]))
        << c.rows << " rows";
    EXPECT_TRUE(same_bits(call(ops::kLinearWeightGradient, kNone, with(parts, dz))[0],
                          call(ops::kLinearWeightGradient, kNone, {whole, dz})[0]))
        << c.rows << " rows";
  }
}

}  // namespace
}  // namespace polyscene::testing
