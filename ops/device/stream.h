#pragma once

namespace polyscene {

class DeviceProducts;

// A queue of a device and the object that multiplies matrices on it; not owned. Both are nullptr on a CPU.
struct Stream {
  void* handle = nullptr;  // a cudaStream_t
  DeviceProducts* products = nullptr;
};

}  // namespace polyscene
