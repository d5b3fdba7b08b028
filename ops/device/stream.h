#pragma once

namespace polyscene {

class DeviceProducts;

// The queue of one device that work is put on, and who multiplies matrices there; not owned, nothing on a CPU.
struct Stream {
  void* handle = nullptr;  // a cudaStream_t
  DeviceProducts* products = nullptr;
};

}  // namespace polyscene
