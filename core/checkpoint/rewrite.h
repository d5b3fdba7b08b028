// Checkpoints that are rewritten from other checkpoints, on one rank, with the whole model in memory.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace polyscene::core {

// Turns an incremental checkpoint into a full one in its place, from its bases. `path` is a checkpoint, or a run, whose
// newest checkpoint is taken. No job may use the run in the meantime. Returns the checkpoint's folder and how many
// checkpoints were merged. Throws like load_checkpoint().
std::pair<std::string, size_t> compact_checkpoint(const std::string& path);

// Creates a run `output` with one checkpoint, from which training resumes: the checkpoint of `path`, converted to its
// configuration with `overrides`. row_conversion.h converts rows to another width or optimiser. A dense tensor, or its
// optimiser state, for which `path` has none of the same name and shape takes its initial value; these are printed.
// Returns the checkpoint's folder. Throws like load_checkpoint(), and InvalidArgument when the output holds a run.
std::string convert_checkpoint(const std::string& path, const std::vector<std::string>& overrides,
                               const std::string& output, std::ostream& out);

}  // namespace polyscene::core
