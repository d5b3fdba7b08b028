// Products in bfloat16 on each unit that multiplies such numbers: shapes around the sizes of blocks, tiles and panels,
// the ways in which products are cut, and the rounding.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/base/thread.h"
#include "ops/dense/concat.h"
#include "ops/dense/linear.h"
#include "ops/dense/linear_gradient.h"
#include "ops/dense/matmul.h"
#include "tests/ops/call.h"
#include "tests/ops/machine.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

const ExecutorOptions kNarrow = {.precision = ProductPrecision::kBfloat16};

struct Extents {
  int64_t rows, inner, cols;
  bool ta = false, tb = false;
  friend std::ostream& operator<<(std::ostream& out, const Extents& e) {
    return out << e.rows << 'x' << e.inner << 'x' << e.cols << (e.ta ? " T" : " N") << (e.tb ? 'T' : 'N');
  }
};

Tensor product(const Extents& e, const Tensor& a, const Tensor& b, const ExecutorOptions& options = kNarrow) {
  return call(ops::kMatmul, Attributes::of(ops::MatmulAttributes{.transpose_a = e.ta, .transpose_b = e.tb}), {a, b},
              options)[0];
}

Shape left(const Extents& e) { return e.ta ? Shape{e.inner, e.rows} : Shape{e.rows, e.inner}; }
Shape right(const Extents& e) { return e.tb ? Shape{e.cols, e.inner} : Shape{e.inner, e.cols}; }

class Bf16Product : public ::testing::TestWithParam<Machine> {
 protected:
  void SetUp() override {
    if (runs_.unit_is_missing()) GTEST_SKIP() << "wanted a machine that multiplies bfloat16 by " << GetParam();
  }
  static void expect_exact(Extents e) {
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        e.ta = ta, e.tb = tb;
        const Tensor a = small_integers(left(e), 1), b = small_integers(right(e), 2);
        EXPECT_TRUE(same_bits(product(e, a, b), product(e, a, b, {}))) << e;
      }
  }
  const RunsOn runs_{GetParam()};
};

TEST_P(Bf16Product, OddShapesAreExactOnSmallIntegers) {
  for (int64_t rows = 0; rows <= 33; ++rows) expect_exact({rows, 37, 19});
  for (int64_t inner = 0; inner <= 65; ++inner) expect_exact({17, inner, 35});
  for (int64_t cols = 0; cols <= 70; ++cols) expect_exact({18, 33, cols});
}

// By rows, by rows and columns, and along a long sum.
TEST_P(Bf16Product, EveryCutIsExactOnSmallIntegers) {
  for (const Extents& e :
       {Extents{2100, 5, 3}, {70, 9, 300}, {40, 20000, 5}, {300, 1033, 20}, {130, 700, 130}, {200, 2049, 65}})
    expect_exact(e);
}

// Parts of odd and even widths: as one wide input.
TEST_P(Bf16Product, PartsAreTheirConcatenation) {
  for (const int64_t rows : {70, 5000}) {
    const std::vector<Tensor> parts = {small_integers({rows, 3}, 1), small_integers({rows, 64}, 2),
                                       small_integers({rows, 130}, 3)};
    const Tensor whole = call(ops::kConcat, kNone, parts)[0], dz = small_integers({rows, 65}, 4);
    const Tensor w = small_integers({197, 65}, 5);
    const Attributes plain = Attributes::of(ops::LinearAttributes{});
    EXPECT_TRUE(same_bits(call(ops::kLinear, plain, {parts[0], parts[1], parts[2], w}, kNarrow)[0],
                          call(ops::kLinear, plain, {whole, w})[0]));
    EXPECT_TRUE(same_bits(call(ops::kLinearWeightGradient, kNone, {parts[0], parts[1], parts[2], dz}, kNarrow)[0],
                          call(ops::kLinearWeightGradient, kNone, {whole, dz})[0]));
  }
}

// 8 significant bits: an error of 2^-9 per factor at most, and of a sum as if the errors added up.
TEST_P(Bf16Product, IsCloseToFloat) {
  for (const Extents& e : {Extents{33, 65, 70}, {300, 1033, 20, true, false}, {70, 9, 300, false, true}}) {
    const Tensor a = random_tensor<float>(left(e), 1), b = random_tensor<float>(right(e), 2);
    const double sum = 0x1p-8 * std::sqrt(static_cast<double>(e.inner));
    EXPECT_TRUE(all_close(product(e, a, b), product(e, a, b, {}), {.absolute = sum})) << e;
  }
}

Tensor filled(Shape shape, float value) {
  Tensor t(DType::kFloat32, shape);
  std::ranges::fill(t.elements<float>(), value);
  return t;
}

// Padding multiplies zeros, whatever the workspace held before: what is no number reaches its own row and its own
// column only.
TEST_P(Bf16Product, NoNumberStaysInItsRowAndColumn) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const bool ta : {false, true})
    for (const float odd : {nan, infinity}) {
      const Extents e{20, 5, 21, ta}, before{70, 70, 70, ta};
      (void)product(before, filled(left(before), nan), filled(right(before), nan));
      const Tensor a = filled(left(e), 1), b = filled(right(e), 1);
      a.elements<float>()[ta ? 4 * 20 + 18 : 18 * 5 + 4] = odd;
      b.elements<float>()[4 * 21 + 20] = odd;
      const Tensor y = product(e, a, b);
      for (size_t i = 0; i < 20; ++i)
        for (size_t j = 0; j < 21; ++j)
          EXPECT_EQ(std::isfinite(y.elements<float>()[i * 21 + j]), i != 18 && j != 20) << i << ' ' << j;
    }
}

// To the nearest of 8 significant bits, ties to even; a NaN stays one.
TEST_P(Bf16Product, RoundsItsInputs) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), step = 0x1p-8f;
  const Tensor x = Tensor::of<float>({6, 1}, {1 + step, 1 + 3 * step, 1 + 1.01f * step, -1 - 2.9f * step, 3, nan});
  const Tensor y = product({6, 1, 1}, x, Tensor::of<float>({1, 1}, {1}));
  EXPECT_TRUE(all_close(y.elements<float>().first(5),
                        std::span<const double>(std::vector<double>{1, 1 + 4 * step, 1 + 2 * step, -1 - 2 * step, 3}),
                        {}));
  EXPECT_TRUE(std::isnan(y.elements<float>()[5]));
}

TEST_P(Bf16Product, BitsDoNotDependOnThreads) {
  for (const Extents& e : {Extents{2100, 77, 33}, {200, 5000, 65, true, false}, {70, 65, 300, false, true}}) {
    const Tensor a = random_tensor<float>(left(e), 1), b = random_tensor<float>(right(e), 2);
    const auto on = [&](int threads) {
      const int before = thread_count();
      set_thread_count(threads);
      Tensor y = product(e, a, b);
      set_thread_count(before);
      return y;
    };
    const Tensor one = on(1);
    for (const int threads : {2, 3, 8}) EXPECT_TRUE(same_bits(on(threads), one)) << e << ' ' << threads << " threads";
  }
}

// The CPU has no unit for them.
TEST(Tf32Product, IsFloat32OnTheCpu) {
  const Extents e{33, 65, 17};
  const Tensor a = random_tensor<float>(left(e), 1), b = random_tensor<float>(right(e), 2);
  EXPECT_TRUE(same_bits(product(e, a, b, {.precision = ProductPrecision::kTf32}), product(e, a, b, {})));
}

std::string machine_name(const ::testing::TestParamInfo<Machine>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Machines, Bf16Product, ::testing::ValuesIn(kBf16Machines), machine_name);

}  // namespace
}  // namespace polyscene::testing
