// Differences between two models or checkpoints.
#pragma once

#include <iosfwd>
#include <string>

namespace polyscene::core {

// Compares dense parameters, rows of tables and, if both have them, optimiser state and access statistics, bit for bit.
// Prints the tensors that differ, and for each table the rows that differ. `a` and `b` are checkpoints, folders of
// models, or runs, whose newest checkpoint is taken. Any number of ranks may have written either. Returns whether they
// are the same. Throws like find_checkpoint(), and DataError naming a file that cannot be read.
bool print_difference(std::ostream& out, const std::string& a, const std::string& b);

}  // namespace polyscene::core
