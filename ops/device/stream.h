#pragma once

namespace polyscene {

// The queue of one device that work is put on, and what its libraries want to know; not owned, nothing on a CPU.
struct Stream {
  void* handle = nullptr;  // a cudaStream_t
  void* blas = nullptr;    // a cublasHandle_t
};

}  // namespace polyscene
