// What is said where NCCL is not what is wanted.
#include "dist/nccl/library.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "dist/nccl/handle.h"
#include "tests/dist/nccl/stand_in.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

const std::string kTry =
    "; install NCCL 2.18 or later, set POLYSCENE_NCCL_LIBRARY to its libnccl.so.2, or choose the staged transport";

std::string message_of_load(const std::string& path) {
  return message_of<CommunicationError>([&] { (void)dist::NcclLibrary::load(path); });
}

TEST(NcclLibrary, ThatIsNotThereIsNamed) {
  EXPECT_EQ(message_of_load("/nowhere/libnccl.so.2"),
            "[dist.nccl] NCCL cannot be loaded: /nowhere/libnccl.so.2: cannot open shared object file: No such file or "
            "directory" +
                kTry);
}

TEST(NcclLibrary, ThatIsAnotherLibraryIsRefused) {
  EXPECT_EQ(message_of_load("libm.so.6"), "[dist.nccl] libm.so.6 has no function ncclGetVersion" + kTry);
}

TEST(NcclLibrary, ThatIsTooOldIsRefused) {
  const std::string start = str("[dist.nccl] ", POLYSCENE_NCCL_STAND_IN, " is NCCL ");
  nccl_stand_in_set_version(21704);
  EXPECT_EQ(message_of_load(POLYSCENE_NCCL_STAND_IN), start + "2.17.4" + kTry);
  nccl_stand_in_set_version(2804);
  EXPECT_EQ(message_of_load(POLYSCENE_NCCL_STAND_IN), start + "2.8.4" + kTry);
  nccl_stand_in_reset();
  EXPECT_EQ(message_of_load(POLYSCENE_NCCL_STAND_IN), "nothing thrown");
}

TEST(NcclLibrary, IsWhatTheEnvironmentSays) {
  ::setenv("POLYSCENE_NCCL_LIBRARY", POLYSCENE_NCCL_STAND_IN, 1);
  EXPECT_EQ(message_of_load(""), "nothing thrown");
  ::setenv("POLYSCENE_NCCL_LIBRARY", "libm.so.6", 1);
  EXPECT_EQ(message_of_load(""), "[dist.nccl] libm.so.6 has no function ncclGetVersion" + kTry);
  ::unsetenv("POLYSCENE_NCCL_LIBRARY");
}

TEST(NcclLibrary, PassesOnWhatNcclSays) {
  nccl_stand_in_reset();
  const auto library = dist::NcclLibrary::load(POLYSCENE_NCCL_STAND_IN);
  dist::nccl::UniqueId id{};
  library->check(library->get_unique_id(&id), "ncclGetUniqueId");
  EXPECT_EQ(message_of<CommunicationError>([&] { dist::NcclHandle(library, 2, id, 2); }),
            "[dist.nccl] ncclCommInitRankConfig failed: bad argument: an id of nobody, or ranks that do not fit; set "
            "NCCL_DEBUG=INFO for details");
}

}  // namespace
}  // namespace polyscene::testing
