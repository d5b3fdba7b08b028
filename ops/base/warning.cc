#include "ops/base/warning.h"

#include <glog/logging.h>

namespace polyscene {

// A log line is one write: under mpirun several ranks speak at once.
void warn(const std::string& message) { LOG(WARNING) << "polyscene: warning: " << message; }

}  // namespace polyscene
