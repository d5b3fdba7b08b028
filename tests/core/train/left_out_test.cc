#include "core/train/left_out.h"

#include <gtest/gtest.h>

#include <sstream>

namespace polyscene {
namespace {

std::string printed(const SourceCounters& counters) {
  std::ostringstream out;
  print_left_out(out, "first epoch", counters, "see runs/a/rejects");
  return out.str();
}

TEST(LeftOut, NothingIsSaidOfNothing) { EXPECT_EQ(printed({.rows_read = 7}), ""); }

TEST(LeftOut, EveryKindHasItsLine) {
  EXPECT_EQ(printed({.rows_read = 7,
                     .rows_bad = 2,
                     .rows_dropped_tail = 3,
                     .sequences_cut = 4,
                     .bags_cut = 5,
                     .rows_skipped = 6}),
            "first epoch: 2 of 7 records read were bad and left out, see runs/a/rejects\n"
            "first epoch: 6 rows of other scenarios than data.only_scenarios were skipped\n"
            "first epoch: 3 records were left over, too few for a batch, and dropped (train.min_tail_share)\n"
            "first epoch: 4 sequences were longer than max_length and kept their newest behaviours\n"
            "first epoch: 5 bags were longer than max_length and kept their heaviest ids\n");
}

TEST(LeftOut, SaysHowManyBadRecordsAreListed) {
  EXPECT_EQ(printed({.rows_read = 70000, .rows_bad = 25000, .rows_unlisted = 5000}),
            "first epoch: 25000 of 70000 records read were bad and left out, see runs/a/rejects (which lists 20000 of "
            "them)\n");
}

}  // namespace
}  // namespace polyscene
