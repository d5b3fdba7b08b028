// A folder for one test, in memory where there is such a file system: all that a run saves is synced, and a disk takes
// longer for that than the tests for the rest.
#pragma once

#include "tests/support/temporary_folder.h"

namespace polyscene::testing {

class MemoryFolderTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    if (!std::filesystem::is_directory("/dev/shm")) return;
    std::filesystem::remove_all(folder_);
    folder_ = std::filesystem::path("/dev/shm") / folder_.filename();
    std::filesystem::create_directories(folder_);
  }
};

}  // namespace polyscene::testing
