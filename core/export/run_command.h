// A command of the user's, with a file or folder of ours as its last word.
#pragma once

#include <string>

namespace polyscene {

// Runs `command` as a shell reads it, with `argument` behind its words, whatever characters that holds, and waits for
// it. The program starts with no signal blocked and SIGPIPE as usual, whatever this process has set. Returns how it
// ended in words, e.g. "exit code 3", or "" after exit code 0. Throws DataError when no shell can be started.
[[nodiscard]] std::string run_command(const std::string& command, const std::string& argument);

}  // namespace polyscene
