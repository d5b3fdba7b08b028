// What a pass over a split did not use, for those who must know: nothing is lost silently.
#pragma once

#include <iosfwd>
#include <string>

#include "core/data/batch_source.h"
#include "dist/communicator.h"

namespace polyscene {

// The counters of all ranks together. Collective.
[[nodiscard]] SourceCounters over_ranks(const SourceCounters& mine, Communicator& communicator);

// A line for each kind of loss that there was, none where all was used: "PASS: 3 of 2400 records read were bad and left
// out, SEE". `pass` says what was read ("first epoch"), `see` where bad records are written down or how to see them.
void print_left_out(std::ostream& out, const std::string& pass, const SourceCounters& counters, const std::string& see);

// Throws DataError when a pass over a split had no good row: its metrics would be of nothing.
void require_good_rows(const std::string& pass, const SourceCounters& counters, const std::string& see);

}  // namespace polyscene
