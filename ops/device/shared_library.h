#pragma once

#include <memory>
#include <string>
#include <vector>

namespace polyscene {

// A library that is loaded when it is first needed, so that programs start where it is missing. Stays loaded as long as
// the object; copies share it.
class SharedLibrary {
 public:
  // The first of `names` that loads, by the rules of dlopen. Throws DeviceError with the reason of each name, `purpose`
  // ("to multiply matrices") and `advice` ("install ...").
  SharedLibrary(const std::vector<std::string>& names, const std::string& purpose, const std::string& advice);

  // A function of the C interface. Throws DeviceError when the library has none of this name.
  template <class Function>
  [[nodiscard]] Function function(const char* name) const {
    return reinterpret_cast<Function>(address(name));
  }

 private:
  [[nodiscard]] void* address(const char* name) const;
  std::shared_ptr<void> handle_;
  std::string name_, advice_;
};

}  // namespace polyscene
