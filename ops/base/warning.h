// Warnings: problems that do not stop the program.
#pragma once

#include <string>

namespace polyscene {

// Logs "polyscene: warning: MESSAGE" with glog. The program configures glog to write that line to standard error
// without its prefix.
void warn(const std::string& message);

}  // namespace polyscene
