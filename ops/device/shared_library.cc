#include "ops/device/shared_library.h"

#include <dlfcn.h>

#include "ops/base/error.h"

namespace polyscene {

SharedLibrary::SharedLibrary(const std::vector<std::string>& names, const std::string& purpose,
                             const std::string& advice)
    : advice_(advice) {
  std::string reasons;
  for (const std::string& name : names) {
    // It is never unloaded, because its own work may still be queued when its last user is destroyed.
    if (void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) {
      handle_ = {handle, dlclose};
      name_ = name;
      return;
    }
    reasons += str(reasons.empty() ? "" : "; ", dlerror());
  }
  throw DeviceError(str("[device] no library ", purpose, " on a device: ", reasons, "; ", advice));
}

void* SharedLibrary::address(const char* name) const {
  void* const address = dlsym(handle_.get(), name);
  require<DeviceError>(address != nullptr, "[device] ", name_, " has no function ", name, "; ", advice_);
  return address;
}

}  // namespace polyscene
