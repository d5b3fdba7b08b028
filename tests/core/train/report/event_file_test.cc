#include "core/train/report/event_file.h"

#include "core/train/report/crc32c.h"
#include "core/train/report/event_record.h"
#include "ops/base/error.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::core {
namespace {

using EventFileTest = testing::FolderTest;
namespace fs = std::filesystem;

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

// The check values of the CRC catalogue and of RFC 3720, B.4.
TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(masked_crc32c("123456789"), 0xC78AB0E5u);
}

// Golden bytes: serialised by TensorBoard's own protobuf classes, framed with a bitwise CRC.
TEST(EventRecord, GoldenBytes) {
  EXPECT_EQ(hex(tfrecord(version_event(1.5))),
            "1800000000000000a37f4b22"
            "09000000000000f83f1a0d627261696e2e4576656e743a32"
            "2a28646c");
  EXPECT_EQ(hex(tfrecord(scalar_event(2.5, 300, {{"a/auc", 0.75f}, {"b", -2.0f}}))),
            "2600000000000000734fe300"
            "09000000000000044010ac022a180a0c0a05612f617563150000403f0a080a016215000000c0"
            "058b783a");
}

TEST(EventRecord, NegativeStepsAndNoScalars) {
  EXPECT_EQ(hex(scalar_event(0.5, -1, {})), "09000000000000e03f10ffffffffffffffffff012a00");
}

TEST_F(EventFileTest, BeginsWithTheVersionAndAppendsEvents) {
  EventFile file(path("events"), 1700000000.25);
  const std::string name = fs::path(file.path()).filename().string();
  EXPECT_TRUE(name.starts_with("events.out.tfevents.1700000000.")) << name;
  EXPECT_TRUE(name.ends_with(".polyscene")) << name;
  EXPECT_EQ(read(file.path()), tfrecord(version_event(1700000000.25)));
  file.write(1700000001, 5, {{"loss", 0.5f}});
  file.flush();
  EXPECT_EQ(read(file.path()),
            tfrecord(version_event(1700000000.25)) + tfrecord(scalar_event(1700000001, 5, {{"loss", 0.5f}})));
}

TEST_F(EventFileTest, ReachesTheFileEveryTenSeconds) {
  EventFile file(folder_.string(), 100);
  const size_t header = read(file.path()).size();
  file.write(109, 1, {{"loss", 1.0f}});
  EXPECT_EQ(read(file.path()).size(), header);
  file.write(110, 2, {{"loss", 1.0f}});
  EXPECT_GT(read(file.path()).size(), header);
}

TEST_F(EventFileTest, FullDisk) {
  const std::string file = EventFile(folder_.string(), 100).path();
  fs::remove(file);
  fs::create_symlink("/dev/full", file);
  EXPECT_EQ(error_of<DataError>([&] { EventFile again(folder_.string(), 100); }),
            "[files] cannot write to " + fs::path(file).filename().string() +
                ": No space left on device; the disk is full: free space or choose another place");
}

TEST_F(EventFileTest, FolderThatCannotBe) {
  write("file", "x");
  const std::string error = error_of<DataError>([&] { EventFile file(path("file"), 100); });
  EXPECT_TRUE(error.starts_with("[files] cannot create file/events.out.tfevents.100.")) << error;
  EXPECT_TRUE(error.ends_with(".polyscene: Not a directory; choose another place")) << error;
}

}  // namespace
}  // namespace polyscene::core
