#include "ops/base/warning.h"

#include <glog/logging.h>

namespace polyscene {

// A log line is a single write, because under mpirun several ranks write at once.
void warn(const std::string& message) { LOG(WARNING) << "polyscene: warning: " << message; }

}  // namespace polyscene
