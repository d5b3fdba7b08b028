#include "dist/mpi/hosting.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace polyscene::dist {
namespace {

TEST(Hosting, FiveRanksOnTwoProcesses) {
  const Hosting hosting{.ranks = 5, .processes = 2};
  EXPECT_EQ(hosting.first_rank(1), 2);
  EXPECT_EQ(hosting.process(1), 0);
  EXPECT_EQ(hosting.process(2), 1);
  EXPECT_EQ(hosting.lane(4), 2);
  EXPECT_EQ(hosting.lanes(), 3);
}

// Every process has ranks, every rank its process, and none more than the fullest is said to have.
TEST(Hosting, CutsAnyNumber) {
  for (int processes = 1; processes <= 20; ++processes) {
    for (int ranks = processes; ranks <= 50; ++ranks) {
      const Hosting hosting{ranks, processes};
      int fullest = 0;
      for (int p = 0; p < processes; ++p) {
        const int first = hosting.first_rank(p), end = hosting.first_rank(p + 1);
        EXPECT_LT(first, end);
        fullest = std::max(fullest, end - first);
        for (int r = first; r < end; ++r) {
          EXPECT_EQ(hosting.process(r), p);
          EXPECT_EQ(hosting.lane(r), r - first);
        }
      }
      EXPECT_EQ(hosting.first_rank(0), 0);
      EXPECT_EQ(hosting.first_rank(processes), ranks);
      EXPECT_EQ(hosting.lanes(), fullest);
    }
  }
}

}  // namespace
}  // namespace polyscene::dist
