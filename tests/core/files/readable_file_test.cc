// What is no file where one is wanted is refused, and not waited for.
#include "core/files/readable_file.h"

#include <sys/stat.h>

#include "core/files/mapped_file.h"
#include "core/files/safetensors.h"
#include "ops/base/error.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

class ReadableFileTest : public testing::FolderTest {
 protected:
  // What every reader says.
  [[nodiscard]] std::string error() const {
    const std::string text = error_of<DataError>([&] { static_cast<void>(read_text_file(path("f"))); });
    EXPECT_EQ(error_of<DataError>([&] { const MappedFile file(path("f")); }), text);
    EXPECT_EQ(error_of<DataError>([&] { static_cast<void>(hash_file(path("f"))); }), text);
    EXPECT_EQ(error_of<DataError>([&] { const SafetensorsFile file(path("f")); }), text);
    return text;
  }
};

TEST_F(ReadableFileTest, GivesBackWhatIsThere) {
  for (const std::string& text : {std::string(), std::string("a\0b\n", 4), std::string(100'000, 'x')}) {
    write("f", text);
    EXPECT_EQ(read_text_file(path("f")), text);
  }
}

TEST_F(ReadableFileTest, SaysWhatIsThereInstead) {
  EXPECT_EQ(error(), "[files] cannot read f: No such file or directory");
  std::filesystem::create_directory(path("f"));
  EXPECT_EQ(error(), "[files] cannot read f: wanted a file, got a folder");
  std::filesystem::remove(path("f"));
  ASSERT_EQ(::mkfifo(path("f").c_str(), 0600), 0);
  EXPECT_EQ(error(), "[files] cannot read f: wanted a file, got a pipe");
  std::filesystem::remove(path("f"));
  std::filesystem::create_symlink("/dev/zero", path("f"));
  EXPECT_EQ(error(), "[files] cannot read f: wanted a file, got a device");
}

}  // namespace
}  // namespace polyscene::core
