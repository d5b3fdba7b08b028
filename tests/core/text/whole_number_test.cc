#include "core/text/whole_number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace polyscene::core {
namespace {

TEST(WholeNumber, IsTheWholeText) {
  EXPECT_EQ(whole_number<int>("0"), 0);
  EXPECT_EQ(whole_number<int>("-12"), -12);
  EXPECT_EQ(whole_number<int>("2147483647"), 2147483647);
  for (const char* text : {"", " 1", "1 ", "1x", "x1", "+1", "1.0", "0x1", "-"})
    EXPECT_EQ(whole_number<int>(text), std::nullopt) << text;
}

TEST(WholeNumber, FitsIntoItsType) {
  EXPECT_EQ(whole_number<int>("2147483648"), std::nullopt);
  EXPECT_EQ(whole_number<int64_t>("2147483648"), 2147483648);
  EXPECT_EQ(whole_number<int64_t>("9223372036854775808"), std::nullopt);
  EXPECT_EQ(whole_number<uint64_t>("9223372036854775808"), 9223372036854775808u);
  EXPECT_EQ(whole_number<uint64_t>("-1"), std::nullopt);
}

}  // namespace
}  // namespace polyscene::core
