// Links are followed, devices and pipes stay what they are, and what cannot be written like a file is refused.
#include "core/files/output_place.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/support/message_of.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

namespace fs = std::filesystem;
using Kind = core::OutputPlace::Kind;

class OutputPlaceTest : public FolderTest {
 protected:
  [[nodiscard]] core::OutputPlace place(const std::string& name) const {
    return core::output_place("--output", path(name));
  }
  [[nodiscard]] std::string refused(const std::string& name) const {
    return message_of([&] { static_cast<void>(place(name)); });
  }
  [[nodiscard]] std::string wanted(const std::string& name, const std::string& rest) const {
    return "[output] wanted a file for --output, got " + path(name) + ", " + rest;
  }
};

TEST_F(OutputPlaceTest, AFileIsWrittenAsideItself) {
  write("there", "");
  for (const char* name : {"there", "not there"}) {
    EXPECT_EQ(place(name).kind, Kind::kFile);
    EXPECT_EQ(place(name).path, path(name));
    EXPECT_EQ(place(name).partial(), path(name) + ".partial");
  }
}

TEST_F(OutputPlaceTest, LinksLeadToTheFileBehindThem) {
  write("far/there", "");
  fs::create_symlink("far", path("folder"));
  fs::create_symlink("folder/there", path("one"));
  fs::create_symlink(path("one"), path("two"));
  EXPECT_TRUE(fs::equivalent(place("two").path, path("far/there")));
  fs::create_symlink("far/new", path("dangling"));
  EXPECT_EQ(fs::weakly_canonical(place("dangling").path), path("far/new"));
  fs::create_symlink("round", path("round"));
  EXPECT_EQ(refused("round"), wanted("round", "whose symbolic links form a loop; choose another"));
}

TEST_F(OutputPlaceTest, PipesAndDevicesAreStreams) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", path("null"));
  EXPECT_EQ(place("pipe").kind, Kind::kStream);
  EXPECT_EQ(place("null").kind, Kind::kStream);
  EXPECT_EQ(place("null").path, "/dev/null");
}

TEST_F(OutputPlaceTest, DescriptorsOfTheProcessAreNotFollowed) {
  const int file = ::open(path("open").c_str(), O_WRONLY | O_CREAT, 0600);
  fs::create_symlink("/proc/self/fd/" + std::to_string(file), path("link"));
  EXPECT_EQ(place("link").kind, Kind::kDescriptor);
  EXPECT_EQ(place("link").descriptor, file);
  const int opened = open_output(place("link"));
  EXPECT_EQ(::write(opened, "x", 1), 1);
  ::close(opened);
  EXPECT_EQ(::write(file, "y", 1), 1);  // where the other one ended
  ::close(file);
  EXPECT_EQ(read("open"), "xy");
  EXPECT_EQ(refused("link"), wanted("link", "which is not open; choose a file"));
  EXPECT_EQ(core::output_place("--output", "/dev/stdout").descriptor, STDOUT_FILENO);
  EXPECT_TRUE(core::output_place("--output", "/dev/stdout").is_standard_output());
}

TEST_F(OutputPlaceTest, WhatIsNoFileIsRefused) {
  fs::create_directory(path("folder"));
  EXPECT_EQ(refused("folder"), wanted("folder", "which is a folder; name a file in it"));
  EXPECT_EQ(refused("new/"), wanted("new/", "which is a folder; name a file in it"));
  EXPECT_EQ(message_of([&] { static_cast<void>(core::output_place("--output", "")); }),
            "[output] wanted a file for --output, got an empty name; is a variable unset?");
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  ASSERT_LT(path("socket").size(), sizeof(address.sun_path));
  std::strcpy(address.sun_path, path("socket").c_str());
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(refused("socket"), wanted("socket", "which is a socket; choose a file or a pipe"));
  ::close(socket);
}

TEST_F(OutputPlaceTest, WhatAnotherWritesIsLeftToIt) {
  const int first = open_output(place("out"));
  ASSERT_GE(first, 0);
  EXPECT_EQ(open_output(place("out")), -1);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_EQ(::write(first, "first", 5), 5);
  ::close(first);
  EXPECT_EQ(read("out.partial"), "first");
  const int next = open_output(place("out"));
  EXPECT_GE(next, 0);
  ::close(next);
}

TEST_F(OutputPlaceTest, AnEarlierFileAsideGoesAndIsNotFollowed) {
  write("precious", "precious");
  fs::create_symlink("precious", path("out.partial"));
  const int file = open_output(place("out"));
  EXPECT_EQ(::write(file, "new", 3), 3);
  ::close(file);
  EXPECT_EQ(read("out.partial"), "new");
  EXPECT_EQ(read("precious"), "precious");
}

}  // namespace
}  // namespace polyscene::testing
