// Checkpoints that are written anew from what other files hold: for one rank, with the model in memory.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace polyscene {

// Writes the rows of its whole chain into the checkpoint `path`, or the newest of the run `path`: nothing else is
// needed from then on. Returns its folder and how many it took together. While no job uses the run. Throws as
// load_checkpoint().
std::pair<std::string, size_t> compact_checkpoint(const std::string& path);

// Makes a run `output` with one checkpoint, which training goes on from: that of `path` as its configuration with
// `overrides` has it. Rows take another width or optimiser by row_conversion.h; a dense tensor or its state that is not
// there with the same name and shape is as at the start of training. Prints what did. Returns the checkpoint's folder.
// Throws as load_checkpoint(), and InvalidArgument where the output holds a run.
std::string convert_checkpoint(const std::string& path, const std::vector<std::string>& overrides,
                               const std::string& output, std::ostream& out);

}  // namespace polyscene
