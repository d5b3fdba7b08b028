// What is written aside goes with its process, whatever ends that; others' stays.
#include "core/export/export_aside.h"

#include <sys/wait.h>

#include <csignal>
#include <memory>
#include <set>

#include "core/serve/served_model.h"
#include "ops/base/error.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

class ExportAsideTest : public testing::FolderTest {
 protected:
  [[nodiscard]] Names names() const {
    Names all;
    for (const auto& entry : fs::directory_iterator(folder_)) all.insert(entry.path().filename());
    return all;
  }
  // A process that is killed while it exports.
  void export_and_die() const {
    const pid_t child = ::fork();
    if (child == 0) {
      const ExportAside aside(folder_.string());
      std::ofstream(aside.path() + "/tables/item.rows") << "a model's worth";
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
};

TEST_F(ExportAsideTest, GoesUnlessItWasPublished) {
  {
    const ExportAside aside(folder_.string());
    EXPECT_TRUE(fs::is_directory(aside.path() + "/tables"));
    EXPECT_EQ(names().size(), 2u);
  }
  EXPECT_EQ(names(), Names{});
  for (const char* version : {"1", "2"}) {
    ExportAside aside(folder_.string());
    EXPECT_EQ(aside.publish(), path(version));
  }
  EXPECT_EQ(names(), (Names{"1", "2"}));
}

TEST_F(ExportAsideTest, TheNextExportRemovesWhatKilledOnesLeft) {
  export_and_die();
  export_and_die();
  EXPECT_EQ(names().size(), 2u) << "the second one removed the first one's";
  fs::create_directories(path(".partial-4711/tables"));  // of an earlier program
  write(".partial-4711/tables/item.rows", "x");
  write(".partial", "the user's");
  { const ExportAside aside(folder_.string()); }
  EXPECT_EQ(names(), Names{".partial"});
}

TEST_F(ExportAsideTest, WhatAnotherIsWritingStays) {
  ExportAside other(folder_.string());
  std::ofstream(other.path() + "/tables/item.rows") << "half";
  export_and_die();
  { const ExportAside aside(folder_.string()); }
  EXPECT_EQ(names().size(), 2u);
  EXPECT_TRUE(fs::exists(other.path() + "/tables/item.rows"));
  EXPECT_EQ(other.publish(), path("1"));
}

// Also a number that holds nothing is taken.
TEST_F(ExportAsideTest, TakesTheNextNumber) {
  for (const char* name : {"3", "007", "8x", "-9"}) fs::create_directory(path(name));
  ExportAside aside(folder_.string());
  EXPECT_EQ(aside.publish(), path("4"));
}

TEST_F(ExportAsideTest, WantsAPlaceToWrite) {
  write("file", "");
  EXPECT_TRUE(error_of<DataError>([&] {
                const ExportAside aside(path("file"));
              }).starts_with("[checkpoint] cannot make the folder file: "));
}

}  // namespace
}  // namespace polyscene::core
