#include "core/files/file_name.h"

#include <gtest/gtest.h>

namespace polyscene::core {
namespace {

TEST(FileName, LettersDigitsAndThreeSignsStayThemselves) {
  EXPECT_EQ(file_name("user..id_2-x"), "user..id_2-x");
  EXPECT_EQ(file_name("a/b c%"), "a%2Fb%20c%25");
  EXPECT_EQ(file_name("\xe7\x94\xa8"), "%E7%94%A8");
}

TEST(FileName, WhatLiesBelowItsFolder) {
  for (const char* name : {"dense.safetensors", "tables/user..id.rows", "tables/...rows", "a/..b"})
    EXPECT_TRUE(stays_inside(name)) << name;
  for (const char* name : {"", "/etc/passwd", "..", "../x", "tables/../../x", "tables/.."})
    EXPECT_FALSE(stays_inside(name)) << name;
}

}  // namespace
}  // namespace polyscene::core
