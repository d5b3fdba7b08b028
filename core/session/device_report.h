// The device that a model runs on, as the run reports it.
#pragma once

#include <cstdint>
#include <string>

namespace polyscene::core {

struct DeviceReport {
  std::string name = {};         // empty: the model runs on the host, and there is no more to say
  std::string exchange = {};     // what ranks exchange device memory by
  std::string why = {};          // the reason for that choice; empty: it was asked for, or there is none
  std::string peak = {};         // memory, by consumer
  int64_t waits = 0, holds = 0;  // how often the host waited for a result, and how often it was held back
};

}  // namespace polyscene::core
