// What the stand-in for cuBLASLt was asked, and what it shall do.
#pragma once

#include <cstdint>

namespace polyscene::testing {

struct CublasLtUse {
  int handles = 0, objects = 0;                 // alive
  int proposals = 0, checks = 0, products = 0;  // calls
  int compute_type = 0;                         // of the last product
  uint32_t reductions = 0;                      // allowed at the last proposal
  bool refuse_checks = false, refuse_products = false, refuse_proposals = false, refuse_handles = false;
};

// stand_in_use() of the library.
using CublasLtUseFunction = CublasLtUse* (*)();

}  // namespace polyscene::testing
