// What the writers of this folder share: output that says why it failed.
#pragma once

#include <fstream>
#include <string>

namespace polyscene {

// Creates or truncates `path`, with `append` keeps what it holds, and creates the folder it is in. Throws DataError
// naming it and the reason.
[[nodiscard]] std::ofstream create_output(const std::string& path, bool append = false);

// Hands all that was written to the operating system. Throws DataError naming `path` and the reason.
void flush_output(std::ofstream& out, const std::string& path);

}  // namespace polyscene
