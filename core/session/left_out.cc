#include "core/session/left_out.h"

#include <array>
#include <ostream>

#include "ops/base/error.h"

namespace polyscene::core {

SourceCounters over_ranks(const SourceCounters& mine, dist::Communicator& communicator) {
  std::array<int64_t, 7> sums = {mine.rows_read, mine.rows_bad,     mine.rows_dropped_tail, mine.sequences_cut,
                                 mine.bags_cut,  mine.rows_skipped, mine.rows_unlisted};
  communicator.all_reduce<int64_t>(sums);
  return {.rows_read = sums[0],
          .rows_bad = sums[1],
          .rows_dropped_tail = sums[2],
          .sequences_cut = sums[3],
          .bags_cut = sums[4],
          .rows_skipped = sums[5],
          .rows_unlisted = sums[6]};
}

void print_left_out(std::ostream& out, const std::string& pass, const SourceCounters& counters,
                    const std::string& see) {
  const auto line = [&](int64_t count, const std::string& text) {
    if (count > 0) out << pass << ": " << count << ' ' << text << '\n';
  };
  const std::string listed =
      counters.rows_unlisted == 0 ? "" : str(" (which lists ", counters.rows_bad - counters.rows_unlisted, " of them)");
  line(counters.rows_bad,
       str("of ", counters.rows_read, " records read were bad and left out", see.empty() ? "" : ", ", see, listed));
  line(counters.rows_skipped, "rows of other scenarios than data.only_scenarios were skipped");
  line(counters.rows_dropped_tail, "records were dropped, too few for a last batch (train.min_tail_share)");
  line(counters.sequences_cut, "sequences were longer than max_length and kept their newest behaviours");
  line(counters.bags_cut, "bags were longer than max_length and kept their heaviest ids");
}

void require_good_rows(const std::string& pass, const SourceCounters& counters, const std::string& see) {
  require<DataError>(counters.rows_read > counters.rows_bad, "[data] ", pass,
                     " has no row to score: ", counters.rows_bad, " were bad, ", see, ", and ", counters.rows_skipped,
                     " of other scenarios than data.only_scenarios");
}

void refuse_untrained(int64_t steps, const SourceCounters& read, const std::string& see) {
  throw DataError(str("[train] nothing was trained: of the rows of ", steps, " steps ", read.rows_bad, " were bad and ",
                      read.rows_skipped, " of other scenarios than data.only_scenarios; see ", see,
                      ", and polyscene data inspect"));
}

}  // namespace polyscene::core
