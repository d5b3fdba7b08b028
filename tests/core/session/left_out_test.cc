#include "core/session/left_out.h"

#include <gtest/gtest.h>

#include <sstream>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

std::string printed(const SourceCounters& counters) {
  std::ostringstream out;
  print_left_out(out, "first epoch", counters, "see runs/a/rejects");
  return out.str();
}

TEST(LeftOut, NoPlaceToLookAtIsNamed) {
  std::ostringstream out;
  print_left_out(out, "part.parquet", {.rows_read = 7, .rows_bad = 2}, "");
  EXPECT_EQ(out.str(), "part.parquet: 2 of 7 records read were bad and left out\n");
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
            "first epoch: 3 records were dropped, too few for a last batch (train.min_tail_share)\n"
            "first epoch: 4 sequences were longer than max_length and kept their newest behaviours\n"
            "first epoch: 5 bags were longer than max_length and kept their heaviest ids\n");
}

TEST(LeftOut, SaysHowManyBadRecordsAreListed) {
  EXPECT_EQ(printed({.rows_read = 70000, .rows_bad = 25000, .rows_unlisted = 5000}),
            "first epoch: 25000 of 70000 records read were bad and left out, see runs/a/rejects (which lists 20000 of "
            "them)\n");
}

TEST(LeftOut, APassWithoutAGoodRowIsRefused) {
  const auto judge = [](const SourceCounters& counters) -> std::string {
    try {
      require_good_rows("split test", counters, "--rejects DIR lists them");
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(judge({.rows_read = 7, .rows_bad = 6}), "");
  EXPECT_EQ(
      judge({.rows_read = 7, .rows_bad = 7, .rows_skipped = 3}),
      "[data] split test has no row to score: 7 were bad, --rejects DIR lists them, and 3 of other scenarios than "
      "data.only_scenarios");
}

}  // namespace
}  // namespace polyscene::core
