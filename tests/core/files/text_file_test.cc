// A text file of a run is there whole, in its new form or in the one before.
#include "core/files/text_file.h"

#include "tests/support/message_of.h"
#include "tests/support/size_limit.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;

class TextFileTest : public FolderTest {
 protected:
  [[nodiscard]] std::string error_of(const std::string& file, const std::string& text) const {
    return message_of<DataError>([&] { core::write_text_file(path(file), text); });
  }
  [[nodiscard]] std::string refused(const std::string& file, size_t bytes, const std::string& why) const {
    return "[files] cannot write " + std::to_string(bytes) + " bytes to " + path(file) + ": " + why;
  }
};

TEST_F(TextFileTest, ReplacesWhatWasThere) {
  core::write_text_file(path("config"), "a long text\n");
  EXPECT_EQ(read("config"), "a long text\n");
  core::write_text_file(path("config"), "short");
  EXPECT_EQ(read("config"), "short");
  core::write_text_file(path("config"), "");
  EXPECT_EQ(read("config"), "");
  EXPECT_FALSE(fs::exists(path("config.partial")));
}

TEST_F(TextFileTest, WhatAJobLeftUnfinishedIsReplacedToo) {
  write("config.partial", "half of a much longer tex");
  core::write_text_file(path("config"), "whole");
  EXPECT_EQ(read("config"), "whole");
  EXPECT_FALSE(fs::exists(path("config.partial")));
}

TEST_F(TextFileTest, AFullDiskLeavesTheOldOne) {
  write("config", "old");
  {
    const SizeLimit limit(3);
    EXPECT_EQ(
        error_of("config", "newer"),
        refused("config", 5,
                "File too large; files of this size are forbidden here: raise ulimit -f or choose another place"));
  }
  EXPECT_EQ(read("config"), "old");
  EXPECT_FALSE(fs::exists(path("config.partial")));
  EXPECT_EQ(error_of("config", "newer"), "nothing thrown");
}

TEST_F(TextFileTest, AFolderThatIsNotThereIsNamed) {
  EXPECT_EQ(error_of("gone/config", "text"), refused("gone/config", 4,
                                                     "No such file or directory; there is no folder " + path("gone") +
                                                         ": make it first, or choose another place"));
  write("file", "");
  EXPECT_EQ(error_of("file/config", "text"), refused("file/config", 4, "Not a directory; choose another place"));
}

TEST_F(TextFileTest, AFolderInItsPlaceStays) {
  write("config/mine", "precious");
  EXPECT_EQ(error_of("config", "text"), refused("config", 4, "Is a directory; choose another place"));
  EXPECT_EQ(read("config/mine"), "precious");
  EXPECT_FALSE(fs::exists(path("config.partial")));
}

}  // namespace
}  // namespace polyscene::testing
