// A file that cannot be written, by the step that fails.
#include "core/files/atomic_file.h"

#include "core/files/copy_file.h"
#include "ops/base/error.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

class AtomicFileTest : public testing::FolderTest {
 protected:
  [[nodiscard]] std::string error() const {
    return error_of<DataError>([&] {
      AtomicFile file(path("m"), 5);
      file.write("hello", 5);
      file.commit();
    });
  }
  // What is written goes to `device`.
  void write_to(const char* device) const { std::filesystem::create_symlink(device, path("m.partial")); }
};

TEST_F(AtomicFileTest, Create) {
  std::filesystem::create_directory(path("m.partial"));
  EXPECT_EQ(error(), "[files] cannot create m: Is a directory; wanted 5 bytes, wrote 0; choose another place");
}

TEST_F(AtomicFileTest, Write) {
  write_to("/dev/full");
  EXPECT_EQ(error(),
            "[files] cannot write m: No space left on device; wanted 5 bytes, wrote 0; the disk is full: free space or "
            "choose another place");
}

TEST_F(AtomicFileTest, Sync) {
  write_to("/dev/null");
  EXPECT_EQ(error(), "[files] cannot sync m: Invalid argument; wanted 5 bytes, wrote 5; choose another place");
}

TEST_F(AtomicFileTest, Rename) {
  std::filesystem::create_directories(path("m/precious"));
  EXPECT_EQ(error(), "[files] cannot rename m: Is a directory; wanted 5 bytes, wrote 5; choose another place");
  EXPECT_FALSE(std::filesystem::exists(path("m.partial")));
}

TEST_F(AtomicFileTest, CopiesWholeOrNotAtAll) {
  const std::string bytes(3'000'000, 'x');
  write("from", bytes + "y");
  copy_file(path("from"), path("to"));
  EXPECT_EQ(read("to"), bytes + "y");
  EXPECT_EQ(error_of<DataError>([&] { copy_file(path("gone"), path("other")); }),
            "[files] cannot read gone: No such file or directory");
  EXPECT_EQ(error_of<DataError>([&] { copy_file(path("from"), path("no/other")); }),
            "[files] cannot create no/other: No such file or directory; wanted 3000001 bytes, wrote 0; there is no "
            "folder no: make it first, or choose another place");
  EXPECT_FALSE(std::filesystem::exists(path("other")));
}

}  // namespace
}  // namespace polyscene::core
