// Damage to files, the same for the same stream of numbers.
#pragma once

#include <string>
#include <vector>

#include "ops/base/philox.h"

namespace polyscene::testing {

// One to four changes to `bytes`: of bits, bytes, numbers in binary and in text, of pieces that are cut out, come twice
// or many times, or come from another of `seeds`.
void mutate(std::string& bytes, const std::vector<std::string>& seeds, PhiloxStream& random);

}  // namespace polyscene::testing
