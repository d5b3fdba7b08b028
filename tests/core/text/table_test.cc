#include "core/text/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace polyscene::core {
namespace {

const std::string kHome = "\xe9\xa6\x96\xe9\xa1\xb5";  // two characters of three bytes and of two columns

std::string printed(const Table& table) {
  std::ostringstream out;
  print_table(out, table);
  return out.str();
}

TEST(Columns, WideCharactersTakeTwoAndCombiningOnesNone) {
  EXPECT_EQ(columns_of("home"), 4u);
  EXPECT_EQ(columns_of(kHome), 4u);
  EXPECT_EQ(columns_of("caf\xc3\xa9"), 4u);
  EXPECT_EQ(columns_of("cafe\xcc\x81"), 4u);              // the accent is a character of its own
  EXPECT_EQ(columns_of("\xf0\x9f\x9b\x92"), 2u);          // a shopping cart
  EXPECT_EQ(columns_of("\xed\x95\x9c\xea\xb8\x80"), 4u);  // Hangul
}

TEST(Visible, ControlCharactersAndWhatIsNoUtf8) {
  EXPECT_EQ(visible("a\nb\tc\x1b[31m\x7f"), "a%0Ab%09c%1B[31m%7F");
  EXPECT_EQ(visible(std::string("a\0b", 3)), "a%00b");
  EXPECT_EQ(visible("\xc2\x9b"
                    "31m"),
            "%C2%9B31m");  // one byte of an escape sequence in Latin-1
  EXPECT_EQ(visible("\xe2\x80\xae"
                    "abc"),
            "%E2%80%AE"
            "abc");  // writes from right to left
  EXPECT_EQ(visible(kHome), kHome);
  EXPECT_EQ(visible("\xff"
                    "a\xe9\xa6"),
            "%FFa%E9%A6");
  EXPECT_EQ(visible("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80"), "%C0%AF%ED%A0%80%F4%90%80%80");
}

TEST(Fitted, LongNamesKeepBothEnds) {
  EXPECT_EQ(fitted("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(fitted("abcdefghijk", 10), "abcd...ijk");
  EXPECT_EQ(fitted("a\nb", 10), "a%0Ab");
  EXPECT_EQ(fitted(kHome + kHome + kHome, 10), kHome + "..." + kHome.substr(3));  // no half of a wide one
}

TEST(Tables, AreNotTornByNames) {
  EXPECT_EQ(printed({.rows = {{"name", "rows"}, {kHome, "12"}, {"a\nb\x1b[0m", "3"}}, .indent = 2}),
            "  name         rows\n"
            "  " +
                kHome +
                "           12\n"
                "  a%0Ab%1B[0m     3\n");
}

TEST(Tables, AreAsWideAsATerminalAtMost) {
  const std::string longest(76, 'x'), wide = [] {
    std::string text;
    for (int i = 0; i < 60; ++i) text += kHome;
    return text;
  }();
  for (const std::string& name : {longest, wide}) {
    for (const std::string& head : {std::string("rows"), "rate of " + name}) {
      for (size_t columns : {1u, 3u, 9u, 40u}) {
        Table table{.rows = {{"scenario"}, {name}, {"short"}}, .indent = 2};
        for (size_t i = 0; i < columns; ++i) {
          table.rows[0].push_back(head);
          for (const size_t row : {1u, 2u}) table.rows[row].push_back("123456");
        }
        std::istringstream lines(printed(table));
        size_t numbers = 0;
        for (std::string line; std::getline(lines, line);) {
          EXPECT_LE(columns_of(line), kTerminalColumns) << line;
          for (size_t at = 0; (at = line.find("123456", at)) != std::string::npos; ++at) ++numbers;
        }
        EXPECT_EQ(numbers, 2 * columns);
      }
    }
  }
  const std::string one = printed({.rows = {{"scenario", "rows"}, {longest, "123456"}}});
  EXPECT_EQ(one, "scenario" + std::string(68, ' ') + "rows\n" + std::string(35, 'x') + "..." + std::string(34, 'x') +
                     "  123456\n");
}

}  // namespace
}  // namespace polyscene::core
