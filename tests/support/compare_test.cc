#include "tests/support/compare.h"

#include <limits>

#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Tolerance kWide = {.relative = 0.1, .absolute = 0.1};

TEST(Compare, NanIsCloseToNothing) {
  EXPECT_FALSE(close(kNan, 1, kWide));
  EXPECT_FALSE(close(1, kNan, kWide));
  EXPECT_FALSE(close(kNan, kNan, kWide));
  EXPECT_FALSE(close(kNan, kInf, kWide));
}

TEST(Compare, InfinityIsCloseToItselfAlone) {
  EXPECT_TRUE(close(kInf, kInf, kWide));
  EXPECT_TRUE(close(-kInf, -kInf, {}));
  EXPECT_FALSE(close(-kInf, kInf, kWide));
  EXPECT_FALSE(close(1, kInf, kWide));  // the tolerance relative to an infinity would be infinite
  EXPECT_FALSE(close(kInf, 1, kWide));
}

TEST(Compare, BothSidesOfTheToleranceAndBothSigns) {
  EXPECT_TRUE(close(1.19, 1, kWide));
  EXPECT_TRUE(close(0.81, 1, kWide));
  EXPECT_FALSE(close(1.21, 1, kWide));
  EXPECT_FALSE(close(0.79, 1, kWide));
  EXPECT_TRUE(close(-1.19, -1, kWide));
  EXPECT_FALSE(close(-1.21, -1, kWide));
  EXPECT_FALSE(close(-1, 1, kWide));
  EXPECT_TRUE(close(-0.0, 0.0, {}));
}

TEST(Compare, OneBadElementFailsAndIsNamed) {
  Tensor got = random_tensor<float>({3, 5}, 1);
  const Tensor want = got.clone();
  EXPECT_TRUE(all_close(got, want, {}));
  got.elements<float>()[7] = static_cast<float>(kNan);
  const auto result = all_close(got, want, kWide);
  EXPECT_FALSE(result);
  EXPECT_NE(std::string(result.message()).find("1 of 15 elements are off:\n  [7]"), std::string::npos)
      << result.message();
}

TEST(Compare, ShapesAndTypesCount) {
  const Tensor a = random_tensor<float>({6}, 1), b = random_tensor<float>({2, 3}, 1);
  EXPECT_FALSE(all_close(a, b, kWide));
  EXPECT_FALSE(same_bits(a, b));
  EXPECT_FALSE(same_bits(Tensor(DType::kFloat32, {2}), Tensor(DType::kInt32, {2})));
  EXPECT_FALSE(same_bits(Tensor::of<double>({1}, {-0.0}), Tensor::of<double>({1}, {0.0})));
  EXPECT_TRUE(same_bits(Tensor(DType::kFloat32, {0, 2}), Tensor(DType::kFloat32, {0, 2})));
}

}  // namespace
}  // namespace polyscene::testing
