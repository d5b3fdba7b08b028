// Reports of the rows and values that a pass over a split left out: nothing is lost silently.
#pragma once

#include <iosfwd>
#include <string>

#include "core/data/batch_source.h"
#include "dist/communicator.h"

namespace polyscene::core {

// Collective. The counters, summed over ranks.
[[nodiscard]] SourceCounters over_ranks(const SourceCounters& mine, dist::Communicator& communicator);

// Prints a line for each kind of loss that occurred: "PASS: 3 of 2400 records read were bad and left out, SEE". `pass`
// names what was read ("first epoch"); `see` says where bad records are listed, or how to list them.
void print_left_out(std::ostream& out, const std::string& pass, const SourceCounters& counters, const std::string& see);

// Throws DataError when a pass over a split had no good row, because metrics would be undefined.
void require_good_rows(const std::string& pass, const SourceCounters& counters, const std::string& see);

// Throws DataError: none of the rows that were read in so many steps was trained. `see`: where bad records are listed.
[[noreturn]] void refuse_untrained(int64_t steps, const SourceCounters& read, const std::string& see);

}  // namespace polyscene::core
