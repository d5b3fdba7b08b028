#include "core/session/together.h"

#include <gtest/gtest.h>

#include <array>

#include "dist/world.h"
#include "ops/base/caused_error.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

// Which rank's message a user reads is a matter of timing.
TEST(Together, EveryRankNamesTheSettings) {
  std::array<std::string, 2> said;
  dist::run_local_ranks(2, [&](dist::Communicator& world) {
    const auto work = [&] {
      if (world.rank() == 1) throw ThreadShortage("no more threads");
    };
    said[static_cast<size_t>(world.rank())] = message_of<Error>([&] { core::together(world, work); });
  });
  EXPECT_EQ(said[0], "no more threads; settings: --threads, data.threads, --local-ranks");
  EXPECT_EQ(said[1], said[0]);
}

}  // namespace
}  // namespace polyscene::testing
