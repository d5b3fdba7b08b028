// What the user should know though the program goes on.
#pragma once

#include <string>

namespace polyscene {

// Says "polyscene: warning: MESSAGE" on standard error, in one piece: under mpirun several ranks speak at once.
void warn(const std::string& message);

}  // namespace polyscene
