// What is in a checkpoint, or in the folder of a model: for people.
#pragma once

#include <iosfwd>
#include <string>

namespace polyscene {

// Where the run stood, then per table and for the dense parameters: rows, bytes, norm, the largest row, and values that
// are not finite. Reads every value once. Throws InvalidArgument where there is neither checkpoint nor model.
void print_checkpoint(std::ostream& out, const std::string& path);

}  // namespace polyscene
