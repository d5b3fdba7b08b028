// Summary of a checkpoint or a model, for people.
#pragma once

#include <iosfwd>
#include <string>

namespace polyscene::core {

// Prints the position of the run, then for each table and for the dense parameters: rows, bytes, norm, the largest row,
// and the number of values that are not finite. Reads every value once. Throws InvalidArgument when `path` is neither a
// checkpoint nor a model.
void print_checkpoint(std::ostream& out, const std::string& path);

}  // namespace polyscene::core
