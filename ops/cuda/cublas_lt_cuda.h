// The functions of cuBLASLt that matrix products use, loaded at run time.
#pragma once

#include <cublasLt.h>

#include "ops/device/shared_library.h"

namespace polyscene {

struct CublasLt {
  // Throws DeviceError if none of the names can be loaded or a function is missing.
  explicit CublasLt(const std::vector<std::string>& names)
      : library(names, "to multiply matrices",
                "install cuBLAS of CUDA 12 or 13 (libcublas-13-0 in NVIDIA's packages for apt, nvidia-cublas in those "
                "for pip) or name its folder in LD_LIBRARY_PATH; the CPU does without") {}

  SharedLibrary library;

#define POLYSCENE_FUNCTION(member, name) decltype(&name) member = library.function<decltype(&name)>(#name)
  POLYSCENE_FUNCTION(create, cublasLtCreate);
  POLYSCENE_FUNCTION(destroy, cublasLtDestroy);
  POLYSCENE_FUNCTION(status_string, cublasLtGetStatusString);
  POLYSCENE_FUNCTION(create_product, cublasLtMatmulDescCreate);
  POLYSCENE_FUNCTION(destroy_product, cublasLtMatmulDescDestroy);
  POLYSCENE_FUNCTION(set_product, cublasLtMatmulDescSetAttribute);
  POLYSCENE_FUNCTION(create_layout, cublasLtMatrixLayoutCreate);
  POLYSCENE_FUNCTION(destroy_layout, cublasLtMatrixLayoutDestroy);
  POLYSCENE_FUNCTION(create_preference, cublasLtMatmulPreferenceCreate);
  POLYSCENE_FUNCTION(destroy_preference, cublasLtMatmulPreferenceDestroy);
  POLYSCENE_FUNCTION(set_preference, cublasLtMatmulPreferenceSetAttribute);
  POLYSCENE_FUNCTION(find_algorithms, cublasLtMatmulAlgoGetHeuristic);
  POLYSCENE_FUNCTION(check_algorithm, cublasLtMatmulAlgoCheck);
  POLYSCENE_FUNCTION(multiply, cublasLtMatmul);
#undef POLYSCENE_FUNCTION
};

}  // namespace polyscene
