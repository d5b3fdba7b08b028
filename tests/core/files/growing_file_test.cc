// That nobody reads half a record after a full disk, and that a log goes on once there is space.
#include "core/files/growing_file.h"

#include "tests/support/message_of.h"
#include "tests/support/size_limit.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

using GrowingFileTest = FolderTest;

TEST_F(GrowingFileTest, RecordsReachTheFileWithAFlush) {
  core::GrowingFile file(path("new/log"));
  file.add("one\n");
  EXPECT_EQ(read("new/log"), "");
  file.add("two\n");
  file.flush();
  EXPECT_EQ(read("new/log"), "one\ntwo\n");
  EXPECT_EQ(file.bytes(), 8);
}

TEST_F(GrowingFileTest, HalfARecordIsTakenBackAndLaterOnesFit) {
  core::GrowingFile file(path("log"));
  file.add("first\n");
  file.flush();
  {
    const SizeLimit limit(10);
    file.add("second\n");
    EXPECT_EQ(message_of<DataError>([&] { file.flush(); }),
              "[files] cannot write to " + path("log") +
                  ": File too large; files of this size are forbidden here: raise ulimit -f or choose another place");
    EXPECT_EQ(read("log"), "first\n");
  }
  file.add("third\n");
  file.flush();
  EXPECT_EQ(read("log"), "first\nthird\n");
}

TEST_F(GrowingFileTest, AppendsOrEmpties) {
  write("log", "old\n");
  {
    core::GrowingFile file(path("log"), true);
    EXPECT_EQ(file.bytes(), 4);
    file.add("new\n");
  }  // flushes
  EXPECT_EQ(read("log"), "old\nnew\n");
  core::GrowingFile file(path("log"));
  EXPECT_EQ(read("log"), "");
}

TEST_F(GrowingFileTest, IsCutBack) {
  core::GrowingFile file(path("log"));
  file.add("one\ntwo\n");
  file.flush();
  file.cut_back(4);
  file.add("three\n");
  file.flush();
  EXPECT_EQ(read("log"), "one\nthree\n");
}

}  // namespace
}  // namespace polyscene::testing
