// What the user should know though the program goes on.
#pragma once

#include <string>

namespace polyscene {

// Logs "polyscene: warning: MESSAGE" by glog: the program has it write that line to standard error, without glog's
// prefix.
void warn(const std::string& message);

}  // namespace polyscene
