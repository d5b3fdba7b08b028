// Which paths a pattern matches, and what is said of folders that cannot be read.
#include "core/data/file_pattern.h"

#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

class FilePattern : public ::testing::Test {
 protected:
  void touch(const std::string& name) {
    fs::create_directories(fs::path(folder_.file(name)).parent_path());
    std::ofstream(folder_.file(name)) << "x";
  }

  // Matches, named from the folder on.
  [[nodiscard]] Paths found(const std::string& pattern) const {
    Paths names;
    for (const std::string& path : matching_paths(folder_.path(), pattern))
      names.push_back(path.substr(folder_.path().size() + 1));
    return names;
  }

  [[nodiscard]] std::string refused(const std::string& pattern) const {
    return message_of<DataError>([&] { (void)matching_paths(folder_.path(), pattern); });
  }

  TempFolder folder_;
};

TEST_F(FilePattern, OneNameAtATime) {
  for (const char* name : {"b.pq", "a.pq", "B.pq", "day=1/x.pq", "day=2/x.pq", ".hidden.pq", "day=2/deep/x.pq"})
    touch(name);
  EXPECT_EQ(found("*.pq"), (Paths{"B.pq", "a.pq", "b.pq"}));
  EXPECT_EQ(found("day=*/x.pq"), (Paths{"day=1/x.pq", "day=2/x.pq"}));
  EXPECT_EQ(found("day=[2-9]//?.pq"), (Paths{"day=2/x.pq"}));
  EXPECT_EQ(found(".*.pq"), (Paths{".hidden.pq"}));
  EXPECT_EQ(found("a.pq"), (Paths{"a.pq"}));
  EXPECT_EQ(found("gone/*.pq"), Paths());
  EXPECT_EQ(found("a.pq/*.pq"), Paths());
  EXPECT_EQ(matching_paths("/nowhere", folder_.file("a.*")), (Paths{folder_.file("a.pq")}));
}

TEST_F(FilePattern, TwoStarsAreAnyNumberOfFolders) {
  for (const char* name : {"t/0.pq", "t/a/1.pq", "t/a/b/2.pq", "t/a/b/c/3.pq", "t/.tmp/4.pq", "u/5.pq"}) touch(name);
  const Paths all = {"t/0.pq", "t/a/1.pq", "t/a/b/2.pq", "t/a/b/c/3.pq"};
  EXPECT_EQ(found("t/**/*.pq"), all);
  EXPECT_EQ(found("t/**"), all);
  EXPECT_EQ(found("t/**/**/*.pq"), all);
  EXPECT_EQ(found("t/**/b/**/*.pq"), (Paths{"t/a/b/2.pq", "t/a/b/c/3.pq"}));
  EXPECT_EQ(found("**/5.pq"), (Paths{"u/5.pq"}));
}

TEST_F(FilePattern, ALinkBackEndsTheWay) {
  touch("t/a/1.pq");
  fs::create_directory_symlink(folder_.file("t"), folder_.file("t/a/again"));
  EXPECT_EQ(found("t/**/*.pq"), (Paths{"t/a/1.pq"}));
}

TEST_F(FilePattern, AFolderThatCannotBeReadIsNamed) {
  touch("t/day=1/1.pq");
  touch("t/day=2/1.pq");
  fs::permissions(folder_.file("t/day=2"), fs::perms::none);
  const int user = ::setfsuid(65534);  // root reads everything
  const std::string why =
      "\": Permission denied, and it may hold files of the data; make it readable, or leave it out of "
      "the patterns";
  EXPECT_EQ(refused("t/*/*.pq"), "[data] cannot read \"" + folder_.file("t/day=2") + why);
  EXPECT_EQ(refused("t/**/*.pq"), "[data] cannot read \"" + folder_.file("t/day=2") + why);
  EXPECT_EQ(refused("t/*/1.pq"), "[data] cannot read \"" + folder_.file("t/day=2/1.pq") + why);
  ::setfsuid(static_cast<uid_t>(user));
  fs::permissions(folder_.file("t/day=2"), fs::perms::owner_all);
  EXPECT_EQ(found("t/*/1.pq").size(), 2u);
}

// Not that no file matches: the process has no handle left to look with.
TEST_F(FilePattern, TooManyOpenFilesAreNotNoFiles) {
  touch("t/1.pq");
  const auto look_without_handles = [&] {
    const int free = ::dup(STDERR_FILENO);
    ::close(free);
    const rlimit limit{.rlim_cur = static_cast<rlim_t>(free), .rlim_max = static_cast<rlim_t>(free)};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    std::cerr << refused("t/*.pq");
    std::_Exit(0);
  };
  EXPECT_EXIT(look_without_handles(), ::testing::ExitedWithCode(0),
              "cannot read \".*/t\": Too many open files; raise ulimit -n, or try fewer data.threads or local ranks$");
}

}  // namespace
}  // namespace polyscene::core::test
