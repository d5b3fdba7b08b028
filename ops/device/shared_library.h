#pragma once

#include <memory>
#include <string>
#include <vector>

namespace polyscene {

// A library that is loaded on first use, so that programs start without it. It stays loaded as long as the object;
// copies share it.
class SharedLibrary {
 public:
  // Loads the first of `names` that dlopen finds. Throws DeviceError with the reason for each name, `purpose` ("to
  // multiply matrices") and `advice` ("install ...").
  SharedLibrary(const std::vector<std::string>& names, const std::string& purpose, const std::string& advice);

  // A function of the C interface. Throws DeviceError if the library has no function of this name.
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
