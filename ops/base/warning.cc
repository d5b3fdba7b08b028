#include "ops/base/warning.h"

#include <iostream>

namespace polyscene {

void warn(const std::string& message) { std::cerr << "polyscene: warning: " + message + "\n" << std::flush; }

}  // namespace polyscene
