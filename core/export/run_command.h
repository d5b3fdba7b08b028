// Runs a command of the user with a file or folder as its last argument.
#pragma once

#include <string>

namespace polyscene::core {

// Runs `command` in a shell, with `argument` as one more word, whatever characters it holds, and waits for the end. The
// program starts with no signal blocked and default handling of SIGPIPE. Returns how it ended in words, e.g. "exit code
// 3", or "" after exit code 0. Throws DataError when no shell can be started.
[[nodiscard]] std::string run_command(const std::string& command, const std::string& argument);

}  // namespace polyscene::core
