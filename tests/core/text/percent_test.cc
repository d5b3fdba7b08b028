#include "core/text/percent.h"

#include <gtest/gtest.h>

namespace polyscene::core {
namespace {

TEST(PercentEncoded, ReplacesControlCharactersAndThoseGiven) {
  EXPECT_EQ(percent_encoded("a/b%\n\x7f", "/%"), "a%2Fb%25%0A%7F");
  EXPECT_EQ(percent_encoded("a/b%", ""), "a/b%");
}

TEST(PercentEncoded, ReplacesTheBytesThatAreWanted) {
  EXPECT_EQ(percent_encoded("a\xff%\n", [](char c) { return c == '\xff'; }), "a%FF%\n");
}

}  // namespace
}  // namespace polyscene::core
