#include "core/config/translate.h"

#include <gtest/gtest.h>

namespace polyscene::core {
namespace {

TEST(Translate, PrecisionsOfProducts) {
  EXPECT_EQ(to_precision(config::Train().precision()), ProductPrecision::kFloat32);
  EXPECT_EQ(to_precision(config::Train::TF32), ProductPrecision::kTf32);
  EXPECT_EQ(to_precision(config::Train::BF16), ProductPrecision::kBfloat16);
}

}  // namespace
}  // namespace polyscene::core
