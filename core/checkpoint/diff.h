// What two models or checkpoints differ in.
#pragma once

#include <iosfwd>
#include <string>

namespace polyscene {

// Compares dense parameters, rows of tables and, where both have it, the state of optimisers and the use of rows, bit
// for bit, and prints what differs: tensors, and per table rows. `a` and `b` are checkpoints, runs, whose newest
// checkpoint is taken, or folders of models. Any number of ranks may have written either. Returns whether they are the
// same. Throws as find_checkpoint(), DataError naming a file that cannot be read.
bool print_difference(std::ostream& out, const std::string& a, const std::string& b);

}  // namespace polyscene
